from django.db import migrations

from ticketsuma.migration_operations import IndexForeignKey


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('events', '0007_questions'),
    ]

    operations = [
        IndexForeignKey(model_name='event', field='organizer', name='events_event_organizer_id_3afa7809'),
        IndexForeignKey(model_name='event', field='default_type', name='events_event_default_type_id_a7d4ccda'),
    ]
