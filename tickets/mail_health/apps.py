from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MailHealthConfig(AppConfig):
    name = "tickets.mail_health"
    label = "mail_health"
    verbose_name = _("Mail health")
    default_auto_field = "django.db.models.BigAutoField"
