"""Lines of orders: several types at once, their seats and the event's, codes, and what one pays."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

from events.baskets import AmountNotAllowed, Item, QuantityNotAllowed, UnknownTicketType
from events.catalogue_models import PromoCode, PromoCodeRefused, TicketType, lock_catalogue
from events.models import Event, SalesClosed, SoldOut
from payments.models import Refund
from payments.services import settle_node_payment
from tests.acts import money_for, open_invoice, overdue, pay, together
from tests.factories import EventFactory, OrderFactory, PromoCodeFactory, TicketTypeFactory
from tickets.models import Order, Ticket
from tickets.services.hold_limits import FreeLimit
from tickets.services.lines import fill_some_lines, fill_types
from tickets.services.orders import cancel_order, expire_order
from tickets.services.prices import Expected, PriceChanged
from tickets.services.refunds import refund_order
from tickets.services.voiding import void_ticket
from tickets.staff.audit import run_integrity_checks

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def every_invariant_holds(request):
    """After each test that has not failed already."""
    failed_before = request.session.testsfailed
    yield
    if request.session.testsfailed == failed_before:
        assert run_integrity_checks() == []


@pytest.fixture
def event():
    return EventFactory(capacity=20, max_per_order=10, price_sats=2100)


@pytest.fixture
def student(event):
    return TicketTypeFactory(event=event, name="Student", price=900, capacity=3, position=1)


@pytest.fixture
def replay(event):
    return TicketTypeFactory(event=event, name="Replay", price=500, admits="replay", position=2)


def taken(*rows) -> list[int]:
    return [type(row).objects.get(pk=row.pk).seats_taken for row in rows]


def buy(event, *wanted, **more) -> Order:
    """`wanted` are (type, quantity) or (type, quantity, amount)."""
    items = [Item(ticket_type.pk, *rest) for ticket_type, *rest in wanted]
    return OrderFactory(event=event, items=items, **more)


def expire(order: Order) -> None:
    open_invoice(order).advance("canceled")
    expire_order(overdue(order))


# -- types and lines ----------------------------------------------------------------------------
def test_one_order_of_several_types(event, student, replay):
    default = event.default_type
    order = buy(event, (replay, 2), (default, 1), (student, 3))
    lines = [(line.type, line.quantity, line.price, line.amount) for line in order.lines.all()]
    assert lines == [(default, 1, 2100, 2100), (student, 3, 900, 2700), (replay, 2, 500, 1000)]
    assert (order.quantity, order.amount_sats, order.payment.amount_sats) == (6, 5800, 5800)
    assert taken(event, default, student, replay) == [4, 1, 3, 2], "the replay takes none of the event's"
    tickets = order.tickets.select_related("line")
    assert [(each.number, each.line.type) for each in tickets] == [
        (1, default), (2, student), (3, student), (4, student), (5, replay), (6, replay),
    ]  # fmt: skip


def test_the_seats_come_back_per_type(event, student, replay):
    order = buy(event, (student, 2), (replay, 1), (event.default_type, 1))
    expire(order)
    assert taken(event, event.default_type, student, replay) == [0, 0, 0, 0]
    settle_node_payment(money_for(order.payment.invoices.get()))
    assert Order.objects.get().is_paid
    assert taken(event, event.default_type, student, replay) == [3, 1, 2, 1]
    void_ticket(Order.objects.get().tickets.get(number=2))
    assert taken(event, student) == [2, 1]
    refund_order(Order.objects.get())
    assert taken(event, event.default_type, student, replay) == [0, 0, 0, 0]


def test_late_money_wins_all_of_it_back_or_goes_back(event, student):
    order = buy(event, (student, 2), (event.default_type, 1))
    expire(order)
    buy(event, (student, 2), email="bob@example.com")
    settle_node_payment(money_for(order.payment.invoices.get()))
    assert not Order.objects.get(pk=order.pk).is_paid, "of one type there are too few"
    assert Refund.objects.get().reason == "late"
    assert taken(event, event.default_type, student) == [2, 0, 2]


@pytest.mark.parametrize("change", [{"is_active": False}, {"sales_end": timezone.now() - timedelta(days=1)}])
def test_late_money_for_a_type_that_is_closed_goes_back(event, student, change):
    order = buy(event, (student, 1))
    expire(order)
    TicketType.objects.filter(pk=student.pk).update(**change)
    settle_node_payment(money_for(order.payment.invoices.get()))
    assert Refund.objects.get().reason == "late"
    assert taken(event, student) == [0, 0]


def test_a_hold_is_kept_though_its_type_closed_and_its_price_rose(event, student):
    order = buy(event, (student, 1))
    open_invoice(order)
    TicketType.objects.filter(pk=student.pk).update(is_active=False, price=5000)
    pay(order)
    assert (order.is_paid, order.amount_sats) == (True, 900)


def test_the_last_shared_seat_wanted_through_two_types():
    event = EventFactory(capacity=1)
    types = [event.default_type, TicketTypeFactory(event=event)]
    wanted = [lambda t=t, n=n: buy(event, (t, 1), email=f"b{n}@example.com") for n, t in enumerate(types * 2)]
    outcomes = together(*wanted)
    assert sorted(type(each).__name__ for each in outcomes) == ["Order", "SoldOut", "SoldOut", "SoldOut"]
    assert taken(event) == [1]
    assert sum(taken(*types)) == 1


def test_many_orders_of_two_types_wait_for_each_other_in_no_circle():
    event = EventFactory(capacity=100)
    first, second = event.default_type, TicketTypeFactory(event=event, capacity=30)

    def one(number: int):
        pair = [(first, 1), (second, 1)][:: 1 if number % 2 else -1]
        return buy(event, *pair, email=f"b{number}@example.com")

    outcomes = together(*(lambda n=n: one(n) for n in range(12)))
    assert not [each for each in outcomes if isinstance(each, Exception)], outcomes
    assert taken(event, first, second) == [24, 12, 12]


def test_a_type_that_is_gone_says_its_name(event, student):
    buy(event, (student, 3))
    with pytest.raises(SoldOut, match="someone is still paying"):
        buy(event, (student, 1), (event.default_type, 1), email="bob@example.com")
    pay_for = Order.objects.get()
    open_invoice(pay_for)
    pay(pay_for)
    with pytest.raises(SoldOut, match="Student"):
        buy(event, (student, 1), (event.default_type, 1), email="bob@example.com")
    assert taken(event, event.default_type, student) == [3, 0, 3]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"is_active": False}, "no longer"),
        ({"sales_end": timezone.now() - timedelta(days=1)}, "no longer"),
        ({"sales_start": timezone.now() + timedelta(days=1)}, "not on sale yet"),
    ],
    ids=["inactive", "ended", "not_yet"],
)
def test_a_type_is_on_sale_within_its_times(event, student, change, says):
    TicketType.objects.filter(pk=student.pk).update(**change)
    with pytest.raises(SalesClosed, match=says):
        buy(event, (student, 1))
    assert taken(event, student) == [0, 0]


def test_what_cannot_be_ordered(event, student):
    other = EventFactory()
    hidden = TicketTypeFactory(event=event, is_hidden=True)
    for foreign in (other.default_type, hidden):
        with pytest.raises(UnknownTicketType):
            buy(event, (foreign, 1))
    with pytest.raises(UnknownTicketType):
        OrderFactory(event=event, items=[Item(10**9, 1)])
    TicketType.objects.filter(pk=student.pk).update(min_per_order=2, max_per_order=2)
    for quantity in (1, 3):
        with pytest.raises(QuantityNotAllowed, match="Student"):
            buy(event, (student, quantity))
    for nothing in ([(student, 0)], [(student, 2), (event.default_type, 9)], [(student, -1)]):
        with pytest.raises(QuantityNotAllowed):
            buy(event, *nothing)
    assert not Order.objects.exists()


def test_items_of_nothing_are_none_and_those_of_one_type_are_one(event, student):
    order = buy(event, (student, 1), (event.default_type, 0), (student, 2))
    assert [(line.type, line.quantity) for line in order.lines.all()] == [(student, 3)]


def test_fifty_types_at_once():
    event = EventFactory(capacity=100, max_per_order=50)
    types = [TicketTypeFactory(event=event, position=50 - n) for n in range(50)]
    order = buy(event, *((each, 1) for each in types))
    assert [line.type for line in order.lines.all()] == types[::-1], "in the order in which they are shown"
    assert set(taken(*types)) == {1}


def test_types_moved_in_order_during_a_sale(event, student):
    order = buy(event, (event.default_type, 1), (student, 1))
    TicketType.objects.filter(pk=student.pk).update(position=0)
    TicketType.objects.filter(pk=event.default_type_id).update(position=9)
    assert [line.type for line in order.lines.all()] == [event.default_type, student]


def test_a_changed_price_is_asked_about_again(event, student):
    items = [Item(student.pk, 2)]
    student.price = 1000
    student.save()
    with pytest.raises(PriceChanged) as refusal:
        OrderFactory(event=event, items=items, expected=Expected(amount=1800))
    assert refusal.value.members == {"currency": "SAT", "amount": 2000, "amount_sats": 2000}
    assert OrderFactory(event=event, items=items, expected=Expected(amount=2000)).amount_sats == 2000


def test_what_a_ticket_admits_to(event, replay):
    live = TicketTypeFactory(event=event, admits="live")
    order = buy(event, (event.default_type, 1), (live, 1), (replay, 1))
    open_invoice(order)
    pay(order)

    def numbers(to: str = "") -> list[int]:
        return list(Ticket.objects.admitting(to).values_list("number", flat=True))

    assert (numbers(), numbers("live"), numbers("replay")) == ([1, 2, 3], [1, 2], [1, 3])
    for ticket in Ticket.objects.select_related("order__event", "line"):
        for part in ("live", "replay"):
            assert ticket.admits_to(part) == (ticket.number in numbers(part))
    TicketType.objects.filter(pk=live.pk).update(admits="replay")
    assert numbers("live") == [1, 2], "as it was sold"


# -- pay what you want --------------------------------------------------------------------------
def test_pay_what_you_want(event):
    gift = TicketTypeFactory(event=event, name="Gift", pricing="at_least", price=100, suggested_price=500)
    assert buy(event, (gift, 2, 700)).amount_sats == 1400
    assert buy(event, (gift, 1)).amount_sats == 500, "the suggestion"
    for amount in (99, 0):
        with pytest.raises(AmountNotAllowed, match="at least 100 sats") as refusal:
            buy(event, (gift, 1, amount))
        assert refusal.value.members == {"price": 100}
    both = buy(event, (gift, 1, 100), (gift, 1, 200))
    assert [line.price for line in both.lines.all()] == [100, 200]


def test_money_above_the_least_is_the_price_and_no_surplus(event):
    gift = TicketTypeFactory(event=event, pricing="at_least", price=100)
    order = buy(event, (gift, 1, 5000))
    open_invoice(order)
    TicketType.objects.filter(pk=gift.pk).update(price=9000)  # raised while somebody pays
    pay(order)
    assert (order.is_paid, order.amount_sats) == (True, 5000)
    assert not Refund.objects.exists()


def test_an_amount_where_the_price_is_fixed(event, student):
    assert buy(event, (student, 1, 900)).amount_sats == 900
    with pytest.raises(AmountNotAllowed, match="costs 900"):
        buy(event, (student, 1, 901))


def test_nothing_is_an_amount_where_nothing_is_the_least(event, settings):
    settings.MAX_HELD_SEATS_PER_PERSON = 2
    gift = TicketTypeFactory(event=event, pricing="at_least", price=0)
    order = buy(event, (gift, 2, 0))
    assert (order.is_paid, order.payment) == (True, None)
    with pytest.raises(FreeLimit):
        buy(event, (gift, 1, 0))
    assert not buy(event, (gift, 1, 1)).is_paid


# -- promo codes --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("kind", "value", "discounts"),
    [
        ("percent", 20, [420, 540]),
        ("percent", 33, [693, 891]),
        ("percent", 100, [2100, 2700]),
        ("amount", 1000, [1000, 2700]),
        ("price", 1000, [1100, 0]),
        ("unlock", 0, [0, 0]),
    ],
)
def test_a_code_makes_it_cheaper(event, student, kind, value, discounts):
    code = PromoCodeFactory(event=event, kind=kind, value=value)
    order = buy(event, (event.default_type, 1), (student, 3), promo_code="  früh-bird20 ")
    assert [line.discount for line in order.lines.all()] == discounts
    assert order.amount_sats == 4800 - sum(discounts)
    assert order.is_paid == (order.amount_sats == 0), "what is free in sum is paid at once"
    assert PromoCode.objects.get(pk=code.pk).uses == 1


def test_a_part_of_a_sat_stays_with_the_shop():
    event = EventFactory(price_sats=3)
    PromoCodeFactory(event=event, value=50)
    line = buy(event, (event.default_type, 3), promo_code="FRUHBIRD20".replace("U", "Ü")).lines.get()
    assert (line.discount, line.amount) == (4, 5)


@pytest.mark.parametrize("typed", ["FRÜHB1RD20", "frühblrd2o", "Früh Bird-20", "ＦＲÜＨ-ＢＩＲＤ ２０"])
def test_codes_are_compared_without_case_and_look_alikes(event, typed):
    PromoCodeFactory(event=event)
    assert OrderFactory(event=event, promo_code=typed).amount_sats == 1680
    with pytest.raises(IntegrityError), transaction.atomic():
        PromoCodeFactory(event=event, text=typed)


def test_codes_that_are_refused(event, student):
    now, day = timezone.now(), timedelta(days=1)
    PromoCodeFactory(event=EventFactory(), text="OTHER")
    PromoCodeFactory(event=event, text="OFF", is_active=False)
    PromoCodeFactory(event=event, text="SOON", starts_at=now + day)
    PromoCodeFactory(event=event, text="OVER", ends_at=now - day)
    PromoCodeFactory(event=event, text="USED", max_uses=1, uses=0)
    PromoCodeFactory(event=event, text="STUDENTS", types=[student])
    OrderFactory(event=event, promo_code="USED", email="bob@example.com")
    refusals = {
        "NONE": "do not know", "OTHER": "do not know", "OFF": "do not know", "SOON": "not good yet",
        "OVER": "no longer good", "USED": "as often as it may", "STUDENTS": "other tickets",
    }  # fmt: skip
    for typed, says in refusals.items():
        with pytest.raises(PromoCodeRefused, match=says):
            OrderFactory(event=event, promo_code=typed)


def test_a_code_for_some_types_is_for_those(event, student):
    PromoCodeFactory(event=event, value=50, types=[student])
    order = buy(event, (event.default_type, 1), (student, 1), promo_code="Früh-Bird 20")
    assert [line.discount for line in order.lines.all()] == [0, 450]


def test_a_hidden_type_is_for_its_code(event):
    member = TicketTypeFactory(event=event, is_hidden=True, price=10)
    PromoCodeFactory(event=event, text="EVERYBODY")
    PromoCodeFactory(event=event, text="MEMBER", kind="unlock", value=0, types=[member])
    with pytest.raises(UnknownTicketType):
        buy(event, (member, 1), promo_code="EVERYBODY")
    assert buy(event, (member, 1), promo_code="member").amount_sats == 10
    assert Event.objects.get(pk=event.pk).price_sats == 2100, "nobody is told of it"


def test_a_use_comes_back_with_the_hold_and_is_taken_again_by_late_money(event):
    code = PromoCodeFactory(event=event, max_uses=1)
    order = OrderFactory(event=event, promo_code=code.text)
    expire(order)
    assert PromoCode.objects.get().uses == 0
    settle_node_payment(money_for(order.payment.invoices.get()))
    assert (PromoCode.objects.get().uses, Order.objects.get().is_paid) == (1, True)


def test_late_money_whose_code_is_used_up_goes_back(event):
    code = PromoCodeFactory(event=event, max_uses=1)
    order = OrderFactory(event=event, promo_code=code.text)
    expire(order)
    OrderFactory(event=event, promo_code=code.text, email="bob@example.com")
    settle_node_payment(money_for(order.payment.invoices.get()))
    assert Refund.objects.get().reason == "late"
    assert (PromoCode.objects.get().uses, taken(event)) == (1, [1])


def test_a_person_uses_a_code_so_often(event):
    code = PromoCodeFactory(event=event, max_per_person=2)
    outcomes = together(*[lambda: OrderFactory(event=event, promo_code=code.text)] * 5)
    assert sorted(type(each).__name__ for each in outcomes) == ["Order"] * 2 + ["PromoCodeRefused"] * 3
    cancel_order(Order.objects.first())
    OrderFactory(event=event, promo_code=code.text)


def test_the_last_uses_of_a_code_at_once(event):
    code = PromoCodeFactory(event=event, max_uses=3)
    outcomes = together(
        *(
            lambda n=n: OrderFactory(event=event, promo_code=code.text, email=f"b{n}@example.com")
            for n in range(8)
        )
    )
    assert sorted(type(each).__name__ for each in outcomes) == ["Order"] * 3 + ["PromoCodeRefused"] * 5
    assert (PromoCode.objects.get().uses, taken(event)) == (3, [3])


def test_a_code_that_ends_between_form_and_hold_is_asked_about_again(event):
    code = PromoCodeFactory(event=event)
    asked = {"items": [Item(event.default_type_id, 1)], "promo_code": code.text}
    PromoCode.objects.filter(pk=code.pk).update(ends_at=timezone.now() - timedelta(minutes=1))
    with pytest.raises(PromoCodeRefused, match="no longer good"):
        OrderFactory(event=event, expected=Expected(amount=1680), **asked)


def test_the_same_key_answers_the_order_that_used_the_code_up(event):
    code = PromoCodeFactory(event=event, max_uses=1)
    asked = {"event": event, "promo_code": code.text, "key": "k" * 30}
    first = OrderFactory(**asked)
    again = OrderFactory(**asked)
    assert (again.pk, again.is_replay) == (first.pk, True)
    assert PromoCode.objects.get().uses == 1


# -- an event's price and its types -------------------------------------------------------------
def test_an_event_and_its_only_type_have_one_price(event):
    event.price_sats = 3000
    event.save()
    assert TicketType.objects.get().price == 3000
    Event.objects.filter(pk=event.pk).update(price_sats=0)
    assert OrderFactory(event=Event.objects.get()).is_paid


def test_of_several_types_the_event_shows_the_lowest_price(event, student):
    shown = Event.objects.get()
    assert shown.price_sats == 900
    shown.price_sats, shown.title = 5, "Another title"
    shown.save()
    assert (shown.price_sats, Event.objects.get().title) == (900, "Another title")
    assert sorted(TicketType.objects.values_list("price", flat=True)) == [900, 2100]
    student.is_hidden = True
    student.save()
    assert Event.objects.get().price_sats == 2100
    assert Event.objects.get().version > shown.version


def test_a_stale_type_saved_undoes_no_sale(event, student):
    buy(event, (student, 2))
    student.name = "Students"
    student.save()
    assert taken(student) == [2]
    student.capacity = 1
    with pytest.raises(IntegrityError):
        student.save()


def test_locks_of_a_catalogue_are_those_of_sales(event, student):
    with transaction.atomic():
        lock_catalogue(event.pk)


# -- rows of the version before -----------------------------------------------------------------
def bare(order: Order) -> None:
    """As the version before would have written it: no lines, no seats of types."""
    order.tickets.update(line=None)
    for line in order.lines.all():
        ticket_type = line.type
        TicketType.objects.filter(pk=ticket_type.pk).update(
            seats_taken=ticket_type.seats_taken - line.quantity
        )
        line.delete()


def test_orders_of_the_version_before_end_and_are_filled_in(event):
    held = [OrderFactory(event=event, quantity=2, email=f"b{n}@example.com") for n in range(4)]
    for order in held:
        bare(order)
    assert run_integrity_checks() == []
    held = [Order.objects.get(pk=order.pk) for order in held]
    cancel_order(held[0])
    open_invoice(held[1])
    pay(held[1])
    void_ticket(held[1].tickets.get(number=1))
    assert taken(event, event.default_type) == [5, 0]
    assert fill_some_lines() == 4
    assert fill_some_lines() == 0
    assert taken(event, event.default_type) == [5, 5]
    cancel_order(held[2])
    assert taken(event, event.default_type) == [3, 3]


def test_what_the_version_before_did_not_give_back_is_counted_anew(event):
    code = PromoCodeFactory(event=event)
    order = OrderFactory(event=event, quantity=2, promo_code=code.text)
    Order.objects.filter(pk=order.pk).update(status="canceled", ended_at=timezone.now())
    order.payment.advance("closed")
    event.release(2)  # of the event alone
    assert {each.check for each in run_integrity_checks()} == {"ticket types", "promo codes"}
    call_command("fill_lines")
    assert (taken(event.default_type), PromoCode.objects.get().uses) == ([0], 0)


def test_an_event_of_the_version_before_gets_its_type_when_it_sells(event):
    Event.objects.filter(pk=event.pk).update(default_type=None)
    event.default_type.delete()
    assert OrderFactory(event=Event.objects.get()).amount_sats == 2100
    assert fill_types() == 0
