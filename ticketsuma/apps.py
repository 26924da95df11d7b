from django.apps import AppConfig, apps
from django.core import checks
from django.db.models.signals import post_migrate

from ticketsuma.conf import sentry
from ticketsuma.time_limits import check_time_limits, set_missing_limits


class TicketsumaConfig(AppConfig):
    name = "ticketsuma"

    def ready(self) -> None:
        sentry.start()
        checks.register(check_time_limits, deploy=True)
        # Sent for apps with models only, and once is enough.
        post_migrate.connect(set_missing_limits, sender=apps.get_app_config("accounts"))
