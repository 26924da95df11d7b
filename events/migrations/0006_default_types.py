from django.db import migrations

from ticketsuma.time_limits import allow_an_hour

# In two statements, so that a hundred thousand events take seconds.
ADD_TYPES = """
INSERT INTO events_tickettype (event_id, name, description, position, pricing, price, seats_taken,
    min_per_order, is_hidden, admits, is_active, created_at, updated_at)
SELECT id, '', '', 0, 'fixed', price_sats, 0, 1, %s, 'both', %s, created_at, created_at
FROM events_event WHERE default_type_id IS NULL
"""
MAKE_DEFAULT = """
UPDATE events_event SET default_type_id =
    (SELECT min(id) FROM events_tickettype WHERE event_id = events_event.id)
WHERE default_type_id IS NULL
"""


def add_default_types(apps, schema_editor):
    """Each event sells one type at its price. Seats sold before are counted by `manage.py fill_lines`."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(ADD_TYPES, [False, True])
        cursor.execute(MAKE_DEFAULT)


class Migration(migrations.Migration):

    dependencies = [
        ('events', '0005_catalogue'),
    ]

    operations = [
        migrations.RunPython(allow_an_hour, migrations.RunPython.noop, elidable=True),
        migrations.RunPython(add_default_types, migrations.RunPython.noop, elidable=True),
    ]
