"""Models of order lines: what an order is made of, at the prices of its purchase."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from events.catalogue_models import Admits, TicketType
from ticketsuma.constraint_messages import Check, Unique


class OrderLine(models.Model):
    """Seats of one type at one price in an order: all of it as it was at the purchase.

    Prices are in the minor unit of the event's currency; `discount` is of the whole line.
    """

    organizer_path = "order__event__organizer"

    order = models.ForeignKey(
        "tickets.Order", models.PROTECT, related_name="lines", db_index=False, verbose_name=_("order")
    )
    type = models.ForeignKey(TicketType, models.PROTECT, related_name="lines", verbose_name=_("ticket type"))
    quantity = models.PositiveSmallIntegerField(_("seats"))
    price = models.PositiveBigIntegerField(_("price of a seat"))
    discount = models.PositiveBigIntegerField(_("discount"), default=0)
    admits = models.CharField(_("admits to"), max_length=6, choices=Admits)

    class Meta:
        verbose_name, verbose_name_plural = _("order line"), _("order lines")
        ordering = ["pk"]
        constraints = [
            Unique(
                fields=["order", "type", "price"], name="tickets_orderline_once",
                says=_("The order has a line of this type and price.")),
            Check(
                condition=Q(quantity__gte=1), name="tickets_orderline_quantity_positive", at="quantity",
                says=_("An order line has at least one seat.")),
            Check(
                condition=Q(price__gte=0, discount__gte=0, discount__lte=F("price") * F("quantity")),
                name="tickets_orderline_discount_fits", at="discount",
                says=_("A discount is no more than what it is of.")),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.quantity} × {self.type}"

    @property
    def full_amount(self) -> int:
        """What it would cost without its discount."""
        return self.price * self.quantity

    @property
    def amount(self) -> int:
        return self.full_amount - self.discount

    @property
    def seat_amount(self) -> int:
        """What one of its seats cost, rounded down."""
        return self.amount // self.quantity


# Of several orders, for `named_lines`: one statement.
LINES = models.Prefetch("lines", OrderLine.objects.select_related("type"))
