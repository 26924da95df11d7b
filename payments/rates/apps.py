from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RatesConfig(AppConfig):
    name = "payments.rates"
    label = "rates"
    verbose_name = _("Exchange rates")

    def ready(self) -> None:
        from .sources import parse_sources

        parse_sources()
