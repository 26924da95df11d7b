"""Invoice slots: strangers cannot take the page's invoice, and refunds go to the one who signed for it."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from payments.invoices import (
    InvoiceCloseResult,
    cancel_leftover,
    close_open_invoices,
    record_open,
    request_invoice,
)
from payments.models import Invoice, Payment, Refund
from payments.node import lightspark
from payments.services import settle_node_payment
from payments.tests.test_uma_payreq import ask, assert_refused
from tests.factories import EventFactory, OrderFactory

_numbers = itertools.count(1)


@pytest.fixture
def payment(node, transactional_db) -> Payment:
    """What an order over 2500 sats owes; the node has made the invoice that its page shows."""
    return OrderFactory(event=EventFactory(price_sats=2500)).payment


@pytest.fixture
def plain(payment) -> Invoice:
    return payment.invoices.get()


def typed(payment: Payment, address: str) -> Payment:
    Payment.objects.filter(pk=payment.pk).update(uma_address=address)
    payment.refresh_from_db()
    return payment


def asked_by(payment: Payment, wallet, payer: str) -> Invoice:
    """The invoice that this payer's wallet is given."""
    answer = ask(payment, wallet.sign_pay_request(payer=payer))
    assert answer.status_code == 200, answer.content
    return Invoice.objects.get(bolt11=answer.json()["pr"])


def pay(invoice: Invoice) -> Payment:
    """As the node would tell of a payment of this invoice."""
    seen = lightspark.NodePayment(
        node_payment_id=f"IncomingPayment:slots{next(_numbers)}",
        invoice_id=invoice.invoice_id,
        payment_hash=invoice.payment_hash,
        amount_msats=invoice.payment.amount_msats,
        received_at=timezone.now(),
    )
    settle_node_payment(seen)
    return Payment.objects.get(pk=invoice.payment_id)


def cancel_leftovers() -> int:
    """What the worker does with its queue."""
    rows = list(Invoice.objects.leftover())
    for row in rows:
        cancel_leftover(row)
    return len(rows)


# -- asking -----------------------------------------------------------------------------------
def test_a_strangers_wallet_leaves_the_pages_invoice_alone(payment, plain, wallet):
    of_bob = asked_by(payment, wallet, "$bob")
    plain.refresh_from_db()
    assert (of_bob.slot, of_bob.status, plain.status) == ("other", "open", "open")
    payment.refresh_from_db()
    assert (payment.open_invoice, payment.payer_uma) == (plain, "")
    shown = Client().get(f"/api/uma/payreq/{payment.reference}?amount={payment.amount_msats}").json()
    assert shown["pr"] == plain.bolt11


def test_the_next_stranger_is_told_that_it_is_busy(payment, plain, wallet):
    of_bob = asked_by(payment, wallet, "$bob")
    for payer in ("$carol", "$dave", "$eve", "$mallory", "$trent"):
        answer = ask(payment, wallet.sign_pay_request(payer=payer))
        assert_refused(answer, "VELOCITY_LIMIT_EXCEEDED", 429)
        assert answer["Retry-After"] == "60"
    for row in (of_bob, plain):
        row.refresh_from_db()
        assert row.status == "open"
    assert asked_by(payment, wallet, "$bob") == of_bob


def test_the_wallet_that_the_buyer_named_has_a_place_whoever_came_first(payment, plain, wallet):
    typed(payment, f"$alice@{wallet.domain}")
    of_bob = asked_by(payment, wallet, "$bob")
    of_alice = asked_by(payment, wallet, "$alice")
    assert (of_alice.slot, of_bob.slot) == ("typed", "other")
    assert payment.invoices.live().count() == 3


def test_a_wallet_that_is_no_longer_named_keeps_its_invoice_until_the_new_one_asks(payment, plain, wallet):
    typed(payment, f"$alice@{wallet.domain}")
    of_alice = asked_by(payment, wallet, "$alice")
    typed(payment, f"$ann@{wallet.domain}")
    assert asked_by(payment, wallet, "$alice") == of_alice
    of_ann = asked_by(payment, wallet, "$ann")
    of_alice.refresh_from_db()
    assert (of_ann.slot, of_alice.status) == ("typed", "canceled")
    assert lightspark.get_invoice(of_alice.invoice_id).is_open is False


def test_each_slot_has_a_limit_of_its_own(payment, plain, wallet):
    for number in range(5):
        typed(payment, f"$a{number}@{wallet.domain}")
        asked_by(payment, wallet, f"$a{number}")
    typed(payment, f"$a5@{wallet.domain}")
    answer = ask(payment, wallet.sign_pay_request(payer="$a5"))
    assert_refused(answer, "VELOCITY_LIMIT_EXCEEDED", 429)
    assert payment.invoices.live().get(slot="typed").payer == f"$a4@{wallet.domain}"
    assert asked_by(payment, wallet, "$bob").slot == "other"
    plain.refresh_from_db()
    assert plain.status == "open"


def test_strangers_at_once_leave_one_other_invoice(payment, plain, wallet):
    def one(payer: str) -> int:
        try:
            return ask(payment, wallet.sign_pay_request(payer=payer)).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        codes = list(threads.map(one, ["$a1", "$a2", "$a3", "$a4"]))
    assert set(codes) <= {200, 429, 503}
    assert codes.count(200) <= 1
    assert payment.invoices.live().filter(slot="other").count() <= 1
    assert payment.invoices.live().get(slot="plain") == plain


def test_the_database_keeps_one_live_invoice_in_each_slot(payment):
    with transaction.atomic():
        Invoice.objects.create_requested(payment, kind="uma", payer="$bob@wallet.example.com")
    for payer in ("", "$carol@wallet.example.com"):
        with pytest.raises(IntegrityError), transaction.atomic():
            Invoice.objects.create_requested(payment, payer=payer)


def test_a_payer_whose_asker_died_is_given_up_and_the_place_is_free(payment, wallet, node):
    with transaction.atomic():
        lost = Invoice.objects.create_requested(payment, kind="uma", payer=f"$bob@{wallet.domain}")
    assert_refused(ask(payment, wallet.sign_pay_request(payer="$carol")), "VELOCITY_LIMIT_EXCEEDED", 429)
    request_invoice(lost)  # the worker, once its lease ran out
    assert lost.status == "failed"
    assert asked_by(payment, wallet, "$carol").slot == "other"


# -- paying -----------------------------------------------------------------------------------
def test_who_paid_is_written_when_it_is_paid(payment, plain, wallet):
    of_bob = asked_by(payment, wallet, "$bob")
    assert pay(of_bob).payer_uma == f"$bob@{wallet.domain}"


def test_money_from_the_page_is_nobodys_signature_whoever_asked(payment, plain, wallet):
    asked_by(payment, wallet, "$bob")
    assert pay(plain).payer_uma == ""


def test_what_is_left_open_is_canceled_at_the_node(payment, plain, wallet):
    typed(payment, f"$alice@{wallet.domain}")
    of_alice, of_bob = (asked_by(payment, wallet, payer) for payer in ("$alice", "$bob"))
    assert pay(of_alice).status == "settled"
    assert cancel_leftovers() == 2
    for row in (plain, of_bob):
        row.refresh_from_db()
        assert (row.status, row.next_attempt_at) == ("canceled", None)
        assert lightspark.get_invoice(row.invoice_id).is_open is False
    assert cancel_leftovers() == 0


def test_a_node_that_is_away_is_asked_again_about_what_is_left(payment, plain, wallet, settings):
    of_bob = asked_by(payment, wallet, "$bob")
    pay(plain)
    lightspark._client.cache_clear()
    settings.LIGHTSPARK_BASE_URL = "http://127.0.0.1:9"
    with pytest.raises(lightspark.NodeUnknown):
        cancel_leftover(of_bob)
    assert Invoice.objects.leftover().get() == of_bob


def test_an_invoice_that_is_being_made_while_another_is_paid_is_never_given_out(payment, plain, wallet):
    with transaction.atomic():
        asked = Invoice.objects.create_requested(payment, kind="uma", payer=f"$bob@{wallet.domain}")
    made = lightspark.create_invoice(
        amount_msats=payment.amount_msats, metadata="x", expires_at=payment.due_at
    )
    pay(plain)
    assert record_open(asked, made) is False
    asked.refresh_from_db()
    assert (asked.status, asked.bolt11) == ("failed", "")


@pytest.mark.parametrize(
    ("address", "goes_to"), [("$alice@wallet.example.com", "$alice@wallet.example.com"), ("", "")]
)
def test_money_from_the_page_goes_back_to_the_typed_address(payment, plain, wallet, address, goes_to):
    """Not to the wallet that asked last, which never paid."""
    typed(payment, address)
    of_bob = asked_by(payment, wallet, "$bob")
    pay(of_bob)
    pay(plain)
    refund = Refund.objects.get()
    assert (refund.reason, refund.to) == ("duplicate", goes_to)
    assert refund.status == ("queued" if goes_to else "needs_address")


def test_money_that_a_wallet_signed_for_goes_back_to_that_wallet(payment, plain, wallet):
    typed(payment, f"$alice@{wallet.domain}")
    of_alice, of_bob = (asked_by(payment, wallet, payer) for payer in ("$alice", "$bob"))
    for invoice in (plain, of_bob, of_alice):
        pay(invoice)
    assert list(Refund.objects.values_list("reason", "to")) == [
        ("duplicate", f"$bob@{wallet.domain}"),
        ("duplicate", f"$alice@{wallet.domain}"),
    ]
    assert cancel_leftovers() == 0


# -- over -------------------------------------------------------------------------------------
def test_the_end_closes_every_slot(payment, plain, wallet):
    typed(payment, f"$alice@{wallet.domain}")
    rows = [plain, *(asked_by(payment, wallet, payer) for payer in ("$alice", "$bob"))]
    assert close_open_invoices(payment) is InvoiceCloseResult.CLOSED
    for row in rows:
        row.refresh_from_db()
        assert row.status == "canceled"
        assert lightspark.get_invoice(row.invoice_id).is_open is False
