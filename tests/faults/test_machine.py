"""State machine test: a random walk over orders and money, in which no step breaks an invariant.

In one process, without a node: what the node would say is handed in, and whoever asks it hears nothing.
"""

import contextlib
import secrets
from datetime import timedelta

import pytest
from django.conf import settings as shop_settings
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from events.baskets import Item
from events.catalogue_models import TicketType
from events.models import Event
from payments import refund_sending
from payments import refunds as payment_refunds
from payments.models import IncomingPayment, Invoice, Payment, Refund
from payments.node.lightspark import NodePayment
from payments.node.outgoing import OutgoingPayment
from payments.services import allocate, settle_node_payment
from payments.signals import payment_settled
from tests.acts import money_for, open_invoice, overdue
from tests.factories import EventFactory, PromoCodeFactory, TicketTypeFactory
from tickets.models import CheckIn, Mail, Order, OrderLine, Ticket
from tickets.services import refunds
from tickets.services.orders import cancel_order, expire_order, place_order
from tickets.services.voiding import void_ticket
from tickets.staff.audit import run_integrity_checks
from tickets.staff.node_audit import unlike
from ticketsuma.errors import DomainError

CAPACITY = 4
ADDRESS = "$alice@wallet.example.com"
EXTRA_MSATS = st.sampled_from([0, 0, 0, 1, 10_000, 20_500, -1000])


class Crash(BaseException):
    """The process dies here."""


def die(**_kwargs) -> None:
    raise Crash


class BrokenDown(Exception):
    """What a receiver of settled payments may raise."""


def break_down(**kwargs):
    raise BrokenDown


class Shop(RuleBasedStateMachine):
    priced: dict = {}
    orders = Bundle("orders")
    money = Bundle("money")  # what the node has received

    def __init__(self):
        super().__init__()
        for model in (
            Mail,
            CheckIn,
            Ticket,
            OrderLine,
            Order,
            Refund,
            IncomingPayment,
            Invoice,
            Payment,
            Event,
        ):
            model.objects.all().delete()
        self.event = EventFactory(capacity=CAPACITY, **self.priced)
        self.types = [
            self.event.default_type,
            TicketTypeFactory(event=self.event, price=700, capacity=2),
            TicketTypeFactory(event=self.event, price=300, admits="replay", capacity=3),
            TicketTypeFactory(event=self.event, pricing="at_least", price=100),
        ]
        PromoCodeFactory(event=self.event, text="FEW", value=30, max_uses=2)
        PromoCodeFactory(event=self.event, text="ONE", value=50, max_per_person=1, types=self.types[1:])
        self.stale_event = Event.objects.get(pk=self.event.pk)
        self.node: list[NodePayment] = []

    # -- buying --------------------------------------------------------------------------------
    @initialize(target=orders)
    def one_buyer(self):
        order = place_order(event=self.event, quantity=2, email="ann@example.com", uma_address=ADDRESS)
        open_invoice(order)
        return order

    @initialize(target=orders)
    def another_buyer(self):
        order = place_order(event=self.event, quantity=1, email="bob@example.com")
        open_invoice(order)
        return order

    @rule(target=orders, quantity=st.integers(1, 3), with_address=st.booleans(), key=st.integers(0, 5))
    def buy(self, quantity, with_address, key):
        address = ADDRESS if with_address else ""
        buyer = {"email": f"buyer{key}@example.com", "key": f"{key}-{quantity}-{with_address}"}
        self.event.refresh_from_db()
        try:
            order = place_order(event=self.event, quantity=quantity, uma_address=address, **buyer)
        except DomainError:
            return multiple()
        if order.payment.invoices.filter(status="requested").exists():
            open_invoice(order)
        return order

    @rule(
        target=orders,
        counts=st.lists(st.integers(0, 2), min_size=4, max_size=4),
        code=st.sampled_from(["", "", "few", "ONE", "NONE"]),
        amount=st.sampled_from([100, 250, 99]),
        key=st.integers(0, 3),
    )
    def buy_of_several_types(self, counts, code, amount, key):
        self.event = Event.objects.get(pk=self.event.pk)
        wanted = zip(self.types, counts, strict=True)
        items = [Item(each.pk, count, amount if each.asks_for_amount else None) for each, count in wanted]
        buyer = {"email": f"buyer{key}@example.com", "uma_address": ADDRESS}
        try:
            order = place_order(event=self.event, items=items, promo_code=code, **buyer)
        except DomainError:
            return multiple()
        open_invoice(order)
        return order

    @rule(which=st.integers(0, 3), price=st.integers(100, 900), is_active=st.booleans())
    def staff_change_a_type(self, which, price, is_active):
        row = TicketType.objects.get(pk=self.types[which].pk)
        row.price, row.is_active = price, is_active
        row.save()

    @rule(order=orders)
    def void_a_ticket(self, order):
        ticket = order.tickets.filter(voided_at=None).last()
        if ticket:
            self._attempt(void_ticket, ticket)

    @rule(target=orders, quantity=st.integers(1, 2))
    def buy_without_a_node(self, quantity):
        return self._buy_without_a_node(quantity)

    def _buy_without_a_node(self, quantity: int):
        self.event.refresh_from_db()
        try:
            return place_order(event=self.event, quantity=quantity, email="ann@example.com")
        except DomainError:
            return multiple()

    # -- money ---------------------------------------------------------------------------------
    def receive(self, order: Order, extra_msats: int) -> NodePayment | None:
        """Somebody pays the order's newest BOLT11: the first time, again, late; whatever its state."""
        invoice = order.payment.invoices.exclude(invoice_id=None).last()
        if invoice is None:
            return None
        seen = money_for(invoice, invoice.payment.amount_msats + extra_msats)
        self.node.append(seen)
        return seen

    @rule(target=money, order=orders, extra_msats=EXTRA_MSATS)
    def pay(self, order, extra_msats):
        return self._pay(order, extra_msats)

    def _pay(self, order: Order, extra_msats: int):
        seen = self.receive(order, extra_msats)
        if seen is None:
            return multiple()
        settle_node_payment(seen)
        return seen

    @rule(target=money, order=orders, failing=st.sampled_from(["killed", "broken"]))
    def pay_and_fail_while_settling(self, order, failing):
        """Killed, nothing is left, and the event's row asks again; broken, the money is recorded."""
        seen = self.receive(order, 0)
        if seen is None:
            return multiple()
        fail = die if failing == "killed" else break_down
        payment_settled.connect(fail)
        try:
            settle_node_payment(seen)
        except (Crash, BrokenDown):
            pass
        finally:
            payment_settled.disconnect(fail)
        if failing == "killed":
            settle_node_payment(seen)
        return seen

    @rule(seen=money)
    def tell_again(self, seen):
        settle_node_payment(seen)

    @rule()
    def workers_allocate_everything_again(self):
        for row in IncomingPayment.objects.all():
            allocate(row)

    @rule(msats=st.integers(1, 10**7))
    def money_from_nowhere(self, msats):
        name = secrets.token_hex(16)
        seen = NodePayment(f"IncomingPayment:{name}", None, name, msats, timezone.now())
        self.node.append(seen)
        settle_node_payment(seen)

    # -- it ends -------------------------------------------------------------------------------
    @rule(order=orders)
    def expire(self, order):
        """The node is silent: only a hold whose BOLT11 never left us can end."""
        self._expire(order)

    @rule(order=orders)
    def expire_after_long_silence(self, order):
        self._expire_for_sure(order)

    @rule(target=money, order=orders, seats_sold_meanwhile=st.integers(0, CAPACITY), extra_msats=EXTRA_MSATS)
    def expire_and_pay_late(self, order, seats_sold_meanwhile, extra_msats):
        self._expire_for_sure(order)
        if seats_sold_meanwhile:
            self._buy_without_a_node(seats_sold_meanwhile)
        return self._pay(order, extra_msats)

    def _expire_for_sure(self, order: Order) -> None:
        """The node has been silent for longer than anybody waits."""
        order.refresh_from_db()
        if order.is_pending:
            silent = timedelta(seconds=shop_settings.HOLD_UNKNOWN_SECONDS + 60)
            Order.objects.filter(pk=order.pk).update(expires_at=timezone.now() - silent)
            self._expire(order, move=False)

    def _expire(self, order: Order, *, move: bool = True) -> None:
        order = Order.objects.select_related("event", "payment").get(pk=order.pk)
        if order.is_pending:
            with contextlib.suppress(DomainError):
                expire_order(overdue(order) if move else order)

    @rule(order=orders)
    def cancel(self, order):
        self._attempt(cancel_order, order)

    @rule(order=orders)
    def refund(self, order):
        self._attempt(refunds.refund_order, order)

    @rule(order=orders, sats=st.integers(1, 5000))
    def refund_a_part(self, order, sats):
        before = refunds.refunded_sats(order.payment)
        self._attempt(refunds.refund_part, order, amount_sats=sats, already_refunded_sats=before)

    @rule()
    def cancel_the_event(self):
        self._attempt(refunds.cancel_event, self.event)

    @rule()
    def end_the_orders_of_a_canceled_event(self):
        for order in refunds.orders_of_canceled_events().select_related("event", "payment"):
            self._attempt(refunds.end_canceled_order, order)

    @rule()
    def staff_save_an_old_copy(self):
        self.stale_event.title = "Another title"
        self.stale_event.save()

    def _attempt(self, act, row, **named) -> None:
        """A refusal is an answer; anything else is not."""
        row = type(row).objects.get(pk=row.pk)
        with contextlib.suppress(DomainError):
            act(row, **named)

    # -- refunds go out ------------------------------------------------------------------------
    @rule(outcome=st.sampled_from(["sent", "failed", "pending", "silence"]))
    def send_a_refund(self, outcome):
        refund = Refund.objects.filter(status__in=["queued", "sending", "in_doubt", "failed"]).first()
        if refund is None:
            return
        if refund.status == "failed":
            refund.advance("queued")
        if refund.status == "queued":
            refund.advance("sending", bolt11="lnbcrt1", payment_hash=secrets.token_hex(32))
        if outcome == "silence":
            self._fall_silent(refund)
            return
        name = f"OutgoingPayment:{secrets.token_hex(8)}"
        refund_sending._record(refund, OutgoingPayment(name, outcome == "sent", outcome == "failed"))

    def _fall_silent(self, refund: Refund) -> None:
        if refund.status == "sending":
            refund.advance("in_doubt")

    @rule()
    def give_an_address(self):
        refund = Refund.objects.filter(status__in=["needs_address", "queued", "failed"]).last()
        if refund:
            payment_refunds.give_address(refund, to=ADDRESS)

    # -- always --------------------------------------------------------------------------------
    @invariant()
    def nothing_is_broken(self):
        assert run_integrity_checks() == []

    @invariant()
    def our_books_are_the_nodes(self):
        ours = dict(IncomingPayment.objects.values_list("node_payment_id", "amount_msats"))
        assert unlike(self.node, ours) == []

    @invariant()
    def nothing_is_given_back_twice(self):
        for row in IncomingPayment.objects.prefetch_related("refunds"):
            sent = sum(refund.amount_msats for refund in row.refunds.all())
            assert row.applied_msats + row.kept_msats + sent <= row.amount_msats

    @invariant()
    def only_the_paid_are_let_in(self):
        admitting = Ticket.objects.admitting().filter(order__payment__isnull=False)
        paid = IncomingPayment.objects.filter(applied_msats__gt=0).values("payment")
        assert not admitting.exclude(order__payment__in=paid).exists()


@pytest.mark.short
@pytest.mark.case("I1–I9", fault="a random walk: hold, pay, duplicate, late, expire, cancel, refund, crash")
def test_no_walk_breaks_an_invariant(transactional_db):
    """After every step: seats are those of orders, every msat has one purpose, only the paid are let in."""
    walk(Shop)


def walk(machine: type[Shop], *, examples: int = 20) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=25,
            deadline=None,
            phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking a walk takes minutes
            suppress_health_check=list(HealthCheck),
        ),
    )
