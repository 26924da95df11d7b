import importlib

from django.db import migrations, models

from ticketsuma.migration_operations import GiveWay

initial = importlib.import_module("accounts.migrations.0001_initial")
SQLITE = initial.SQLITE.replace(" AND NEW.details IS", " AND NEW.role IS OLD.role AND NEW.details IS")


def forbid_changes(apps, schema_editor):
    """SQLite made the table anew, without its trigger; PostgreSQL's compares whole rows and is still there."""
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute(SQLITE)


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_growth'),
    ]

    operations = [
        GiveWay(),
        migrations.AddField(
            model_name='historyentry',
            name='role',
            field=models.CharField(blank=True, db_default='', default='', max_length=10),
        ),
        migrations.RunPython(forbid_changes, migrations.RunPython.noop),
    ]
