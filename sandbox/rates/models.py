"""Model of pretend exchanges: what a bitcoin costs in a currency from a moment on."""

from django.db import models
from django.utils import timezone


class Price(models.Model):
    """A price of one bitcoin, in whole units of `currency`; the newest counts."""

    currency = models.CharField(max_length=3)
    btc_price = models.CharField(max_length=40)
    set_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["currency", "set_at"], name="price_latest")]

    def __str__(self) -> str:
        return f"{self.btc_price} {self.currency}"
