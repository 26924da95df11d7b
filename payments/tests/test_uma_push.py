"""UMA Requests: signed once, pushed to the buyer's wallet; a failed push ends no order (UMAD-11)."""

import socket
from datetime import timedelta
from itertools import count

import pytest
import uma
from django.utils import timezone

from payments.models import Payment
from payments.services import push_again
from payments.tests.test_uma_payreq import our_keys
from payments.tests.wallet import CONFIGURATION, hang, send
from payments.uma.push import ensure_uma_invoice, push_request

LEASE = timedelta(seconds=30)


@pytest.fixture
def due(make_payment, wallet) -> Payment:
    """A payment whose request is to be pushed to $alice at `wallet`."""
    return make_payment(uma_address=f"$alice@{wallet.domain}")


def push(payment: Payment, times: int = 1) -> Payment:
    """Push as the worker does, again and again; the payment as it stands afterwards."""
    for _ in range(times):
        payment.refresh_from_db()
        if payment.next_attempt_at is None:
            break
        assert payment.acquire_lease(LEASE, now=payment.next_attempt_at)
        push_request(payment)
    payment.refresh_from_db()
    return payment


@pytest.mark.protocol("UMAD-09", "The signed invoice names payee, amount, end and callback.")
def test_the_uma_invoice_says_who_gets_how_much_until_when(due):
    invoice = uma.Invoice.from_bech32_string(ensure_uma_invoice(due))
    uma.verify_uma_invoice_signature(invoice, our_keys())
    assert invoice.receiver_uma == due.uma_pay_address
    assert (invoice.amount, invoice.receving_currency.code, invoice.receving_currency.decimals) == (
        2500,
        "SAT",
        0,
    )
    assert invoice.expiration == int(due.due_at.timestamp())
    assert invoice.sender_uma == due.uma_address
    assert invoice.callback.endswith(f"/api/uma/payreq/{due.reference}")
    assert (invoice.max_num_payments, invoice.is_subject_to_travel_rule) == (1, False)
    assert {name: option.mandatory for name, option in invoice.required_payer_data.options.items()} == {
        "identifier": True, "compliance": True,
    }  # fmt: skip


@pytest.mark.protocol("UMAD-09", "One order has one UMA invoice, however often it is asked for.")
def test_everybody_gets_the_same_uma_invoice(due):
    another = Payment.objects.get(pk=due.pk)
    first = ensure_uma_invoice(due)
    assert ensure_uma_invoice(another) == first
    assert ensure_uma_invoice(due) == first


def test_the_longest_address_still_fits(make_payment, wallet):
    payment = make_payment(reference="r" * 40, uma_address="$" + "a" * 60 + "@" + "b" * 188 + ".de")
    assert ensure_uma_invoice(payment).startswith("uma1")


@pytest.mark.parametrize("status", [200, 201, 202, 204])
@pytest.mark.protocol("UMAD-11", "The UMA invoice is posted to the wallet's endpoint; any 2xx is a yes.")
def test_a_wallet_that_says_yes_has_the_request(due, wallet, status):
    wallet.takes_requests(lambda handler: send(handler, status, b""))
    pushed = push(due)
    assert (pushed.push, pushed.next_attempt_at, pushed.last_error) == ("delivered", None, "")
    assert pushed.pushed_at is not None
    assert wallet.posted == [{"invoice": pushed.uma_invoice}]


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 403, 404, 422])
@pytest.mark.protocol("UMAD-11", "A definite no is final; the QR and the pay address remain.")
def test_a_definite_no_is_not_asked_again(due, wallet, status):
    wallet.takes_requests(status)
    pushed = push(due, times=5)
    assert (pushed.push, pushed.next_attempt_at, pushed.status) == ("refused", None, "pending")
    assert len(wallet.posted) == 1


def test_a_wallet_without_a_configuration_takes_no_requests(due, wallet):
    assert push(due).push == "refused"


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://127.0.0.1:22/",
        "https://169.254.169.254/x",
        "http://{domain}@evil.example/",
        "file:///etc/passwd",
        "x",
    ],
)
def test_an_endpoint_we_may_not_talk_to_is_a_no(due, wallet, endpoint):
    wallet.takes_requests()
    wallet.routes["/.well-known/uma-configuration"]["uma_request_endpoint"] = endpoint.format(
        domain=wallet.domain
    )
    pushed = push(due)
    assert (pushed.push, pushed.last_error) == ("refused", "vasp_forbidden")


@pytest.mark.parametrize("status", [500, 503, 429, 408])
@pytest.mark.protocol("UMAD-11", "Trouble is tried again a few times.")
def test_trouble_is_tried_again_and_then_given_up(due, wallet, status):
    wallet.takes_requests(status)
    first = push(due)
    assert (first.push, first.last_error) == ("queued", "vasp_unreachable")
    assert first.next_attempt_at > timezone.now()
    last = push(due, times=9)
    assert (last.push, last.attempts, last.next_attempt_at) == ("unreachable", 4, None)
    assert last.status == "pending"
    assert [body["invoice"] for body in wallet.posted] == [last.uma_invoice] * 4


def test_a_host_that_is_not_there_is_told_at_once(make_payment, monkeypatch):
    def no_such_name(*args, **kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_such_name)
    for name in ("$alice@walet.example.com", "$bob@walet.example.com"):
        told = push(make_payment(uma_address=name))
        assert (told.push, told.attempts, told.last_error) == ("unreachable", 1, "vasp_unknown")


def test_a_resolver_in_trouble_is_asked_again(make_payment, monkeypatch):
    def trouble(*args, **kwargs):
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", trouble)
    told = push(make_payment(uma_address="$alice@walet.example.com"))
    assert (told.push, told.last_error) == ("queued", "vasp_unreachable")


def test_a_wallet_that_recovers_has_the_request_after_all(due, wallet):
    wallet.takes_requests(500)
    push(due)
    wallet.takes_requests(200)
    assert push(due).push == "delivered"


def test_a_hanging_wallet_is_left_after_five_seconds(due, wallet):
    wallet.takes_requests(hang)
    assert push(due).push == "queued"


@pytest.fixture
def orders(make_payment, wallet):
    """Payments one after another, each to be pushed to somebody at `wallet`."""
    return (make_payment(reference=f"r{n}", uma_address=f"$u{n}@{wallet.domain}") for n in count())


@pytest.mark.protocol("UMAD-10", "A configuration that worked is kept for five minutes, and then read anew.")
def test_a_configuration_that_worked_is_asked_for_once_in_five_minutes(orders, wallet, time_machine):
    start = timezone.now()
    wallet.takes_requests()
    for minutes in (0, 1, 4):
        time_machine.move_to(start + timedelta(minutes=minutes))
        assert push(next(orders)).push == "delivered"
    assert wallet.asked.count(CONFIGURATION) == 1
    time_machine.move_to(start + timedelta(minutes=5, seconds=1))
    assert push(next(orders)).push == "delivered"
    assert wallet.asked.count(CONFIGURATION) == 2


@pytest.mark.parametrize("status", [400, 404, 410])
def test_a_wallet_that_moves_meanwhile_gets_the_request_where_it_is(orders, wallet, status):
    wallet.takes_requests()
    push(next(orders))
    wallet.routes["/requests"] = status
    wallet.routes["/moved"] = 200
    wallet.routes[CONFIGURATION]["uma_request_endpoint"] = f"http://{wallet.domain}/moved"
    assert [push(next(orders)).push for _ in range(2)] == ["delivered"] * 2
    assert wallet.asked[2:] == ["/requests", CONFIGURATION, "/moved", "/moved"]


def test_a_no_where_it_worked_before_is_still_a_no(orders, wallet):
    wallet.takes_requests()
    push(next(orders))
    wallet.routes["/requests"] = 404
    assert push(next(orders)).push == "refused"
    assert wallet.asked[2:] == ["/requests", CONFIGURATION]


def test_what_did_not_work_is_not_kept(orders, wallet):
    wallet.takes_requests(500)
    payment = push(next(orders))
    wallet.takes_requests()
    push(payment)
    wallet.routes["/requests"] = 503
    assert push(next(orders)).push == "queued"
    wallet.takes_requests()
    push(next(orders))
    assert wallet.asked.count(CONFIGURATION) == 3


def test_what_is_over_is_not_pushed(due, wallet):
    wallet.takes_requests()
    due.advance("settled", paid_at=timezone.now())
    pushed = push(due)
    assert pushed.next_attempt_at is None
    assert wallet.asked == []


def test_a_request_sent_on_to_another_address_is_a_new_one(due, wallet):
    wallet.takes_requests(404)
    push(due)
    push_again(due, uma_address=f"$bob@{wallet.domain}")
    wallet.takes_requests(200)
    assert push(due).push == "delivered"
    senders = [uma.Invoice.from_bech32_string(body["invoice"]).sender_uma for body in wallet.posted]
    assert senders == [f"$alice@{wallet.domain}", f"$bob@{wallet.domain}"]
