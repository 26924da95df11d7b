from django.db import migrations, models

from ticketsuma.migration_operations import GiveWay


class Migration(migrations.Migration):
    dependencies = [("push", "0001_initial")]

    operations = [
        GiveWay(),
        migrations.AddField("device", "token_epoch", models.PositiveIntegerField(blank=True, null=True)),
    ]
