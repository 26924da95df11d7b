from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PushConfig(AppConfig):
    name = "tickets.push"
    label = "push"
    verbose_name = _("Web pushes")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from tickets.signals import links_renewed

        from .devices import on_links_renewed

        links_renewed.connect(on_links_renewed, dispatch_uid="push.on_links_renewed")
