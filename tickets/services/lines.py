"""Lines of orders that the version before sold: filled in once it no longer runs."""

from collections import Counter

from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from events.catalogue_models import PromoCode, TicketType, default_type_of
from events.models import Event
from tickets.models import Order, OrderLine, Ticket

HOLDING = [Order.Status.PENDING, Order.Status.PAID]
AT_ONCE = 1000  # tickets in one transaction


def fill_types() -> int:
    """Give each event that came without a type its first; how many did."""
    count = 0
    for event in Event.objects.filter(default_type=None).iterator(chunk_size=AT_ONCE):
        default_type_of(event)
        count += 1
    return count


def fill_some_lines() -> int:
    """Give some orders without lines theirs, of their event's default type; how many.

    What they hold is then taken of the type, too. Safe beside sales, and in two processes at once: the orders
    are locked, then the types in the order of their ids.
    """
    with transaction.atomic():
        bare = Ticket.objects.filter(line=None, order__event__default_type__isnull=False)
        keys = set(bare.order_by().values_list("order", flat=True)[:AT_ONCE])
        locked = (
            Order.objects.select_for_update(of=("self",)).select_related("event__default_type").order_by("pk")
        )
        orders = list(
            locked.filter(pk__in=keys).exclude(Exists(OrderLine.objects.filter(order=OuterRef("pk"))))
        )
        OrderLine.objects.bulk_create(
            OrderLine(
                order=order, type=default_type_of(order.event), quantity=order.quantity,
                price=order.price_sats, admits="both",
            )
            for order in orders
        )  # fmt: skip
        filled = Ticket.objects.filter(order__in=orders, line=None)
        filled.update(line=Subquery(OrderLine.objects.filter(order=OuterRef("order")).values("pk")[:1]))
        held = Order.objects.holding().filter(pk__in=[order.pk for order in orders])
        held = held.filter(tickets__voided_at=None).order_by().values_list("event__default_type")
        seats = Counter(dict(held.annotate(seats=Count("tickets"))))
        for type_id in sorted(seats):
            TicketType.objects.filter(pk=type_id).update(seats_taken=F("seats_taken") + seats[type_id])
    return len(orders)


def recount() -> int:
    """Count the seats of types and the uses of codes anew where they are wrong; how many were.

    The version before ends orders without giving those back. Each row is locked before it is counted, so
    that a sale is either counted or waits and adds itself.
    """
    count = 0
    for model, counter, held in ((TicketType, "seats_taken", _seats_held), (PromoCode, "uses", _uses)):
        rows = model.objects.annotate(held=Coalesce(Subquery(held()), 0)).exclude(**{counter: F("held")})
        for pk in list(rows.order_by("pk").values_list("pk", flat=True)):
            with transaction.atomic():
                model.objects.select_for_update(no_key=True).get(pk=pk)
                row = model.objects.filter(pk=pk)
                count += row.update(**{counter: Coalesce(Subquery(held()), 0)})
    return count


def _seats_held() -> QuerySet:
    tickets = Ticket.objects.filter(line__type=OuterRef("pk"), voided_at=None, order__status__in=HOLDING)
    return tickets.order_by().values("line__type").annotate(n=Count("pk")).values("n")


def _uses() -> QuerySet:
    orders = Order.objects.holding().filter(promo_code=OuterRef("pk"))
    return orders.order_by().values("promo_code").annotate(n=Count("pk")).values("n")
