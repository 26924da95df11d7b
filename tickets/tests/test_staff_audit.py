"""Audit: each kind of breakage, written behind the services' back, is found; a healthy shop has none."""

import io
import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from events.models import Event
from payments.models import IncomingPayment, Payment, Refund
from payments.node import lightspark
from tests.acts import hold, pay, stray_money
from tests.factories import EveningFactory, RefundFactory
from tickets.models import Order, Ticket
from tickets.services.orders import cancel_order
from tickets.services.refunds import refund_order, refund_part
from tickets.services.voiding import void_ticket
from tickets.staff import audit, node_audit
from tickets.staff.alerts import needs_attention

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop():
    """Every legal ending of an order at once."""
    event, free = EveningFactory(), EveningFactory(price_sats=0)
    paid = hold(event, 2, uma_address="$ann@wallet.example.com")
    pay(paid)
    pay(paid)  # twice: the second goes back
    late = hold(event)
    Order.objects.filter(pk=late.pk).update(status="expired")
    Payment.objects.filter(pk=late.payment_id).update(status="closed")
    event.release(1, types={event.default_type_id: 1})
    pay(late)  # wins its seat back
    surplus = hold(event)
    pay(surplus, 1_003_500)
    refunded = hold(event)
    pay(refunded)
    refund_order(refunded)
    partly = hold(event)
    pay(partly)
    refund_part(partly, amount_sats=400, already_refunded_sats=0)
    pending = hold(event)
    gone = hold(free, 3)
    cancel_order(gone)
    hold(free, 2)
    stray_money()
    return {"event": event, "paid": paid, "late": late, "refunded": refunded, "pending": pending}


def give_back(event, seats):
    """Past every order."""
    event.release(seats, types={event.default_type_id: seats})


def fail_since(moment):
    return {finding.check for finding in audit.run_integrity_checks(moment)}


def checks_that_fail():
    """Asked about everything, and about the last minutes, in which all of it happened: the same."""
    whole = fail_since(None)
    assert fail_since(timezone.now() - timedelta(minutes=10)) == whole
    return whole


def test_every_legal_ending_is_clean(shop):
    assert audit.run_integrity_checks() == []
    shop["event"].refresh_from_db()
    assert shop["event"].seats_taken == 6


def test_each_check_reads_in_one_query_or_two(shop):
    with CaptureQueriesContext(connection) as asked:
        audit.run_integrity_checks()
    assert len([one for one in asked if one["sql"].startswith("SELECT")]) == 18


def test_the_recent_form_leaves_what_is_older_to_the_whole_one(shop):
    Event.objects.filter(pk=shop["event"].pk).update(seats_taken=F("seats_taken") + 1)
    later = timezone.now()
    assert (fail_since(later), fail_since(None)) == (set(), {"seats"})
    void_ticket(shop["paid"].tickets.first())
    assert fail_since(later) == {"seats"}


def test_a_refund_brings_its_order_into_the_recent_form(shop):
    Payment.objects.filter(pk=shop["late"].payment_id).update(amount_sats=1)
    later = timezone.now()
    assert fail_since(later) == set()
    refund_part(shop["late"], amount_sats=400, already_refunded_sats=0)
    assert fail_since(later) == {"orders", "paid orders", "lines"}


def test_seats_that_no_order_holds(shop):
    Event.objects.filter(pk=shop["event"].pk).update(seats_taken=F("seats_taken") + 1)
    assert checks_that_fail() == {"seats"}


def test_seats_that_were_released_twice(shop):
    give_back(shop["event"], 1)
    assert checks_that_fail() == {"seats", "ticket types"}


def test_a_ticket_too_few(shop):
    Ticket.objects.filter(order=shop["paid"], number=2).delete()
    assert checks_that_fail() == {"seats", "tickets", "ticket types", "lines"}


def test_money_without_a_purpose(shop):
    row = IncomingPayment.objects.filter(payment=shop["refunded"].payment).get()
    row.refunds.update(amount_msats=900_000)
    assert checks_that_fail() == {"msats", "settled payments"}


def test_more_goes_back_than_came(shop):
    Refund.objects.filter(reason="duplicate").update(amount_msats=F("amount_msats") + 1)
    assert checks_that_fail() == {"msats"}


def test_unmatched_money_sent_back_twice():
    row = stray_money(1_000)
    for _ in range(2):
        RefundFactory(incoming_payment=row, amount_msats=1_000, reason="unmatched", to="a@example.com")
    assert checks_that_fail() == {"msats"}


def test_unmatched_money_called_settled_that_went_nowhere(shop):
    IncomingPayment.objects.filter(payment=None).update(allocated_at=timezone.now())
    assert checks_that_fail() == {"msats"}


def test_money_applied_to_an_order_that_ended(shop):
    order = shop["paid"]
    Order.objects.filter(pk=order.pk).update(status="expired")
    Payment.objects.filter(pk=order.payment_id).update(status="closed")
    give_back(shop["event"], 2)
    assert checks_that_fail() == {"settled payments"}


@pytest.mark.parametrize("node_payment_id", ["OutgoingPayment:1", ""])
def test_two_refunds_that_are_one_payment(shop, node_payment_id):
    assert Refund.objects.count() > 1
    sent = {"status": "sent", "sent_at": timezone.now(), "to": "a@example.com"}
    Refund.objects.update(node_payment_id=node_payment_id, **sent)
    assert checks_that_fail() == {"sent refunds"}


def test_recorded_money_that_nobody_allocates(shop):
    applied = IncomingPayment.objects.get(payment=shop["paid"].payment, applied_msats__gt=0)
    row = IncomingPayment.objects.filter(pk=applied.pk)
    row.update(allocated_at=None, applied_msats=0)
    Payment.objects.filter(pk=shop["paid"].payment_id).update(status="pending")
    Order.objects.filter(pk=shop["paid"].pk).update(status="pending")
    assert checks_that_fail() == set()  # it only just arrived
    row.update(created_at=timezone.now() - timedelta(minutes=3))
    assert checks_that_fail() == {"allocation"}


def test_a_paid_order_without_money(shop):
    Order.objects.filter(pk=shop["pending"].pk).update(status="paid", paid_at=timezone.now())
    assert "paid orders" in checks_that_fail()
    Payment.objects.filter(pk=shop["pending"].payment_id).update(status="settled", paid_at=timezone.now())
    assert checks_that_fail() == {"paid orders"}


def test_a_settled_payment_whose_order_is_gone(shop):
    Order.objects.filter(pk=shop["paid"].pk).update(status="canceled")
    give_back(shop["event"], 2)
    assert checks_that_fail() == {"settled payments"}


def test_an_order_that_waits_for_nothing(shop):
    Payment.objects.filter(pk=shop["pending"].payment_id).update(status="closed")
    assert checks_that_fail() == {"orders"}


def test_an_order_and_a_payment_of_different_amounts(shop):
    Payment.objects.filter(pk=shop["pending"].payment_id).update(amount_sats=F("amount_sats") - 1)
    assert checks_that_fail() == {"orders", "lines"}


# -- the command ------------------------------------------------------------------------------
def run_audit(*arguments):
    out = io.StringIO()
    try:
        call_command("audit", *arguments, stdout=out)
    except SystemExit as exit:
        return exit.code, out.getvalue()
    return 0, out.getvalue()


def test_the_command_is_quiet_about_a_healthy_shop_and_names_what_waits(shop):
    code, text = run_audit("--offline")
    assert code == 0
    assert "Nothing is broken." in text
    assert "Money arrived that matches no order" in text
    assert "needs_address" in text


def test_the_command_exits_1_with_a_table(shop):
    give_back(shop["event"], 1)
    code, text = run_audit("--offline")
    assert code == 1
    assert f"event {shop['event'].pk}" in text
    assert "2 broken." in text


def test_the_command_speaks_json(shop):
    give_back(shop["event"], 1)
    code, text = run_audit("--offline", "--json")
    report = json.loads(text)
    assert (code, report["ok"]) == (1, False)
    assert [finding["check"] for finding in report["broken"]] == ["seats", "ticket types"]
    assert {line["kind"] for line in report["needs_attention"]} == {"worker", "unmatched", "needs_address"}


def test_a_node_that_does_not_answer_is_a_finding():
    found = node_audit.compare_with_node(timezone.now())
    assert [(finding.check, finding.row) for finding in found] == [("node", "the node's list")]


def test_the_node_and_we_must_tell_the_same():
    listed = [
        lightspark.NodePayment(name, None, "", 1_000, timezone.now()) for name in ("same", "other", "missing")
    ]
    ours = {"same": 1_000, "other": 999, "invented": 5}
    rows = [finding.row for finding in node_audit.unlike(listed, ours)]
    assert rows == ["node payment other", "node payment missing", "incoming payment invented"]


# -- needs attention --------------------------------------------------------------------------
def kinds():
    return [line.kind for line in needs_attention() if line.kind != "worker"]


def test_nothing_needs_attention_in_a_quiet_shop():
    hold(EveningFactory())
    assert kinds() == []


def test_unmatched_money_that_went_back_needs_no_attention():
    row = stray_money(7_000)
    assert kinds() == ["unmatched"]
    RefundFactory(incoming_payment=row, amount_msats=7_000, reason="unmatched", to="a@example.com")
    assert kinds() == []


@pytest.mark.parametrize("status", ["needs_address", "in_doubt", "failed"])
def test_a_refund_that_waits_for_a_person_needs_attention(status):
    order = hold(EveningFactory(), uma_address="$ann@wallet.example.com")
    pay(order)
    refund = refund_order(order)
    assert kinds() == []
    Refund.objects.filter(pk=refund.pk).update(status=status)
    assert kinds() == [status]


def test_given_up_work_needs_attention():
    order = hold(EveningFactory())
    pay(order)
    order.mails.update(parked_at=timezone.now(), next_attempt_at=None)
    assert kinds() == ["parked"]
    order.mails.update(status="sent", sent_at=timezone.now())
    assert kinds() == []
