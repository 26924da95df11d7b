from django.db import migrations, models

from ticketsuma.migration_operations import AddIndexBesideSales


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('offline_door', '0001_initial'),
    ]

    operations = [
        AddIndexBesideSales(
            model_name='doorlist',
            index=models.Index(fields=['renewed_at', 'id'], name='offline_door_list_newest'),
        ),
    ]
