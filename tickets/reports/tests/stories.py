"""Random stories of orders for tests: paid, late, twice, too much, too little, refunded, given back, used."""

import random
from datetime import UTC, datetime, timedelta

from events.models import Event
from payments.models import IncomingPayment, Refund
from payments.refunds import take_back
from payments.services import settle_node_payment
from tests.acts import hold, money_for, overdue, pay, stray_money
from tests.factories import (
    CheckInFactory,
    EveningFactory,
    OrganizerFactory,
    PromoCodeFactory,
    TicketTypeFactory,
)
from tickets.models import Order
from tickets.services.orders import expire_order
from tickets.services.refunds import refund_order

HOME = "$ann@wallet.example.com"
FROM = datetime(2030, 3, 1, tzinfo=UTC)


class Stories:
    """`node` is the node's own list: the msats of each payment that arrived, by its id there."""

    def __init__(self, seed: int, count: int):
        self.random = random.Random(seed)
        self.node: dict[str, int] = {}
        organizer = OrganizerFactory()
        self.events: list[Event] = []
        for number in range(3):
            event = EveningFactory(
                title=f"Evening {number}", price_sats=[1000, 777, 0][number], capacity=100_000,
                organizer=organizer if number else None,
            )  # fmt: skip
            TicketTypeFactory(event=event, name="Student", price=[500, 333, 0][number], position=1)
            PromoCodeFactory(event=event, text="FIFTH", value=20)
            self.events.append(event)
        for _number in range(count):
            self.tell()

    def tell(self) -> None:
        fate = self.random.choice(["left", "expired", "paid", "paid", "paid", "twice", "more", "less", "late",
                                   "refunded", "partly", "used", "stray"])  # fmt: skip
        if fate == "stray":
            self.heard(stray_money(self.random.randint(1, 9_999_999)))
            return
        seats = self.random.randint(1, 4)
        order = hold(self.random.choice(self.events), seats, uma_address=self.random.choice([HOME, ""]))
        getattr(self, fate)(order)
        self.happened_at(order)

    def heard(self, incoming: IncomingPayment) -> None:
        self.node[incoming.node_payment_id] = incoming.amount_msats

    def left(self, order: Order) -> None:
        pass

    def expired(self, order: Order) -> None:
        if order.payment:
            order.payment.invoices.update(status="expired")
            overdue(order)
            expire_order(order)

    def paid(self, order: Order, msats: int | None = None) -> None:
        if order.payment:
            self.heard(pay(order, msats))

    def twice(self, order: Order) -> None:
        self.paid(order)
        if order.payment:
            self.heard(settle_node_payment(money_for(order.payment.invoices.latest("created_at"))))

    def more(self, order: Order) -> None:
        self.paid(order, order.payment and order.payment.amount_msats + self.random.randint(1, 60_000))

    def less(self, order: Order) -> None:
        self.paid(order, order.payment and self.random.randint(1, order.payment.amount_msats - 1))

    def late(self, order: Order) -> None:
        self.expired(order)
        self.paid(order)

    def refunded(self, order: Order) -> None:
        self.paid(order)
        if order.payment:
            refund_order(order, reason=Refund.Reason.STAFF)

    def partly(self, order: Order) -> None:
        self.paid(order)
        if order.payment:
            incoming = order.payment.incoming_payments.get()
            take_back(incoming, amount_msats=100_000, reason=Refund.Reason.STAFF)

    def used(self, order: Order) -> None:
        self.paid(order)
        for ticket in order.tickets.all():
            CheckInFactory(ticket=ticket)

    def happened_at(self, order: Order) -> None:
        """Somewhere in 60 days around a change of clocks."""
        at = FROM + timedelta(seconds=self.random.randrange(60 * 86_400))
        Order.objects.filter(pk=order.pk).update(created_at=at)
        Order.objects.filter(pk=order.pk, paid_at__isnull=False).update(paid_at=at + timedelta(minutes=2))
