from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class GuestMessagesConfig(AppConfig):
    name = "tickets.guest_messages"
    label = "guest_messages"
    verbose_name = _("Messages to guests")
    default_auto_field = "django.db.models.BigAutoField"
