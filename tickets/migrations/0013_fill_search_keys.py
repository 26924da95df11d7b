from django.db import migrations

from ticketsuma.search_keys import fill_all


def fill(apps, schema_editor):
    """Batch by batch, while the shop runs; what an older version writes meanwhile the worker fills."""
    for name in ("Order", "Ticket"):
        fill_all(apps.get_model("tickets", name))


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("tickets", "0012_search_key"),
    ]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
    ]
