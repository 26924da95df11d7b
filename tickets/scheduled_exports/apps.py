from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ScheduledExportsConfig(AppConfig):
    name = "tickets.scheduled_exports"
    label = "scheduled_exports"
    verbose_name = _("Scheduled exports")
    default_auto_field = "django.db.models.BigAutoField"
