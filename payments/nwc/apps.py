from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NwcConfig(AppConfig):
    name = "payments.nwc"
    label = "nwc"
    verbose_name = _("Connected wallets")
    default_auto_field = "django.db.models.BigAutoField"
