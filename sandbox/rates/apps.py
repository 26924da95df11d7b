from django.apps import AppConfig


class RatesConfig(AppConfig):
    """Pretend exchanges: what a bitcoin costs, and every way to say it wrong."""

    name = "rates"
