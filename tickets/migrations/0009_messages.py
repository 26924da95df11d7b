from django.db import migrations, models

from ticketsuma.migration_operations import GiveWay


class Migration(migrations.Migration):

    dependencies = [
        ('tickets', '0008_indexes_beside_sales'),
    ]

    operations = [
        GiveWay(),
        migrations.AlterField(
            model_name='mail',
            name='kind',
            field=models.CharField(choices=[('tickets', 'tickets'), ('confirm', 'confirm'), ('refund_address', 'refund_address'), ('refund_sent', 'refund_sent'), ('event_canceled', 'event_canceled'), ('order_canceled', 'order_canceled'), ('event_changed', 'event_changed'), ('reminder_day', 'reminder_day'), ('reminder_hour', 'reminder_hour'), ('message', 'message')], max_length=20),
        ),
    ]
