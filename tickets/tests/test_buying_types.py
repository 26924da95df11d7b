"""Event pages with several ticket types: what they show, codes, and what is asked about anew."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from events.catalogue_models import code_key
from events.models import Event, PromoCode, TicketType
from tests.factories import EventFactory, PromoCodeFactory, TicketTypeFactory
from tickets.models import Order
from tickets.staff.audit import run_integrity_checks

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)


@pytest.fixture
def event() -> Event:
    """Regular for 1,000 sats and Supporter for 5,000, of ten."""
    event = EventFactory(capacity=10, price_sats=1000)
    named(event, "Regular")
    TicketTypeFactory(event=event, name="Supporter", price=5000, position=1)
    return event


def named(event: Event, name: str, **fields) -> TicketType:
    """The event's first type, with a name and whatever else."""
    first = TicketType.objects.get(pk=event.default_type_id)
    for key, value in ({"name": name} | fields).items():
        setattr(first, key, value)
    first.save()
    return first


def type_of(event: Event, name: str) -> TicketType:
    return event.ticket_types.get(name=name)


def text(answer) -> str:
    words = re.sub(r"<(script|svg).*?</\1>|<[^>]+>", " ", answer.content.decode(), flags=re.DOTALL)
    return " ".join(words.split()).replace("\N{NO-BREAK SPACE}", " ")


def fields(answer) -> dict[str, str]:
    form = re.search(r'<form method="post" action="/events/.*?</form>', answer.content.decode(), re.DOTALL)[0]
    found = (
        re.search(r'name="(\w+)"(?:.*?value="([^"]*)")?', tag) for tag in re.findall("<input[^>]*>", form)
    )
    return {field[1]: field[2] or "" for field in found if field}


def form_of(event: Event, client=None, **seats: int) -> dict[str, str]:
    """The page's form, filled in by Ann: so many of each type."""
    filled = fields((client or Client()).get(event.get_absolute_url())) | {"email": "ann@example.com"}
    return filled | {f"seats_{type_of(event, name).pk}": str(count) for name, count in seats.items()}


def send(event: Event, form: dict):
    return Client().post(event.get_absolute_url(), form)


def lines() -> list[tuple]:
    order = Order.objects.latest("created_at")
    return [(line.type.name, line.quantity, line.price, line.discount) for line in order.lines.all()]


# -- shown -----------------------------------------------------------------------------------------
def test_one_type_is_shown_as_if_there_were_none():
    page = Client().get(EventFactory(price_sats=2100, capacity=7).get_absolute_url())
    assert "One seat 2,100 sats 7 seats left Seats" in text(page)
    assert set(fields(page)) == {
        "key",
        "price_sats",
        "refund_policy",
        "quantity",
        "uma_address",
        "email",
        "name",
    }
    assert "promo code" not in text(page)


def test_each_type_says_its_price_what_is_left_and_when(event):
    supporter = type_of(event, "Supporter")
    supporter.capacity, supporter.description = 3, "Pays for two"
    supporter.sales_end = event.start_time - HOUR
    supporter.save()
    TicketTypeFactory(event=event, name="Early", price=500, sales_end=timezone.now() - HOUR, position=2)
    TicketTypeFactory(event=event, name="Late", price=9000, sales_start=timezone.now() + HOUR, position=3)
    TicketTypeFactory(event=event, name="Gone", price=700, capacity=1, position=4)
    TicketType.objects.filter(name="Gone").update(seats_taken=1)
    TicketTypeFactory(event=event, name="Off", price=1, is_active=False)
    TicketTypeFactory(event=event, name="Secret", price=1, is_hidden=True)
    page = Client().get(event.get_absolute_url())
    says = text(page)
    assert "Tickets from 1,000 sats" in says
    for part in (
        "Regular 1,000 sats 10 seats left", "Supporter 5,000 sats Pays for two 3 seats left · until",
        "Early 500 sats No longer on sale", "Late 9,000 sats On sale from", "Gone 700 sats Sold out",
    ):  # fmt: skip
        assert part in says
    assert "Off" not in says
    assert "Secret" not in says
    assert [name for name in fields(page) if name.startswith("seats_")] == [
        f"seats_{type_of(event, name).pk}" for name in ("Regular", "Supporter")
    ]


def test_the_page_takes_as_many_statements_with_thirty_types_as_with_one(django_assert_num_queries):
    for count in (1, 30):
        event = EventFactory(price_sats=1000, capacity=1000)
        named(event, "Type 0")
        for number in range(1, count):
            TicketTypeFactory(event=event, name=f"Nr {number}", position=number)
        with django_assert_num_queries(2):
            Client().get(event.get_absolute_url())
        with django_assert_num_queries(1):
            Client().get(event.get_absolute_url())
        mine = Client()
        mine.cookies["somebodys"] = "x"
        with django_assert_num_queries(1):
            mine.get(event.get_absolute_url())


def test_a_sold_out_event_still_sells_what_takes_no_seat_of_it(event):
    TicketTypeFactory(event=event, name="Replay", price=300, admits="replay", position=2)
    Event.objects.update(seats_taken=10)
    says = text(Client().get(event.get_absolute_url()))
    assert "Regular 1,000 sats Sold out" in says
    assert send(event, form_of(event, Replay=1)).status_code == 302
    assert (lines(), run_integrity_checks()[0].check) == ([("Replay", 1, 300, 0)], "seats")


# -- never stale -------------------------------------------------------------------------------------
def test_a_kept_page_follows_every_type(event):
    def says() -> str:
        return text(Client().get(event.get_absolute_url()))

    assert "Supporter 5,000 sats 10 seats left" in says()
    supporter = type_of(event, "Supporter")
    supporter.price = 6000
    supporter.save()
    assert "Supporter 6,000 sats" in says()
    supporter.capacity = 2
    supporter.save()
    assert "2 seats left" in says()
    assert send(event, form_of(event, Supporter=1)).status_code == 302
    assert "Supporter 6,000 sats 1 seat left" in says()
    assert send(event, form_of(event, Supporter=1)).status_code == 302
    assert "Supporter 6,000 sats Sold out" in says()
    TicketTypeFactory(event=event, name="New", price=50)
    assert "New 50 sats" in says()
    TicketType.objects.get(name="New").delete()
    assert "New 50 sats" not in says()
    assert "promo code" not in says()
    code = PromoCodeFactory(event=event)
    assert "Have a promo code?" in says()
    code.is_active = False
    code.save()
    assert "Have a promo code?" not in says()


# -- bought ------------------------------------------------------------------------------------------
def test_one_order_holds_several_types(event):
    assert send(event, form_of(event, Regular=2, Supporter=1)).status_code == 302
    assert lines() == [("Regular", 2, 1000, 0), ("Supporter", 1, 5000, 0)]
    order = Order.objects.get()
    assert (order.payment.amount_sats, order.tickets.count(), run_integrity_checks()) == (7000, 3, [])


def test_the_same_form_sent_twice_is_one_order(event):
    form = form_of(event, Regular=1)
    first = send(event, form)
    supporter = type_of(event, "Regular")
    supporter.price = 1500
    supporter.save()
    assert send(event, form)["Location"] == first["Location"]
    assert Order.objects.count() == 1


def test_no_ticket_chosen_and_too_many_are_said_and_the_form_is_kept(event):
    none = send(event, form_of(event))
    assert (none.status_code, "none is chosen yet" in text(none)) == (422, True)
    many = send(event, form_of(event, Regular=9, Supporter=9) | {"name": "Ann of Ghent"})
    assert (many.status_code, "Between 1 and 10 seats" in text(many)) == (400, True)
    kept = fields(many)
    assert (kept["name"], kept[f"seats_{type_of(event, 'Regular').pk}"]) == ("Ann of Ghent", "9")
    assert send(event, form_of(event) | {f"seats_{type_of(event, 'Regular').pk}": "x"}).status_code == 422
    assert not Order.objects.exists()


def test_pay_what_you_want_is_the_price_and_has_a_least(event):
    generous = type_of(event, "Supporter")
    generous.pricing, generous.price, generous.suggested_price = "at_least", 2000, 3000
    generous.save()
    form = form_of(event, Supporter=2)
    amount = f"amount_{generous.pk}"
    assert form[amount] == "3000"
    low = send(event, form | {amount: "1999"})
    assert (low.status_code, "At least 2,000 sats." in text(low)) == (422, True)
    assert fields(low)[amount] == "1999"
    assert send(event, form | {amount: "7000"}).status_code == 302
    assert lines() == [("Supporter", 2, 7000, 0)]
    assert Order.objects.get().payment.amount_sats == 14_000


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        ({"price": 6000}, 409, "it now comes to 7,000 sats"),
        ({"price": 4000}, 409, "it now comes to 5,000 sats"),
        ({"is_active": False}, 409, "“Supporter” is no longer on sale"),
        ({"sales_start": timezone.now() + HOUR}, 409, "“Supporter” is not on sale yet"),
        ({"capacity": 1, "seats_taken": 1}, 409, "of “Supporter” there are not enough left"),
        ({"is_hidden": True}, 400, "no such ticket type"),
    ],
    ids=["dearer", "cheaper", "closed", "not yet", "sold out", "hidden"],
)
def test_what_changed_between_form_and_hold_is_asked_about_anew(event, change, status, says):
    form = form_of(event, Regular=1, Supporter=1) | {"name": "Ann of Ghent"}
    TicketType.objects.filter(name="Supporter").update(**change)
    answer = send(event, form)
    assert (answer.status_code, says in text(answer), Order.objects.exists()) == (status, True, False)
    kept = fields(answer)
    seats = kept.get(f"seats_{type_of(event, 'Regular').pk}", kept.get("quantity"))
    assert (kept["name"], seats) == ("Ann of Ghent", "1")
    if "price" in change:
        assert send(event, kept | {"email": "ann@example.com"}).status_code == 302


def test_a_form_from_before_there_were_types_buys_what_it_showed():
    event = EventFactory(price_sats=1000)
    form = form_of(event)
    named(event, "Regular")
    TicketTypeFactory(event=event, name="Supporter", price=5000)
    assert send(event, form | {"quantity": "2"}).status_code == 302
    assert lines() == [("Regular", 2, 1000, 0)]
    named(event, "Regular", price=1200)
    asked = send(event, form | {"quantity": "2", "email": "bea@example.com"})
    assert (asked.status_code, "a seat now costs 1,200 sats" in text(asked)) == (409, True)
    assert fields(asked)[f"seats_{event.default_type_id}"] == "2"


def test_a_form_with_types_of_which_one_is_left_is_not_bought_in_part(event):
    form = form_of(event, Regular=1, Supporter=1)
    TicketType.objects.filter(name="Supporter").update(is_active=False)
    answer = send(event, form)
    assert (answer.status_code, Order.objects.exists()) == (409, False)
    assert fields(answer)["quantity"] == "1"


# -- codes ---------------------------------------------------------------------------------------------
def test_a_code_shows_its_prices_without_buying_and_then_buys_at_them(event):
    PromoCodeFactory(event=event)
    form = form_of(event, Regular=1) | {"promo_code": "fruh-b1rd 20".replace("u", "ü")}
    shown = send(event, form | {"apply_code": "1"})
    assert (shown.status_code, Order.objects.exists()) == (200, False)
    assert "Code Früh-Bird 20 is applied." in text(shown)
    assert "instead of 1,000 sats 800 sats" in text(shown)
    kept = fields(shown)
    assert (kept["email"], kept[f"seats_{type_of(event, 'Regular').pk}"]) == ("ann@example.com", "1")
    assert send(event, kept).status_code == 302
    assert lines() == [("Regular", 1, 1000, 200)]
    assert PromoCode.objects.get().uses == 1
    dropped = send(event, kept | {"drop_code": "1"})
    assert "instead of" not in text(dropped)
    assert "Have a promo code?" in text(dropped)


def test_a_code_typed_and_not_applied_is_asked_about_at_its_price(event):
    PromoCodeFactory(event=event)
    answer = send(event, form_of(event, Regular=1) | {"promo_code": "Früh-Bird 20"})
    assert (answer.status_code, "it now comes to 800 sats" in text(answer)) == (409, True)
    assert send(event, fields(answer) | {"email": "ann@example.com"}).status_code == 302


def test_a_code_works_with_one_type_too():
    event = EventFactory(price_sats=1000)
    PromoCodeFactory(event=event, text="HALF", value=50)
    shown = send(event, form_of(event) | {"promo_code": "half", "apply_code": "1", "quantity": "3"})
    kept = fields(shown)
    assert kept[f"seats_{event.default_type_id}"] == "3"
    assert send(event, kept).status_code == 302
    assert Order.objects.get().payment.amount_sats == 1500


def test_a_hidden_type_appears_with_its_code_alone(event):
    secret = TicketTypeFactory(event=event, name="Members", price=100, is_hidden=True)
    PromoCodeFactory(event=event, text="MEMBER", kind="unlock", value=0, types=[secret])
    assert "Members" not in text(Client().get(event.get_absolute_url()))
    shown = send(event, form_of(event) | {"promo_code": "member", "apply_code": "1"})
    assert "Members 100 sats" in text(shown)
    kept = fields(shown) | {f"seats_{secret.pk}": "1"}
    without = send(event, kept | {"promo_code": ""})
    assert (without.status_code, Order.objects.exists()) == (400, False)
    assert send(event, kept).status_code == 302
    assert lines() == [("Members", 1, 100, 0)]


@pytest.mark.parametrize(
    ("fields_of_code", "says"),
    [
        (None, "We do not know this code."),
        ({"is_active": False}, "We do not know this code."),
        ({"ends_at": timezone.now() - HOUR}, "This code is no longer good."),
        ({"starts_at": timezone.now() + HOUR}, "This code is not good yet."),
        ({"max_uses": 1, "uses": 1}, "This code has been used as often as it may be."),
    ],
    ids=["unknown", "ended", "over", "not yet", "used up"],
)
def test_a_code_that_is_not_good_is_said_at_its_field(event, fields_of_code, says):
    PromoCodeFactory(event=event, text="OTHER")
    PromoCodeFactory(event=EventFactory(), text="EARLY")
    if fields_of_code is not None:
        code = PromoCode(event=event, text="EARLY", key=code_key("EARLY"), value=5, **fields_of_code)
        PromoCode.objects.bulk_create([code])
    form = form_of(event, Regular=1) | {"promo_code": "early"}
    for more in ({"apply_code": "1"}, {}):
        answer = send(event, form | more)
        assert (answer.status_code, says in text(answer)) == (409, True)
        assert fields(answer)["promo_code"] == "early"
    assert not Order.objects.exists()


def test_guessing_codes_is_slowed_down(event, settings):
    settings.LIMITS = settings.LIMITS | {"PROMO_CODE_PER_IP": (2, 60)}
    PromoCodeFactory(event=event)
    form = form_of(event) | {"promo_code": "guess", "apply_code": "1"}
    assert [send(event, form).status_code for _ in range(3)] == [409, 409, 429]
    right = send(event, form | {"promo_code": "Früh-Bird 20"})
    assert (right.status_code, "is applied" in text(right)) == (429, False)
