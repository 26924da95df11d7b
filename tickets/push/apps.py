from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PushConfig(AppConfig):
    name = "tickets.push"
    label = "push"
    verbose_name = _("Web pushes")
    default_auto_field = "django.db.models.BigAutoField"
