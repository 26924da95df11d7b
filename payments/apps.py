from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PaymentsConfig(AppConfig):
    name = "payments"
    verbose_name = _("Payments")

    def ready(self) -> None:
        from corsheaders.signals import check_request_enabled

        from ticketsuma.exchange import answer_by

        from . import receivers
        from .quotes import about_sats

        answer_by(about_sats)

        check_request_enabled.connect(receivers.on_check_request_enabled)
