from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NotesConfig(AppConfig):
    name = "tickets.notes"
    label = "notes"
    verbose_name = _("Notes on orders")
    default_auto_field = "django.db.models.BigAutoField"
