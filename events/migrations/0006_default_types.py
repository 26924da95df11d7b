from django.db import connections, migrations, transaction

EVENTS_AT_ONCE = 500
ADD_TYPES = """
INSERT INTO events_tickettype (event_id, name, description, position, pricing, price, seats_taken,
    min_per_order, is_hidden, admits, is_active, created_at, updated_at)
SELECT id, '', '', 0, 'fixed', price_sats, 0, 1, %s, 'both', %s, created_at, created_at
FROM events_event WHERE default_type_id IS NULL AND id BETWEEN %s AND %s
"""
MAKE_DEFAULT = """
UPDATE events_event SET default_type_id =
    (SELECT min(id) FROM events_tickettype WHERE event_id = events_event.id)
WHERE default_type_id IS NULL AND id BETWEEN %s AND %s
"""


def add_default_types(apps, schema_editor):
    """Each event sells one type at its price. Seats sold before are counted by `manage.py fill_lines`.

    Some events in each transaction: whoever buys a seat of one waits for no more than these.
    """
    alias = schema_editor.connection.alias
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT id FROM events_event WHERE default_type_id IS NULL ORDER BY id")
        ids = [id for (id,) in cursor.fetchall()]
        for start in range(0, len(ids), EVENTS_AT_ONCE):
            some = ids[start : start + EVENTS_AT_ONCE]
            with transaction.atomic(alias):
                cursor.execute(ADD_TYPES, [False, True, some[0], some[-1]])
                cursor.execute(MAKE_DEFAULT, [some[0], some[-1]])


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('events', '0005_catalogue'),
    ]

    operations = [
        migrations.RunPython(add_default_types, migrations.RunPython.noop, elidable=True),
    ]
