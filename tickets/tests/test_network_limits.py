"""Limits of one network, and no stranger's words in our mails."""

import uuid
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.authentication import issue_token
from accounts.rate_limits import RateLimited
from accounts.staff import save_verified_user
from tests.acts import hold, pay, together
from tests.factories import EveningFactory, EventFactory, OrderFactory
from tickets.mail.messages import send_mail, send_tickets_again
from tickets.models import Mail, Order
from tickets.services.giving_back import give_back
from tickets.services.hold_limits import FreeLimit, NetworkFreeLimit, NetworkHoldLimit, forget_networks
from tickets.services.mailbox_proof import mailbox_path
from tickets.services.orders import cancel_order, expire_order
from ticketsuma.api.fields import has_link

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def a_fifth(settings):
    settings.MAX_HELD_PERCENT_PER_NETWORK = settings.MAX_FREE_PERCENT_PER_NETWORK = 20


def from_network(event, ip="192.0.2.1", **more) -> Order:
    return OrderFactory(event=event, email=f"{uuid.uuid4().hex[:12]}@example.com", ip=ip, **more)


# -- seats that are held ------------------------------------------------------------------------
def test_one_network_holds_a_fifth_of_the_seats_and_no_more():
    event = EventFactory(capacity=50, max_per_order=5)
    for _ in range(2):
        from_network(event, quantity=5)
    with pytest.raises(NetworkHoldLimit):
        from_network(event)
    event.refresh_from_db()
    assert event.seats_taken == 10
    from_network(event, ip="192.0.2.2", quantity=5)
    from_network(EventFactory(capacity=50), quantity=5)


def test_at_once_no_more_than_one_after_the_other():
    event = EventFactory(capacity=20, max_per_order=1)
    said = together(*[lambda: from_network(event)] * 8)
    assert sum(isinstance(each, Order) for each in said) == 4
    event.refresh_from_db()
    assert event.seats_taken == 4


def test_of_few_seats_one_order_is_held_in_any_case():
    event = EventFactory(capacity=4, max_per_order=3)
    from_network(event, quantity=3)
    with pytest.raises(NetworkHoldLimit):
        from_network(event)


@pytest.mark.parametrize("end", ["paid", "expired"])
def test_what_is_no_longer_held_counts_no_more_and_is_forgotten(end):
    event = EveningFactory(capacity=10, max_per_order=2)
    order = hold(event, quantity=2, email="ann@example.com", ip="192.0.2.1")
    assert order.network
    assert "192.0.2.1" not in order.network
    with pytest.raises(NetworkHoldLimit):
        from_network(event)
    if end == "paid":
        pay(order)
    else:
        Order.objects.update(expires_at=timezone.now() - timedelta(days=1))
        order.refresh_from_db()
        expire_order(order)
    assert Order.objects.get(pk=order.pk).network == ""
    from_network(event, quantity=2)


def test_the_seats_of_a_proven_account_are_not_counted():
    event = EventFactory(capacity=10, max_per_order=2)
    from_network(event, quantity=2)
    for name in ("ann", "bob"):
        user = save_verified_user(email=f"{name}@example.com", password="a long enough password")[0]
        order = OrderFactory(event=event, email=user.email, buyer=user, quantity=2, ip="192.0.2.1")
        assert order.network == ""


def test_an_ipv6_network_is_one(client):
    event = EventFactory(capacity=10, max_per_order=2)

    def buy(address: str) -> int:
        body = {"event_id": event.pk, "quantity": 2, "email": f"{uuid.uuid4().hex[:9]}@example.com"}
        return (
            Client(REMOTE_ADDR=address)
            .post("/api/tickets/purchase", body, content_type="application/json")
            .status_code
        )

    said = [buy(f"2001:db8:1:{net}::{host}") for net, host in ((1, "1"), (1, "2"), (2, "1"))]
    assert said == [201, 429, 201]


# -- free seats -----------------------------------------------------------------------------------
def test_free_seats_are_counted_for_an_hour():
    event = EventFactory(capacity=10, price_sats=0, max_per_order=2)
    order = from_network(event, quantity=2)
    with pytest.raises(NetworkFreeLimit):
        from_network(event)
    from_network(event, ip="192.0.2.2")
    Order.objects.filter(pk=order.pk).update(created_at=timezone.now() - timedelta(minutes=61))
    forget_networks()
    assert Order.objects.get(pk=order.pk).network == ""
    assert Order.objects.exclude(network="").count() == 1, "the other's hour is not over"
    from_network(event, quantity=2)


def test_free_seats_given_back_are_not_counted(settings):
    settings.MAX_HELD_SEATS_PER_PERSON = 2
    event = EventFactory(capacity=10, price_sats=0, max_per_order=2)
    order = OrderFactory(event=event, email="ann@example.com", ip="192.0.2.1", quantity=2)
    with pytest.raises(FreeLimit):
        OrderFactory(event=event, email="ann@example.com")
    with pytest.raises(NetworkFreeLimit):
        from_network(event)
    give_back(order, [ticket.pk for ticket in order.tickets.all()])
    OrderFactory(event=event, email="ann@example.com")
    from_network(event)
    with pytest.raises(FreeLimit):
        OrderFactory(event=event, email="ann@example.com", quantity=2)


def test_free_seats_mail_strangers_within_the_limits_of_mail(settings):
    settings.LIMITS = settings.LIMITS | {"MAIL_PER_EMAIL": (2, 3600), "MAIL_PER_IP": (4, 3600)}
    settings.MAX_FREE_PERCENT_PER_NETWORK = 100
    event = EventFactory(capacity=50, price_sats=0)
    for _ in range(2):
        OrderFactory(event=event, email="victim@example.com", ip="192.0.2.1")
    with pytest.raises(RateLimited):
        OrderFactory(event=event, email="victim@example.com", ip="192.0.2.1")
    from_network(event)
    with pytest.raises(RateLimited):
        from_network(event)
    assert Order.objects.count() == 3
    ann = save_verified_user(email="ann@example.com", password="a long enough password")[0]
    for _ in range(3):
        OrderFactory(event=event, email=ann.email, buyer=ann, ip="192.0.2.1")
    with pytest.raises(RateLimited):
        OrderFactory(event=event, email="victim@example.com", buyer=ann, ip="192.0.2.1")


def test_find_my_tickets_mails_within_the_limits_of_mail(settings, client):
    settings.LIMITS = settings.LIMITS | {"MAIL_PER_EMAIL": (2, 3600)}
    said = [client.post("/find", {"email": "ann@example.com"}).status_code for _ in range(3)]
    assert said == [302, 302, 429]


@pytest.mark.parametrize(
    "name",
    ["Win at http://evil.example", "www.evil", "Cash: evil.com", "evil.com.", "EVIL.COM/x now", "a@evil.io",
     "ｅｖｉｌ．ｃｏｍ", "evil。com", "пример.рф"],
)  # fmt: skip
def test_no_name_holds_a_link(client, name):
    assert has_link(name)
    event = EventFactory(price_sats=0)
    form = {"quantity": 1, "email": "ann@example.com", "name": name}
    page = client.post(event.get_absolute_url(), form)
    assert (page.status_code, "name" in page.context["form"].errors) == (422, True)
    body = {"event_id": event.pk, "email": "ann@example.com", "name": name}
    api = client.post("/api/tickets/purchase", body, content_type="application/json")
    assert [(each["field"], each["code"]) for each in api.json()["errors"]] == [("name", "link")]
    body = {"email": "ann@example.com", "password": "a long enough password", "name": name}
    assert client.post("/api/users", body, content_type="application/json").status_code == 400
    ticket = hold(event).tickets.get()
    assert (
        client.post(f"/tickets/{ticket.token}", {"act": "ticket_holder", "holder_name": name}).status_code
        == 422
    )


@pytest.mark.parametrize(
    "name",
    ["J.R. Tolkien", "J.R.R.T.", "Dr. No", "Ann-Marie O'Neill", "María José", "Ünal", "No. 5", "王芳"],
)
def test_names_are_names(name):
    assert not has_link(name)


# -- free seats that wait for their mailbox ---------------------------------------------------------
@pytest.fixture
def waiting(settings):
    settings.FREE_SEATS_WAIT_FOR_MAIL = True


def send_mails() -> list:
    mail.outbox.clear()
    for due in Mail.objects.filter(status=Mail.Status.DUE).select_related("order__event"):
        send_mail(due)
    return mail.outbox


def test_free_seats_wait_for_the_mailed_link(waiting, client):
    event = EveningFactory(price_sats=0)
    order = hold(event, quantity=2)
    assert (order.status, order.payment) == (Order.Status.PENDING, None)
    assert "Look into your mailbox" in client.get(order.get_absolute_url()).content.decode()
    (message,) = send_mails()
    assert "Somebody asked for free seats" in message.body
    path = mailbox_path(order)
    assert path in message.body
    assert client.get(path).status_code == 200
    order.refresh_from_db()
    assert order.is_pending, "looking at it takes nothing"
    assert client.post(path)["Location"] == order.get_absolute_url()
    order.refresh_from_db()
    event.refresh_from_db()
    assert (order.is_paid, event.seats_taken) == (True, 2)
    assert [message.subject for message in send_mails()] == [f"Your tickets: {event.title}"]


def test_they_expire_as_others_do_and_may_be_won_back(waiting, client):
    event = EveningFactory(price_sats=0, capacity=2)
    order = hold(event, quantity=2)
    expire_order(order)
    order.refresh_from_db()
    event.refresh_from_db()
    assert (order.status, event.seats_taken) == (Order.Status.EXPIRED, 0)
    client.post(mailbox_path(order))
    order.refresh_from_db()
    assert order.is_paid
    late = hold(EveningFactory(price_sats=0))
    cancel_order(late)
    assert client.post(mailbox_path(late)).status_code == 409


def test_the_link_is_not_the_one_shown_to_whoever_ordered(waiting, client):
    order = hold(EveningFactory(price_sats=0))
    assert mailbox_path(order) not in client.get(order.get_absolute_url()).content.decode()
    for forged in (order.token, f"{order.pk.hex}.x", f"{order.pk.hex}", "x"):
        assert client.post(f"/seats/{forged}").status_code == 404


def test_a_proven_mailbox_does_not_wait(waiting, client):
    ann = save_verified_user(email="ann@example.com", password="a long enough password")[0]
    event = EveningFactory(price_sats=0)
    assert hold(event, buyer=ann, email=ann.email).is_paid
    token = issue_token(ann)
    body = {"event_id": event.pk, "email": "stranger@example.com"}
    said = client.post(
        "/api/tickets/purchase", body, content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    ).json()  # fmt: skip
    assert (said["order"]["status"], said["payment"]) == ("pending", None)


def test_find_my_tickets_sends_nothing_of_seats_that_wait(waiting):
    hold(EveningFactory(price_sats=0))
    assert send_tickets_again("ann@example.com") == 0
    assert not Mail.objects.filter(kind=Mail.Kind.TICKETS).exists()
