"""My tickets and my account: contents, export, and what stays after deletion."""

from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.authentication import issue_token
from accounts.models import User
from accounts.staff import save_verified_user
from events.models import Event
from payments.models import Payment, Refund
from payments.services import settle_node_payment
from tests.acts import money_for, open_invoice, overdue
from tests.factories import EventFactory, OrderFactory, RefundFactory
from tickets.models import Mail, Order
from tickets.services.personal_data import adopt_orders, purge_erased_orders
from tickets.services.refunds import queue_refund_mails

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "a long enough passphrase"


@pytest.fixture
def bea() -> User:
    return save_verified_user(email="bea@example.com", password=PASSWORD, name="Bea")[0]


@pytest.fixture
def mine(bea) -> Client:
    client = Client()
    client.post("/accounts/login/", {"login": "bea@example.com", "password": PASSWORD})
    return client


def paid(order: Order) -> Order:
    settle_node_payment(money_for(open_invoice(order)))
    order.refresh_from_db()
    assert order.is_paid
    return order


def text_of(answer) -> str:
    return " ".join(answer.content.decode().split())


def over(event: Event) -> None:
    start = timezone.now() - timedelta(days=3)
    Event.objects.filter(pk=event.pk).update(start_time=start, end_time=start + timedelta(hours=2))


# -- my tickets -------------------------------------------------------------------------------
def test_holds_upcoming_and_past_each_in_their_place(mine, bea):
    held, soon = OrderFactory(buyer=bea), paid(OrderFactory(buyer=bea))
    ended, stranger = paid(OrderFactory(buyer=bea)), paid(OrderFactory(email="cy@example.com"))
    over(ended.event)
    canceled = OrderFactory(event=EventFactory(price_sats=0), buyer=bea)
    Event.objects.filter(pk=canceled.event_id).update(canceled_at=timezone.now())
    page = mine.get("/me")
    assert page.context["holds"] == [held]
    assert page.context["coming"].object_list == [soon]
    assert set(page.context["page"]) == {ended, canceled}
    assert stranger.token not in page.content.decode()
    assert page["Cache-Control"] == "no-store, private"


def test_an_expired_hold_is_no_memory(mine, bea):
    order = overdue(OrderFactory(buyer=bea))
    Order.objects.filter(pk=order.pk).update(status="expired")
    page = mine.get("/me")
    assert "Nothing coming up" in text_of(page)
    assert (page.context["holds"], list(page.context["coming"]), list(page.context["page"])) == ([], [], [])


def test_neither_codes_nor_streams_are_on_the_list(mine, bea):
    order = paid(OrderFactory(buyer=bea, quantity=2))
    words = mine.get("/me").content.decode()
    assert "stream.example" not in words
    assert not [t for t in order.tickets.all() if t.ticket_code in words]


@pytest.mark.parametrize("rows", [1, 3])
def test_my_tickets_cost_the_same_for_more_rows(mine, bea, django_assert_num_queries, rows):
    for _ in range(rows):
        OrderFactory(buyer=bea)
        paid(OrderFactory(buyer=bea))
        over(paid(OrderFactory(buyer=bea)).event)
    with django_assert_num_queries(8):  # session, user, role, address; what and when; orders, tickets, lines
        assert len(mine.get("/me").context["page"].object_list) == rows


@pytest.mark.parametrize("path", ["/me", "/me/account", "/me/data", "/me/delete"])
def test_strangers_sign_in_first(client, path):
    assert client.get(path)["Location"] == f"/accounts/login/?next={path}"


# -- adopting ---------------------------------------------------------------------------------
def test_what_a_guest_bought_comes_along_and_stays_through_a_new_address(client):
    guest = paid(OrderFactory(email="bea@example.com"))
    client.post("/accounts/signup/", {"email": "bea@example.com", "password1": PASSWORD})
    code = mail.outbox[-1].body.split("\n\n")[2]
    client.post("/accounts/confirm-email/", {"code": code})
    user = User.objects.get()
    guest.refresh_from_db()
    assert guest.buyer == user
    assert client.get("/me").context["coming"].object_list == [guest]
    User.objects.update(email="new@example.com")
    assert client.get("/me").context["coming"].object_list == [guest]


def test_an_unproven_address_adopts_nothing(client):
    order = OrderFactory(email="bea@example.com")
    client.post("/accounts/signup/", {"email": "bea@example.com", "password1": PASSWORD})
    order.refresh_from_db()
    assert order.buyer is None


def test_signing_in_takes_along_what_was_bought_as_a_guest_since(bea, client):
    order, other = OrderFactory(email="bea@example.com"), OrderFactory(email="cy@example.com")
    client.post("/accounts/login/", {"login": "bea@example.com", "password": PASSWORD})
    order.refresh_from_db(), other.refresh_from_db()
    assert (order.buyer, other.buyer) == (bea, None)
    assert adopt_orders(bea, bea.email) == 0


# -- the account ------------------------------------------------------------------------------
def test_the_name_is_changed_on_one_line(mine, bea):
    mine.post("/me/account", {"name": "  Bea\n of  Bern "})
    bea.refresh_from_db()
    assert bea.name == "Bea of Bern"
    for name in ("x" * 121, "a\0b"):
        assert mine.post("/me/account", {"name": name}).status_code == 422


def test_my_data_is_a_file_of_my_orders_only(mine, bea):
    order = paid(OrderFactory(buyer=bea))
    OrderFactory(email="cy@example.com")
    mine.post(mine.get("/me/data")["Location"], {"password": PASSWORD})
    answer = mine.get("/me/data")
    assert answer["Content-Disposition"] == 'attachment; filename="my-data.json"'
    said = answer.json()
    assert (said["email"], [each["id"] for each in said["orders"]]) == ("bea@example.com", [str(order.pk)])
    assert said["orders"][0]["tickets"][0]["ticket_code"] == order.tickets.get().ticket_code


# -- leaving ----------------------------------------------------------------------------------
def leave(client):
    """Says yes on the page of leaving, after the password once more."""
    again = client.get("/me/delete")["Location"]
    client.post(again, {"password": PASSWORD})
    assert "This cannot be undone." in text_of(client.get("/me/delete"))
    return client.post("/me/delete")


def test_leaving_takes_the_password_and_ends_every_session(mine, bea):
    elsewhere = Client()
    elsewhere.force_login(bea)
    token = {"Authorization": f"Bearer {issue_token(bea)}"}
    assert elsewhere.post("/me/delete")["Location"].startswith("/accounts/reauthenticate/")
    assert User.objects.filter(pk=bea.pk).exists()
    assert leave(mine)["Location"] == "/"
    assert not User.objects.exists()
    for client in (mine, elsewhere):
        assert client.get("/me").status_code == 302
    assert mine.get("/api/users/me", headers=token).status_code == 401


def test_past_orders_forget_the_person_and_their_wallet(mine, bea):
    order = paid(
        OrderFactory(buyer=bea, email="bea@example.com", name="Bea", uma_address="$bea@localhost:8081")
    )
    Payment.objects.update(payer_uma="$bea@localhost:8081")
    over(order.event)
    leave(mine)
    order.refresh_from_db()
    assert (order.status, order.buyer, order.email, order.name, order.uma_address) == (
        "paid",
        None,
        "",
        "",
        "",
    )
    payment = Payment.objects.get()
    assert (payment.uma_address, payment.payer_uma, payment.uma_invoice) == ("", "", "")
    assert not Mail.objects.exists()


def test_an_event_to_come_keeps_the_wallet_for_a_refund(mine, bea):
    order = paid(OrderFactory(buyer=bea, uma_address="$bea@localhost:8081"))
    leave(mine)
    order.refresh_from_db()
    assert (order.email, order.uma_address) == ("", "")
    assert Payment.objects.get().uma_address == "$bea@localhost:8081"
    purge_erased_orders()
    assert Payment.objects.get().uma_address == "$bea@localhost:8081"
    over(order.event)
    purge_erased_orders()
    assert Payment.objects.get().uma_address == ""
    assert not Order.objects.filter(is_forgotten=True).exists(), "nothing is left to look after"


def test_money_on_its_way_back_keeps_where_it_goes_and_whom_we_tell(mine, bea):
    order = paid(OrderFactory(buyer=bea, email="bea@example.com", name="Bea"))
    incoming = order.payment.incoming_payments.get()
    RefundFactory(incoming_payment=incoming, amount_msats=1000, reason="staff", to="", status="needs_address")
    held = OrderFactory(buyer=bea, email="bea@example.com", name="Bea")
    leave(mine)
    for each in (order, held):
        each.refresh_from_db()
        assert (each.buyer, each.name, each.email) == (None, "", "bea@example.com")
    purge_erased_orders()
    assert Order.objects.filter(email="bea@example.com").count() == 2
    Refund.objects.update(status="sent", sent_at=timezone.now(), to="$bea@localhost:8081")
    held.advance("expired", ended_at=timezone.now())
    Mail.objects.filter(order=held).delete()
    purge_erased_orders()
    assert Order.objects.filter(email="bea@example.com").count() == 2, "its money may come late"
    Order.objects.filter(pk=held.pk).update(ended_at=timezone.now() - timedelta(hours=25))
    purge_erased_orders()
    assert list(Order.objects.filter(email="bea@example.com")) == [order], "she is told first"
    Mail.objects.update(status="sent")
    Refund.objects.update(sent_at=timezone.now() - timedelta(hours=2))
    purge_erased_orders()
    assert not Order.objects.filter(email="bea@example.com").exists()
    assert not Mail.objects.filter(to="bea@example.com").exists()


def test_late_money_of_somebody_who_left_finds_its_way_home(mine, bea):
    order = OrderFactory(event=EventFactory(capacity=1), buyer=bea, email="bea@example.com")
    invoice = open_invoice(order)
    Payment.objects.update(status="closed")
    order.advance("expired", ended_at=timezone.now())
    order.event.release(1)
    OrderFactory(event=order.event)
    leave(mine)
    settle_node_payment(money_for(invoice))
    queue_refund_mails()
    assert Refund.objects.get().status == "needs_address"
    assert Mail.objects.get(kind="refund_address").to == "bea@example.com"
