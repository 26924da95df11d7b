"""Django's `makemigrations`, for which texts are no part of the schema.

Labels (`verbose_name`, `help_text`, what choices are called) change often and in every language, and no
database knows them. They are taken out of both states that are compared, so migration files have none.
"""

from django.core.management.commands import makemigrations
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.state import ProjectState


def _without_labels(state: ProjectState) -> ProjectState:
    """The same state; its fields are copies, so that the models keep their labels."""
    for model in state.models.values():
        for option in ("verbose_name", "verbose_name_plural"):
            model.options.pop(option, None)
        for field in model.fields.values():
            field._verbose_name, field.help_text = None, ""
            if field.choices:
                field.choices = [(value, value) for value, _label in field.flatchoices]
    return state


class Autodetector(MigrationAutodetector):
    def __init__(self, from_state, to_state, questioner=None):
        super().__init__(_without_labels(from_state), _without_labels(to_state), questioner)


class Command(makemigrations.Command):
    autodetector = Autodetector
