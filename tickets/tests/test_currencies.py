"""Events priced in other currencies than sats: quotes, and the books when the rate moves."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from events.baskets import Item
from events.models import Event
from events.priced import CurrencyFixed
from payments.models import Payment
from payments.rates.services import RateUnavailable
from payments.services import settle_node_payment
from tests.acts import money_for, open_invoice, overdue
from tests.factories import EventFactory, OrderFactory, PromoCodeFactory, TicketTypeFactory
from tests.rates import no_rate, rate_is
from tickets.models import Order
from tickets.services.giving_back import give_back
from tickets.services.orders import expire_order
from tickets.services.prices import Expected, PriceChanged
from tickets.tests.test_settling import books

pytestmark = pytest.mark.django_db(transaction=True)


def priced(price: int = 1_200, currency: str = "USD", **more) -> Event:
    return EventFactory(currency=currency, price_sats=price, **more)


# -- the quote ----------------------------------------------------------------------------------
def test_a_hold_freezes_what_was_agreed():
    rate_is("USD", "95057.13")
    order = OrderFactory(event=priced(), quantity=2)
    payment = Payment.objects.get(order=order)
    assert (payment.currency, payment.amount_minor, payment.rate) == ("USD", 2_400, Decimal("95057.13"))
    assert (payment.rate_sources, payment.amount_sats) == (["one", "two"], 25_248)  # of 25,247.97
    assert payment.rate_at
    rate_is("USD", "95100")
    order = Order.objects.get(pk=order.pk)
    assert (order.currency, order.amount, order.price, order.amount_sats) == ("USD", 2_400, 1_200, 25_248)
    assert order.price_sats == 12_624


@pytest.mark.parametrize(
    ("currency", "price", "btc_price", "sats"),
    [
        ("JPY", 1, "15000000", 7),  # no digits: one yen is 6.67 sats
        ("BHD", 1, "35000", 3),  # three digits: a fils is 2.86 sats
        ("USD", 1, "1000000000", 1),  # a cent is a thousandth of a sat, and a sat is the least
        ("USD", 5, "0.001", 5_000_000_000),
    ],
)
def test_any_currency_comes_to_whole_sats(currency, price, btc_price, sats):
    rate_is(currency, btc_price)
    order = OrderFactory(event=priced(price, currency))
    assert (order.amount_sats, order.amount) == (sats, price)


def test_more_than_all_bitcoin_is_refused():
    rate_is("USD", "0.001")
    with pytest.raises(Exception, match="more than all the bitcoin"):
        OrderFactory(event=priced(10**7))


def test_without_a_good_rate_sats_are_sold_and_free_seats():
    no_rate("USD")
    with pytest.raises(RateUnavailable):
        OrderFactory(event=priced())
    assert OrderFactory(event=priced(0)).is_paid
    assert OrderFactory(event=EventFactory()).amount_sats == 2_100


def test_the_price_is_held_to_what_was_shown_in_minor_units_or_in_sats():
    rate_is("USD", 100_000)
    event = priced()
    for wrong in (Expected(price=1_100), Expected(amount=1_100), Expected(amount_sats=11_000)):
        with pytest.raises(PriceChanged) as refusal:
            OrderFactory(event=event, expected=wrong)
        assert refusal.value.members["currency"] == "USD"
    right = Expected(price=1_200, amount=1_200, amount_sats=12_000, price_sats=12_000)
    assert OrderFactory(event=event, expected=right).amount_sats == 12_000


def test_the_database_keeps_a_quote_whole():
    rate_is("USD", 100_000)
    for order in (OrderFactory(event=priced()), OrderFactory(event=EventFactory())):
        for broken in ({"currency": "EUR" if order.currency == "SAT" else "SAT"}, {"amount_minor": 0}):
            with pytest.raises(IntegrityError), transaction.atomic():
                Payment.objects.filter(order=order).update(**broken)


# -- the catalogue ------------------------------------------------------------------------------
def test_types_codes_and_own_prices_are_in_minor_units():
    rate_is("EUR", 100_000)
    event = priced(1_999, "EUR")
    early = TicketTypeFactory(event=event, price=1_050)
    gift = TicketTypeFactory(event=event, pricing="at_least", price=500)
    code = PromoCodeFactory(event=event, value=33)
    items = [Item(event.default_type_id, 1), Item(early.pk, 2), Item(gift.pk, 1, 777)]
    order = OrderFactory(event=event, items=items, promo_code=code.text)
    lines = [(line.price, line.quantity, line.discount, line.amount) for line in order.lines.order_by("pk")]
    assert lines == [(1_999, 1, 659, 1_340), (1_050, 2, 693, 1_407), (777, 1, 0, 777)]
    assert order.amount == 3_524
    assert order.amount_sats == 35_240
    event.refresh_from_db()
    assert (event.price, event.lowest_price) == (500, 500)


def test_the_currency_stays_once_there_are_orders():
    rate_is("USD", 100_000)
    event = priced()
    event.currency = "EUR"
    event.save()
    assert Event.objects.get(pk=event.pk).currency == "EUR"
    rate_is("EUR", 100_000)
    OrderFactory(event=event)
    event.currency = "SAT"
    with pytest.raises(CurrencyFixed):
        event.save()
    event.refresh_from_db()
    event.currency = "USD"
    with pytest.raises(ValidationError, match="its currency stays"):
        event.full_clean()


@pytest.mark.parametrize(("kind", "value"), [("amount", 250), ("price", 500)])
def test_the_currency_stays_while_codes_are_worth_money_in_it(kind, value):
    event = EventFactory(price_sats=5_000)
    code = PromoCodeFactory(event=event, kind=kind, value=value)  # 500 sats, and then 500 cents
    event.currency = "USD"
    with pytest.raises(CurrencyFixed, match="promo codes"):
        event.save()
    with pytest.raises(ValidationError, match="promo codes"):
        event.full_clean()
    code.kind, code.value = "percent", 10
    code.save()
    event.save()
    assert Event.objects.get(pk=event.pk).currency == "USD"


def test_a_suggestion_does_not_become_one_in_another_currency():
    event = EventFactory(price_sats=1_000)
    event.default_type.pricing, event.default_type.suggested_price = "at_least", 5_000
    event.default_type.save()
    event.currency = "USD"
    event.save()
    event.default_type.refresh_from_db()
    assert (event.default_type.price, event.default_type.suggested_price) == (1_000, None)


def test_a_price_goes_along_with_its_currency():
    event = EventFactory(price_sats=500)
    event.currency = "USD"
    event.save()
    assert (event.price, event.default_type.price) == (500, 500)
    event.currency = "SAT"
    event.save()
    assert (event.price, event.price_sats) == (None, 500)


def test_an_event_whose_currency_was_changed_meanwhile_sells_nothing_at_the_old_one():
    event = priced()
    rate_is("USD", 100_000)
    Event.objects.filter(pk=event.pk).update(currency="EUR")
    with pytest.raises(Exception, match="no longer on sale"):
        OrderFactory(event=event)
    assert not Order.objects.exists()


# -- late, double, surplus, part ----------------------------------------------------------------
@pytest.fixture
def order():
    rate_is("USD", 100_000, ago=100)
    return OrderFactory(event=priced(capacity=2), uma_address="$ann@wallet.example")


@pytest.mark.parametrize(
    ("today", "wins"), [("100990", True), ("99020", True), ("101050", False), ("98900", False)]
)
def test_late_money_wins_the_seat_within_the_tolerance(order, today, wins):
    invoice = open_invoice(order)
    end(order, invoice)
    rate_is("USD", today)
    settle_node_payment(money_for(invoice))
    book = books(order)
    assert book["order"] == ("paid" if wins else "expired")
    assert book["seats"] == int(wins)
    back = [] if wins else [(12_000_000, "late", "queued", "$ann@wallet.example")]
    assert book["refunds"] == back


def test_late_money_goes_back_when_no_rate_says_what_it_is_worth(order):
    invoice = open_invoice(order)
    end(order, invoice)
    no_rate("USD")
    settle_node_payment(money_for(invoice))
    assert books(order)["refunds"][0][:2] == (12_000_000, "late")


def test_money_within_the_hold_buys_at_the_old_quote_however_the_rate_moved(order):
    invoice = open_invoice(order)
    rate_is("USD", "60000")
    settle_node_payment(money_for(invoice))
    assert books(order)["order"] == "paid"
    settle_node_payment(money_for(invoice))
    assert books(order)["refunds"] == [(12_000_000, "duplicate", "queued", "$ann@wallet.example")]


@pytest.mark.parametrize(
    ("msats", "applied", "kept", "refunds"),
    [
        (12_005_001, 12_000_000, 5_001, []),  # a little more: dust
        (15_000_500, 12_000_000, 500, [(3_000_000, "surplus")]),
        (11_999_999, 0, 999, [(11_999_000, "underpaid")]),
    ],
)
def test_surplus_and_part_money_are_reckoned_in_sats_of_the_quote(order, msats, applied, kept, refunds):
    invoice = open_invoice(order)
    rate_is("USD", "97000")
    settle_node_payment(money_for(invoice, msats))
    book = books(order)
    assert (book["applied"], book["kept"]) == ([applied], [kept])
    assert [(amount, reason) for amount, reason, *_rest in book["refunds"]] == refunds


@pytest.mark.parametrize("price", [1_000, 333, 1])
def test_seats_given_back_one_by_one_bring_every_sat_whatever_the_rate_did(price):
    rate_is("USD", "95057.13", ago=100)
    order = OrderFactory(event=priced(price, refund_hours=1), quantity=3, uma_address="$ann@wallet.example")
    invoice = open_invoice(order)
    settle_node_payment(money_for(invoice))
    rate_is("USD", "61000")
    order.refresh_from_db()
    for ticket in order.tickets.order_by("number"):
        give_back(Order.objects.get(pk=order.pk), [ticket.pk])
    back = books(order)
    assert sum(amount for amount, *_rest in back["refunds"]) == order.payment.amount_msats
    assert (back["order"], back["seats"], back["applied"]) == ("canceled", 0, [0])


def end(order, invoice):
    invoice.advance("canceled")
    expire_order(overdue(order))
    assert order.status == "expired"
