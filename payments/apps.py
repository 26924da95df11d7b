from django.apps import AppConfig
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _


class PaymentsConfig(AppConfig):
    name = "payments"
    verbose_name = _("Money")

    def ready(self) -> None:
        from corsheaders.signals import check_request_enabled

        check_request_enabled.connect(wallets_may_ask)


def wallets_may_ask(sender: object, request: HttpRequest, **kwargs: object) -> bool:
    """Wallets in a browser may ask from any origin (LUD-06), also by POST: nothing there knows a session."""
    return request.path_info.startswith("/api/uma/")
