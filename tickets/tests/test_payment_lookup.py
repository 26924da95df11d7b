"""Payments that are no seat: the payer finds them, and gives a refund address."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from payments.models import Payment, Refund
from payments.services import settle_node_payment
from tests.acts import money_for, open_invoice
from tests.factories import EventFactory, OrderFactory
from tickets.mail.messages import write_mail
from tickets.models import Mail, Order
from tickets.services.refunds import queue_refund_mails

pytestmark = pytest.mark.django_db(transaction=True)


def text_of(answer) -> str:
    return " ".join(answer.content.decode().replace("\N{NO-BREAK SPACE}", " ").split())


@pytest.fixture
def homeless() -> Order:
    """A canceled order whose money came late, from nobody knows where."""
    order = OrderFactory()
    invoice = open_invoice(order)
    Payment.objects.update(status="closed")
    order.advance(Order.Status.CANCELED, ended_at=timezone.now())
    settle_node_payment(money_for(invoice))
    assert Refund.objects.get().status == "needs_address"
    return order


@pytest.mark.parametrize(
    "address", ["$ann@localhost:8081", "ann@wallet.example.com", " $Ann@Wallet.example.com "]
)
def test_the_payer_says_where_the_money_goes(client, homeless, address):
    page = text_of(client.get(homeless.get_absolute_url()))
    assert "We hold 2,100 sats that are yours" in page
    answer = client.post(
        f"{homeless.get_absolute_url()}/refund-address", {"uma_address": address}, follow=True
    )
    refund = Refund.objects.get()
    assert (refund.status, refund.to) == ("queued", address.strip().lower())
    assert f"2,100 sats are on their way back to {refund.to}" in text_of(answer)
    assert "Send my sats back there" not in text_of(answer)


@pytest.mark.parametrize(
    "address", ["", "ann", "$ann@10.0.0.1", "$ann@localhost", "x" * 3000, "a\0b@c.example.com"]
)
def test_a_wrong_address_is_said_at_the_field(client, homeless, address):
    answer = client.post(f"{homeless.get_absolute_url()}/refund-address", {"uma_address": address})
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.content.decode()
    assert Refund.objects.get().status == "needs_address"


def test_an_address_that_cannot_receive_is_named(client, homeless):
    Refund.objects.update(to="$gone@wallet.example.com")
    page = text_of(client.get(homeless.get_absolute_url()))
    assert "The wallet behind $gone@wallet.example.com could not take 2,100 sats" in page


def test_nobody_can_redirect_money_that_has_an_address(client, homeless):
    path = f"{homeless.get_absolute_url()}/refund-address"
    client.post(path, {"uma_address": "$ann@localhost:8081"})
    answer = client.post(path, {"uma_address": "$thief@localhost:8081"})
    assert answer.status_code == 409
    assert "No refund of this order is waiting for an address" in text_of(answer)
    assert Refund.objects.get().to == "$ann@localhost:8081"


@pytest.mark.parametrize("status", ["queued", "failed"])
def test_after_hours_of_failing_the_payer_may_name_another_wallet(client, homeless, status):
    path = f"{homeless.get_absolute_url()}/refund-address"
    failing = {"status": status, "to": "$gone@wallet.example.com", "last_error": "vasp_unreachable"}
    Refund.objects.update(**failing, failing_since=timezone.now() - timedelta(hours=2))
    assert queue_refund_mails() == 0
    assert client.post(path, {"uma_address": "$ann@localhost:8081"}).status_code == 409
    Refund.objects.update(failing_since=timezone.now() - timedelta(hours=4))
    page = text_of(client.get(homeless.get_absolute_url()))
    assert "For some hours the wallet behind $gone@wallet.example.com has not taken 2,100 sats" in page
    assert "Send my sats back there" in page
    assert (queue_refund_mails(), queue_refund_mails()) == (1, 0)
    message = write_mail(Mail.objects.get(kind=Mail.Kind.REFUND_ADDRESS))
    assert "the wallet behind $gone@wallet.example.com has not taken them" in message.body
    answer = client.post(path, {"uma_address": "$ann@localhost:8081"}, follow=True)
    assert "2,100 sats are on their way back to $ann@localhost:8081" in text_of(answer)
    # And when that one takes nothing either, they are asked again.
    Mail.objects.update(status="sent", sent_at=timezone.now() - timedelta(hours=5))
    Refund.objects.update(**failing, failing_since=timezone.now() - timedelta(hours=4))
    assert (queue_refund_mails(), queue_refund_mails()) == (1, 0)


def test_staff_may_give_another_address_while_nothing_can_be_paid(staff, homeless):
    Refund.objects.update(to="$gone@wallet.example.com")
    refund = Refund.objects.get()
    for status, offered in (("queued", True), ("failed", True), ("sending", False), ("in_doubt", False)):
        Refund.objects.update(status=status)
        page = text_of(staff.get(reverse("admin:payments_refund_change", args=[refund.pk])))
        assert ("Give an address" in page) is offered, status


def test_the_api_takes_the_address_too(client, homeless):
    def send(body, token=homeless.token):
        return client.post(
            f"/api/orders/{homeless.pk}/refund-address",
            body,
            content_type="application/json",
            headers={"Order-Token": token},
        )

    assert send({"uma_address": "$ann@localhost:8081"}, token="x").status_code == 404
    assert send({"uma_address": "nonsense"}).json()["code"] == "invalid_uma_address"
    assert send({}).json()["code"] == "invalid"
    answer = send({"uma_address": "$ann@localhost:8081"})
    assert (answer.status_code, answer.json()["order"]["status"]) == (200, "canceled")
    assert send({"uma_address": "$ann@localhost:8081"}).json()["code"] == "nothing_to_refund"


def test_the_buyer_reads_what_arrived_where_it_is_not_sats(client, staff, homeless):
    Refund.objects.update(
        status="sent", to="$ann@wallet.example.com", sent_at=timezone.now(), arrives_amount=137,
        arrives_currency="USD", arrives_decimals=2, wallet_fee_msats=50_000,
    )  # fmt: skip
    assert "1.37 USD arrived, says its wallet." in text_of(client.get(homeless.get_absolute_url()))
    queue_refund_mails()
    (mail,) = Mail.objects.filter(kind=Mail.Kind.REFUND_SENT)
    message = write_mail(mail)
    assert "1.37 USD arrive there, says its wallet." in message.body
    assert "1.37 USD arrive there, says its wallet." in message.alternatives[0][0]
    refund = Refund.objects.get()
    for url in ("admin:payments_refund_change", "admin:tickets_order_change"):
        row = refund if "refund" in url else homeless
        assert "1.37 USD" in text_of(staff.get(reverse(url, args=[row.pk]))), url
    assert "1.37 USD" in text_of(staff.get(reverse("admin:payments_refund_changelist")))


# -- "I already paid" ---------------------------------------------------------------------------
def test_a_silent_node_is_said_plainly(client):
    order = OrderFactory()
    open_invoice(order)
    answer = client.post(f"{order.get_absolute_url()}/check")
    assert answer.status_code == 503
    assert "If you paid, nothing is lost" in text_of(answer)
    api = client.post(f"/api/orders/{order.pk}/check", headers={"Order-Token": order.token})
    assert (api.status_code, api.json()["code"]) == (503, "node_unreachable")


def test_no_payment_is_said_plainly_and_not_asked_for_without_end(client, settings):
    settings.LIMITS = settings.LIMITS | {"CHECK_PER_ORDER": (1, 60)}
    order = OrderFactory()  # the node knows no invoice of it yet
    answer = client.post(f"{order.get_absolute_url()}/check", follow=True)
    assert "No payment has reached us yet" in text_of(answer)
    refused = client.post(f"/api/orders/{order.pk}/check", headers={"Order-Token": order.token})
    assert (refused.status_code, refused.json()["code"]) == (429, "throttled")


def test_the_public_page_answers_everybody_alike(client):
    order = OrderFactory(uma_address="$ann@localhost:8081")
    invoice = open_invoice(order)
    proofs = [invoice.payment_hash, "$ann@localhost:8081", "0" * 64, "$nobody@localhost:8081", "lnbc1x", "?"]
    answers = {text_of(client.post("/paid", {"proof": proof}, follow=True)) for proof in proofs}
    said = "Thank you. If it is a payment of ours, its tickets come by mail"
    assert {answer.partition(said)[1] for answer in answers} == {said}
    assert client.post("/paid", {"proof": ""}).status_code == 422
    assert client.post("/paid", {"proof": "x" * 5000}).status_code == 422


def test_guessing_on_the_public_page_is_counted(client, settings):
    settings.LIMITS = settings.LIMITS | {"CLAIM_PER_IP": (1, 900)}
    assert client.post("/paid", {"proof": "0" * 64}).status_code == 302
    answer = client.post("/paid", {"proof": "0" * 64})
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0


# -- times ----------------------------------------------------------------------------------------
def test_an_event_over_midnight_names_both_days(client):
    def at(day: int, hour: int):
        return datetime(2031, 5, day, hour, tzinfo=UTC)

    long = EventFactory(start_time=at(1, 0), end_time=at(3, 0))
    assert "Thu 1 May 2031, 00:00" in text_of(client.get(long.get_absolute_url()))
    assert "Sat 3 May 2031, 00:00" in text_of(client.get(long.get_absolute_url()))
    # One afternoon in London is an evening past midnight in Tokyo.
    evening = EventFactory(start_time=at(1, 12), end_time=at(1, 16), timezone="Asia/Tokyo")
    assert evening.ends_another_day
    evening.timezone = "Europe/London"
    assert not evening.ends_another_day
