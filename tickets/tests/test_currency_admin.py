"""Staff's forms of events priced in other currencies than sats: typed with their digits."""

import pytest

from events.models import Event, PromoCode
from tests.factories import EveningFactory, OrderFactory, PromoCodeFactory, TicketTypeFactory
from tests.rates import rate_is
from tickets.tests.test_admin_catalogue import change_url, form_in, form_of, save

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def event() -> Event:
    """Regular for $12 and Student for $5.50."""
    rate_is("USD", 100_000)
    event = EveningFactory(currency="USD", price_sats=1_200)
    event.default_type.name = "Regular"
    event.default_type.save()
    TicketTypeFactory(event=event, name="Student", price=550, position=1)
    return event


def test_prices_are_shown_and_typed_in_whole_units(staff, event):
    form = form_of(staff, event)
    assert (form["currency"], form["ticket_types-0-price"], form["ticket_types-1-price"]) == (
        "USD",
        "12.00",
        "5.50",
    )
    assert save(staff, event, price="6.25").status_code == 302
    assert [each.price for each in event.ticket_types.order_by("position")] == [1_200, 625]
    event.refresh_from_db()
    assert (event.price, event.currency) == (625, "USD")
    refused = save(staff, event, price="6.255")
    assert (refused.status_code, b"at most 2 digits" in refused.content) == (200, True)


def test_another_currency_reads_what_is_typed_anew(staff, event):
    form = form_of(staff, event) | {"currency": "JPY", "price_sats": "1200"}
    form |= {"ticket_types-0-price": "1500", "ticket_types-1-price": "900"}
    assert staff.post(change_url(event), form).status_code == 302
    event.refresh_from_db()
    assert (event.currency, event.price) == ("JPY", 900)
    assert [each.price for each in event.ticket_types.order_by("position")] == [1_500, 900]


def test_the_currency_of_orders_is_refused_at_its_field(staff, event):
    OrderFactory(event=event)
    form = form_of(staff, event) | {"currency": "EUR"}
    answer = staff.post(change_url(event), form)
    assert (answer.status_code, b"its currency stays" in answer.content) == (200, True)
    assert Event.objects.get(pk=event.pk).currency == "USD"


def test_codes_are_worth_money_with_its_digits_or_percent(staff, event):
    code = PromoCodeFactory(event=event, kind="amount", value=250)
    url = f"/admin/events/promocode/{code.pk}/change/"
    form = form_in(staff.get(url), "promocode_form")
    form.pop("types", None)
    assert form["value"] == "2.50"
    answer = staff.post(url, form | {"value": "3.75"})
    assert answer.status_code == 302, answer.context["errors"]
    assert PromoCode.objects.get(pk=code.pk).value == 375
    assert b"$3.75" in staff.get("/admin/events/promocode/").content
