"""Reconciliation with the node's list: payments whose webhook was lost are found, whatever else fails."""

from datetime import timedelta

import pytest
import requests
from django.utils import timezone

from payments.invoices import request_invoice
from payments.models import IncomingPayment, Payment, Sweep
from payments.reconciliation import sweep_incoming, sweep_row
from payments.signals import payment_settled

TIMEOUT = 30


@pytest.fixture
def sweep(node, transactional_db) -> Sweep:
    """A sweep that has read everything up to this moment and looks back no further."""
    return sweep_row()


@pytest.fixture
def served():
    """Nobody sells anything here: receivers of `payment_settled` are this one; it breaks for `broken`."""
    usual, payment_settled.receivers = payment_settled.receivers, []
    payment_settled.sender_receivers_cache.clear()
    broken: set[str] = set()

    def serve(*, payment: Payment, **kwargs):
        if payment.reference in broken:
            raise RuntimeError("the printer is on fire")

    payment_settled.connect(serve)
    yield broken
    payment_settled.receivers = usual
    payment_settled.sender_receivers_cache.clear()


def paid_at_node(node: str, payment: Payment) -> Payment:
    """Its BOLT11 was paid; no webhook told us."""
    request_invoice(payment.invoices.get())
    bolt11 = payment.invoices.get().bolt11
    assert requests.post(f"{node}/api/payments", json={"bolt11": bolt11}, timeout=TIMEOUT).ok
    return payment


def status_of(payment: Payment) -> str:
    payment.refresh_from_db()
    return payment.status


def test_money_that_nobody_told_of_is_found(node, sweep, make_payment, served):
    payment = paid_at_node(node, make_payment())
    assert sweep_incoming(sweep) >= 1
    assert status_of(payment) == "settled"
    before = sweep.read_until
    sweep.refresh_from_db()
    assert sweep.read_until > before
    sweep_incoming(sweep)
    assert IncomingPayment.objects.filter(payment=payment).count() == 1


def test_one_payment_that_cannot_be_settled_hides_no_other(node, sweep, make_payment, served):
    bad, good = (paid_at_node(node, make_payment()) for _ in range(2))
    served.add(bad.reference)
    sweep_incoming(sweep)
    assert (status_of(good), status_of(bad)) == ("settled", "pending")
    row = IncomingPayment.objects.get(payment=bad)
    assert (row.allocated_at, row.next_attempt_at is not None) == (None, True)
    sweep.refresh_from_db()
    assert sweep.succeeded_at
    served.clear()
    sweep_incoming(sweep)
    assert status_of(bad) == "settled"


def test_money_matched_late_is_due_again(node, sweep, make_payment, served):
    """Given up as unmatched, then its invoice came up, and who matched it died before allocating it."""
    payment = paid_at_node(node, make_payment())
    served.add(payment.reference)
    sweep_incoming(sweep)
    IncomingPayment.objects.filter(payment=payment).update(
        payment=None, invoice=None, next_attempt_at=None, parked_at=timezone.now(), attempts=8
    )
    sweep_incoming(sweep)
    row = IncomingPayment.objects.get(payment=payment)
    assert (row.parked_at, row.allocated_at) == (None, None)
    assert row.next_attempt_at <= timezone.now() + timedelta(seconds=1)
