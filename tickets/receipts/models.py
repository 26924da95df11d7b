"""Receipts and credit notes: their series of numbers, what they say, and whom they are made out to."""

from zoneinfo import ZoneInfo

from django.db import models
from django.db.models import F, Q
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from events.organizer_models import Organizer
from payments.models import Refund
from tickets.models import Order
from ticketsuma.constraint_messages import Check, Unique
from ticketsuma.money import MSATS_PER_SAT

from .taxes import Part, by_rate

MAX_NAME, MAX_ADDRESS, MAX_TAX_NUMBER = 160, 500, 40


class Series(models.Model):
    """Numbers of one organizer (none: the shop's own) and year; `last` is the one that was drawn last.

    Whoever draws the next one holds this row's lock until the receipt is written, so none is lost or given
    twice. The lock comes behind that of the order.
    """

    organizer = models.ForeignKey(
        Organizer, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("organizer")
    )
    year = models.PositiveSmallIntegerField(_("year"))
    last = models.PositiveIntegerField(_("last number"), default=0)

    class Meta:
        verbose_name, verbose_name_plural = _("series of receipts"), _("series of receipts")
        constraints = [
            Unique(
                fields=["organizer", "year"], name="receipts_series_once",
                says=_("There is such a series already.")),
            Unique(
                fields=["year"], condition=Q(organizer=None), name="receipts_own_series_once",
                says=_("There is such a series already.")),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.organizer or '-'} {self.year}"


class Receipt(models.Model):
    """The receipt of a paid order or, with `refund`, the credit note of money of it that was sent back.

    All that it says is frozen, but for its addressee. `amount` and `tax`, which is included, are in minor
    units of `currency`; `msats` is what was paid or sent back; `rate` the price of a bitcoin that was agreed.
    `lines` are dicts of a `Part`: text, quantity (None in a credit note), price, discount, amount, rate in
    basis points or None, tax, and the id of the order's line. Days are told by the clocks of `timezone`.
    """

    organizer_path = "order__event__organizer"

    series = models.ForeignKey(
        Series, models.PROTECT, related_name="receipts", db_index=False, verbose_name=_("series")
    )
    number = models.PositiveIntegerField(_("number in its series"))
    order = models.ForeignKey(Order, models.PROTECT, related_name="receipts", verbose_name=_("order"))
    refund = models.OneToOneField(
        Refund, models.PROTECT, null=True, blank=True, related_name="credit_note", verbose_name=_("refund")
    )
    issued_at = models.DateTimeField(_("paid or sent back"))
    timezone = models.CharField(_("time zone"), max_length=64)
    seller = models.CharField(_("seller"), max_length=MAX_NAME)
    seller_address = models.TextField(_("seller's address"), max_length=MAX_ADDRESS, blank=True)
    seller_tax_number = models.CharField(_("seller's tax number"), max_length=MAX_TAX_NUMBER, blank=True)
    event_title = models.CharField(_("event"), max_length=160)
    event_start = models.DateTimeField(_("start"))
    lines = models.JSONField(_("lines"))
    currency = models.CharField(_("currency"), max_length=3)
    amount = models.PositiveBigIntegerField(_("amount"))
    tax = models.PositiveBigIntegerField(_("tax included"))
    msats = models.PositiveBigIntegerField(_("paid or sent back in sats"))
    rate = models.DecimalField(
        _("price of a bitcoin"), max_digits=30, decimal_places=15, null=True, blank=True
    )
    rate_at = models.DateTimeField(_("rate taken"), null=True, blank=True)
    payment_hash = models.CharField(_("payment hash"), max_length=64, blank=True)
    created_at = models.DateTimeField(_("drawn"), auto_now_add=True)

    class Meta:
        verbose_name, verbose_name_plural = _("receipt"), _("receipts and credit notes")
        constraints = [
            Unique(
                fields=["series", "number"], name="receipts_receipt_number_once",
                says=_("This number is given already.")),
            Unique(
                fields=["order"], condition=Q(refund=None), name="receipts_receipt_of_order_once",
                says=_("The order has a receipt already.")),
            Check(
                condition=Q(number__gte=1), name="receipts_receipt_number_positive", at="number",
                says=_("Numbers begin with 1.")),
            Check(
                condition=Q(amount__gte=0, tax__gte=0, tax__lte=F("amount")),
                name="receipts_receipt_tax_fits", at="tax", says=_("The tax is a part of the amount.")),
            Check(
                condition=Q(msats__gt=0), name="receipts_receipt_is_about_money", at="msats",
                says=_("What was free has no receipt.")),
        ]  # fmt: skip
        indexes = [models.Index(fields=["issued_at", "id"], name="receipts_receipt_issued")]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """`2026-000123`; its series is loaded."""
        return f"{self.series.year}-{self.number:06}"

    @property
    def is_credit_note(self) -> bool:
        return self.refund_id is not None

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def sats(self) -> int:
        return self.msats // MSATS_PER_SAT

    @property
    def parts(self) -> list[Part]:
        return [Part(**line) for line in self.lines]

    @property
    def taxes(self) -> list[tuple[int, int, int]]:
        """Rate in basis points, amount with tax and tax, for each rate there is."""
        return by_rate(self.parts)

    @property
    def net(self) -> int:
        return self.amount - self.tax

    @property
    def notes(self) -> "models.QuerySet[Receipt]":
        """The credit notes of its order, the oldest first."""
        notes = Receipt.objects.exclude(refund=None).filter(order=self.order_id)
        return notes.select_related("series").order_by("issued_at", "pk")

    @cached_property
    def addressee(self) -> "Addressee | None":
        """Whom it is made out to by now; a credit note to whom its receipt is."""
        return Addressee.objects.filter(receipt__order=self.order_id).order_by("pk").last()


class Addressee(models.Model):
    """Whom a receipt was made out to at its buyer's wish, from `at` on. Rows are only added."""

    organizer_path = "receipt__order__event__organizer"

    receipt = models.ForeignKey(Receipt, models.CASCADE, related_name="addressees", verbose_name=_("receipt"))
    name = models.CharField(_("name"), max_length=MAX_NAME)
    address = models.TextField(_("address"), max_length=MAX_ADDRESS, blank=True)
    tax_number = models.CharField(_("tax number"), max_length=MAX_TAX_NUMBER, blank=True)
    at = models.DateTimeField(_("since"), auto_now_add=True)

    class Meta:
        verbose_name, verbose_name_plural = _("addressee"), _("addressees")
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"#{self.pk}"
