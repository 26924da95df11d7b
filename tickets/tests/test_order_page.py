"""Order pages: every state tells about the money, and nothing is shown before it is paid."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from events.models import Event
from payments.models import Payment, Refund
from payments.services import settle_node_payment
from tests.acts import money_for, open_invoice, overdue
from tests.factories import EventFactory, OrderFactory
from tickets.models import Mail, Order, Ticket
from tickets.views.stream_player import player_for

pytestmark = pytest.mark.django_db(transaction=True)


def text_of(answer) -> str:
    return " ".join(answer.content.decode().split())


def paid(event=None, **fields) -> Order:
    order = OrderFactory(event=event or EventFactory(), **fields)
    settle_node_payment(money_for(open_invoice(order)))
    order.refresh_from_db()
    assert order.is_paid
    return order


def buy(client, event, **fields):
    data = {"quantity": 1, "email": "ann@example.com", "name": "Ann", "uma_address": ""} | fields
    return client.post(f"/events/{event.pk}/buy", data)


# -- buying -----------------------------------------------------------------------------------
def test_buying_holds_the_seats_and_leads_to_the_pay_page(client):
    event = EventFactory()
    answer = buy(client, event, quantity=2, uma_address="$ann@localhost:8081")
    order = Order.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, order.get_absolute_url())
    assert (order.quantity, order.email, order.uma_address) == (2, "ann@example.com", "$ann@localhost:8081")
    assert Event.objects.get().seats_taken == 2
    assert "You are holding 2 seats" in text_of(client.get(event.get_absolute_url()))


def test_the_same_form_sent_twice_is_one_order(client):
    event = EventFactory()
    key = re.search(r'name="key" value="([^"]+)"', client.get(event.get_absolute_url()).content.decode())[1]
    first, second = buy(client, event, key=key), buy(client, event, key=key)
    assert first["Location"] == second["Location"]
    assert Order.objects.count() == 1


def test_a_free_seat_is_there_at_once(client):
    event = EventFactory(price_sats=0)
    page = text_of(client.get(buy(client, event)["Location"]))
    assert "You are in." in page
    assert Ticket.objects.get().ticket_code[:4] in page


def test_sold_out_is_said_at_the_form_and_nothing_is_charged(client):
    event = EventFactory(capacity=1)
    OrderFactory(event=event)
    answer = buy(client, event)
    assert answer.status_code == 409
    assert "someone is still paying" in text_of(answer)
    assert "Nothing was charged." in text_of(answer)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"uma_address": "ann@wallet.example"}, "Did you mean $ann@wallet.example?"),
        ({"email": "$ann@wallet.example"}, "Put it into the field “Your UMA address”."),
        ({"email": ""}, "This field is required"),
        ({"quantity": "0"}, "At least one seat."),
        ({"quantity": "11"}, "At most 10 seats in one order."),
        ({"quantity": "9" * 400}, "At most 10 seats in one order."),
        ({"name": "x" * 500}, "at most 120 characters"),
        ({"email": "a\0b@example.com"}, "There is an invisible sign in this address."),
    ],
)
def test_a_mistake_is_named_at_its_field_and_holds_no_seat(client, fields, words):
    event = EventFactory()
    answer = buy(client, event, **fields)
    assert answer.status_code == 422
    assert words in text_of(answer)
    assert not Order.objects.exists()


def test_an_event_is_found_by_its_id_too(client):
    event = EventFactory()
    assert client.get(f"/events/{event.pk}")["Location"] == event.get_absolute_url()
    assert client.get(f"/events/{10**30}").status_code == 404


# -- the pay page -----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("push", "words"),
    [
        ("none", "Pay 2,100 sats with any wallet."),
        ("queued", "Sending the request to your wallet"),
        ("delivered", "Approve 2,100 sats in your wallet."),
        ("refused", "Your wallet did not take the request"),
        ("unreachable", "We could not reach your wallet"),
    ],
)
def test_the_pay_page_says_how_far_the_request_is(client, push, words):
    order = OrderFactory(uma_address="$ann@localhost:8081")
    invoice = open_invoice(order)
    Payment.objects.update(push=push)
    page = text_of(client.get(order.get_absolute_url())).replace("\N{NO-BREAK SPACE}", " ")
    assert words in page
    assert f'href="lightning:{invoice.bolt11}"' in page
    assert f'href="bitcoin:?lightning={invoice.bolt11}"' in page
    assert order.payment.uma_pay_address in page


def test_a_slow_node_costs_nobody_the_page(client):
    page = text_of(client.get(OrderFactory().get_absolute_url()))
    assert "The code is being made" in page
    assert "your seats are safe" in page


def test_an_unpaid_order_shows_no_code_and_no_stream(client):
    order = OrderFactory(quantity=2)
    pages = [order.get_absolute_url(), f"{order.get_absolute_url()}/status"]
    pages += [ticket.get_absolute_url() for ticket in order.tickets.all()]
    for path in pages:
        page = client.get(path).content.decode().replace(" ", "")
        assert "stream.example" not in page
        assert not [t.ticket_code for t in order.tickets.all() if t.ticket_code in page]
    stream = client.get(order.tickets.first().get_absolute_url() + "/stream")
    assert stream.status_code == 302


def test_time_is_up_is_said_before_the_order_is_closed(client):
    page = text_of(client.get(overdue(OrderFactory()).get_absolute_url()))
    assert "Your time is up." in page
    assert "lightning:" not in page
    assert "bitcoin:" not in page


def test_giving_seats_back_says_that_nothing_was_charged(client):
    order = OrderFactory()
    answer = client.post(f"{order.get_absolute_url()}/cancel", follow=True)
    assert "Your seats are given back." in text_of(answer)
    assert "Nothing was charged" in text_of(answer)
    assert Event.objects.get().seats_taken == 0


def test_seats_are_not_given_back_while_the_node_cannot_say(client):
    order = OrderFactory()
    open_invoice(order)
    answer = client.post(f"{order.get_absolute_url()}/cancel")
    assert "A payment may still be on its way" in text_of(answer)
    assert Event.objects.get().seats_taken == 1


def test_a_wrong_address_is_corrected_without_losing_the_seats(client):
    order = OrderFactory(uma_address="$wrong@localhost:8081")
    path = f"{order.get_absolute_url()}/address"
    assert "Did you mean $ann@localhost:8081?" in text_of(
        client.post(path, {"uma_address": "ann@localhost:8081"})
    )
    client.post(path, {"uma_address": "$ann@localhost:8081"})
    payment = Payment.objects.get()
    assert (payment.uma_address, payment.push) == ("$ann@localhost:8081", "queued")
    assert Event.objects.get().seats_taken == 1


# -- paid, and over ---------------------------------------------------------------------------
@pytest.mark.parametrize("quantity", [1, 3])
def test_a_paid_order_shows_every_ticket_in_five_statements(client, django_assert_num_queries, quantity):
    order = paid(quantity=quantity)
    client.get(order.get_absolute_url())
    with django_assert_num_queries(5):
        page = client.get(order.get_absolute_url()).content.decode().replace(" ", "")
    assert [t.ticket_code in page for t in order.tickets.all()] == [True] * quantity
    assert "stream.example" not in page


def test_an_expired_order_says_that_nothing_came(client):
    order = overdue(OrderFactory())
    Payment.objects.update(status="closed")
    order.advance(Order.Status.EXPIRED, ended_at=timezone.now())
    page = text_of(client.get(order.get_absolute_url()))
    assert "The time ran out." in page
    assert "No payment reached us" in page
    assert "Buy again" in page


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("sent", "went back to $ann@localhost:8081"),
        ("queued", "are on their way back to $ann@localhost:8081"),
        ("failed", "They are still yours"),
        ("in_doubt", "has not said yet whether"),
        ("sending", "are on their way back to $ann@localhost:8081"),
        ("needs_address", "we need another address to send them back to"),
    ],
)
def test_money_that_found_no_seat_is_accounted_for(client, status, words):
    event = EventFactory(capacity=1)
    order = OrderFactory(event=event, uma_address="$ann@localhost:8081")
    invoice = open_invoice(order)
    Payment.objects.update(status="closed")
    order.advance(Order.Status.EXPIRED, ended_at=timezone.now())
    settle_node_payment(money_for(invoice))
    Refund.objects.update(status=status, sent_at=timezone.now())
    page = text_of(client.get(order.get_absolute_url()))
    assert words in page


# -- the ticket and the stream ----------------------------------------------------------------
def test_the_stream_opens_fifteen_minutes_before_and_closes_at_the_end(client):
    event = EventFactory()
    path = paid(event).tickets.get().get_absolute_url() + "/stream"

    def at(start: timedelta, end: timedelta) -> str:
        now = timezone.now()
        Event.objects.update(start_time=now + start, end_time=now + end)
        return client.post(f"{path}/join", follow=True).content.decode()

    lobby = at(timedelta(minutes=16), timedelta(hours=1))
    assert ("You are early." in lobby, "stream.example" in lobby) == (True, False)
    doors = at(timedelta(minutes=14), timedelta(hours=1))
    assert "https://stream.example/secret" in doors
    over = at(-timedelta(hours=2), -timedelta(minutes=1))
    assert ("Thank you for being there" in over, "stream.example" in over) == (True, False)


@pytest.mark.parametrize("undo", ["void", "cancel", "event"])
def test_a_ticket_that_no_longer_admits_opens_nothing(client, undo):
    order = paid(EventFactory(start_time=timezone.now() - timedelta(minutes=1)))
    ticket = order.tickets.get()
    if undo == "void":
        Ticket.objects.update(voided_at=timezone.now())
    elif undo == "cancel":
        order.advance(Order.Status.CANCELED, ended_at=timezone.now())
    else:
        Event.objects.update(canceled_at=timezone.now())
    assert client.get(f"{ticket.get_absolute_url()}/stream")["Location"] == ticket.get_absolute_url()
    page = client.get(ticket.get_absolute_url()).content.decode().replace(" ", "")
    assert ticket.ticket_code not in page
    assert "Notvalid" in page


def test_private_pages_are_kept_by_nobody(client):
    order = paid()
    for path in (order.get_absolute_url(), order.tickets.get().get_absolute_url()):
        answer = client.get(path)
        assert answer["Cache-Control"] == "no-store, private"
        assert answer["Referrer-Policy"] == "same-origin"
        assert answer["X-Robots-Tag"] == "noindex, nofollow"


@pytest.mark.parametrize("token", ["x", "x:y", "0" * 32 + ":forged", "é" * 300])
def test_a_forged_link_is_the_same_404(client, token):
    order = paid()
    foreign = order.tickets.get().token
    for path in (
        f"/orders/{token}",
        f"/orders/{token}/live",
        f"/tickets/{token}/stream",
        f"/orders/{foreign}",
    ):
        assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("url", "frame"),
    [
        ("https://www.youtube.com/watch?v=dQw4w9WgXcQ", "https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ"),
        ("https://youtu.be/dQw4w9WgXcQ?t=3", "https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ"),
        ("https://vimeo.com/event/123", "https://player.vimeo.com/video/123"),
        ("https://www.twitch.tv/somebody", "https://player.twitch.tv/?channel=somebody&parent=localhost"),
        ("https://youtube.com.evil.example/watch?v=dQw4w9WgXcQ", ""),
        ("https://meet.jit.si/room", ""),
    ],
)
def test_only_known_players_are_embedded(url, frame):
    assert player_for(url).frame_url.startswith(frame)
    assert bool(player_for(url).frame_origin) == bool(frame)


# -- lost tickets -----------------------------------------------------------------------------
def test_find_my_tickets_mails_again_and_never_tells_who_has_some(client):
    order = paid()
    Mail.objects.update(status="sent", sent_at=timezone.now() - timedelta(hours=1), next_attempt_at=None)
    known = client.post("/find", {"email": order.email}, follow=True)
    stranger = client.post("/find", {"email": "nobody@example.com"}, follow=True)
    words = "If there are tickets for that address"
    assert (words in text_of(known), words in text_of(stranger)) == (True, True)
    assert Mail.objects.get().status == "due"
