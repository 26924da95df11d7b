"""Model of rates: what one bitcoin costs in a currency, by whom and when, and why that may not be sold at."""

from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ticketsuma.jobs.models import Job


class CurrencyRate(Job):
    """One row for each currency that something is priced in: its rate, which the worker takes anew.

    `btc_price` is the price of one bitcoin in whole units of the currency, to 12 significant digits.
    """

    class Trouble(models.TextChoices):
        SOURCES = "sources", _("fewer than two sources agree")
        JUMP = "jump", _("the rate jumped")

    max_attempts = 10**9  # never given up
    longest_delay_seconds = 20.0

    currency = models.CharField(_("currency"), max_length=3, primary_key=True)
    btc_price = models.DecimalField(_("price of a bitcoin"), max_digits=30, decimal_places=15, null=True)
    sources = models.JSONField(_("sources"), default=list)
    taken_at = models.DateTimeField(_("taken"), null=True)
    answers = models.JSONField(_("answers"), default=dict, help_text=_("What each source said last."))
    lately = models.JSONField(_("lately"), default=list, help_text=_("Rates of the last minute."))
    trouble = models.CharField(_("trouble"), max_length=10, choices=Trouble, blank=True)
    trouble_since = models.DateTimeField(_("trouble since"), null=True)
    jumped_at = models.DateTimeField(_("jumped"), null=True)

    # The rate is taken so often; it is sold at for so long.
    EVERY = timedelta(seconds=20)
    STALE_AFTER = timedelta(minutes=2)

    class Meta:
        verbose_name, verbose_name_plural = _("exchange rate"), _("exchange rates")
        constraints = [
            models.CheckConstraint(condition=Q(btc_price=None) | Q(btc_price__gt=0), name="rate_above_zero"),
        ]

    def __str__(self) -> str:
        return self.currency
