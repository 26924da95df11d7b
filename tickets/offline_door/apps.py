from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OfflineDoorConfig(AppConfig):
    name = "tickets.offline_door"
    label = "offline_door"
    verbose_name = _("Doors without a net")
    default_auto_field = "django.db.models.BigAutoField"
