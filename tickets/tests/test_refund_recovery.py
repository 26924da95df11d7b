"""Refunds after the restore of an old backup: none is sent twice; the node is asked, by key and by list."""

from datetime import timedelta

import pytest
from django.core import serializers
from django.utils import timezone

from payments import refund_recovery, refunds
from payments.models import IncomingPayment, PostTransaction, Refund, Sweep
from payments.node import lightspark
from payments.node.balance import outgoing_row
from payments.tests.conftest import *  # noqa: F403, the sandbox's fixtures
from payments.tests.refunding import SATS, assert_sent_once, step
from tests.factories import IncomingPaymentFactory
from tickets.staff.audit import every_msat_is_accounted_for
from tickets.staff.node_audit import compare_with_node

MSATS = SATS * 1000
HOURS = timedelta(hours=3)


class Backup:
    """The tables of money that goes out, as they are now; made some hours ago, says what it holds."""

    def __init__(self):
        Sweep.objects.filter(pk=outgoing_row().pk).update(read_until=timezone.now() - HOURS)
        rows = [*IncomingPayment.objects.all(), *Refund.objects.all(), *Sweep.objects.all()]
        self.text = serializers.serialize("json", rows)

    def restore(self) -> None:
        PostTransaction.objects.all().delete()
        for model in (Refund, IncomingPayment, Sweep):
            model.objects.all().delete()
        for row in serializers.deserialize("json", self.text):
            row.save()


def list_was_just_read() -> None:
    """The second guard has nothing to do: what is found is found by the keys."""
    Sweep.objects.filter(pk=outgoing_row().pk).update(read_until=timezone.now())


@pytest.fixture
def make_money(transactional_db):
    """Money of which nothing went back yet: 2,500 sats, applied to something that was sold."""

    def make(applied_msats: int = 0) -> IncomingPayment:
        return IncomingPaymentFactory(
            node_payment_id=f"IncomingPayment:{timezone.now().timestamp()}", amount_msats=MSATS,
            applied_msats=applied_msats, received_at=timezone.now(), allocated_at=timezone.now(),
        )  # fmt: skip

    return make


def give_back(incoming: IncomingPayment, sandbox_url: str, amount_msats: int = MSATS) -> Refund:
    to = f"$alice@{sandbox_url.removeprefix('http://')}"
    return refunds.write_refund(incoming, amount_msats=amount_msats, reason=Refund.Reason.STAFF, to=to)


def sent(sandbox, incoming: IncomingPayment) -> list[int]:
    """The msats of every payment that the node ever made of this money."""
    return sorted(row["amount_msats"] for row in sandbox.sent(Refund(incoming_payment=incoming)))


@pytest.mark.parametrize("guard", ["keys", "list"])
def test_a_refund_sent_since_the_backup_is_found_sent(sandbox, make_refund, guard):
    refund = make_refund()
    backup = Backup()
    had = lightspark.owned_msats()
    assert_sent_once(sandbox, step(refund))
    backup.restore()
    refund.refresh_from_db()
    assert refund.status == "queued"
    if guard == "keys":
        list_was_just_read()
        step(refund)
    else:
        refund_recovery.read_list()
        refund.refresh_from_db()
    assert_sent_once(sandbox, refund)
    assert lightspark.owned_msats() == had - refund.amount_msats - refund.fee_msats
    assert every_msat_is_accounted_for(IncomingPayment.objects.all()) == []


@pytest.mark.parametrize("guard", ["keys", "list"])
def test_a_refund_written_anew_after_the_restore_is_not_sent_anew(sandbox, make_money, sandbox_url, guard):
    """Late money: the backup knows of it, not of its refund, and the shop decides the same once more."""
    incoming = make_money()
    backup = Backup()
    step(give_back(incoming, sandbox_url))
    backup.restore()
    refund = give_back(IncomingPayment.objects.get(), sandbox_url)
    if guard == "keys":
        list_was_just_read()
    assert step(refund).status == "sent"
    assert sent(sandbox, incoming) == [MSATS]
    assert Refund.objects.count() == 1


def test_a_part_sent_since_the_backup_lowers_what_goes_back(sandbox, make_money, sandbox_url):
    incoming = make_money()
    backup = Backup()
    step(give_back(incoming, sandbox_url, 300_000))
    step(give_back(incoming, sandbox_url, 200_000))
    backup.restore()
    list_was_just_read()
    refund = give_back(IncomingPayment.objects.get(), sandbox_url)
    assert step(refund).status == "sent"
    assert refund.amount_msats == MSATS - 500_000
    assert sent(sandbox, incoming) == [200_000, 300_000, MSATS - 500_000]
    found = Refund.objects.filter(reason="found")
    assert sorted(found.values_list("amount_msats", "status")) == [(200_000, "sent"), (300_000, "sent")]
    assert every_msat_is_accounted_for(IncomingPayment.objects.all()) == []


def test_a_failed_bolt11_since_the_backup_is_no_payment(sandbox, make_refund):
    refund = make_refund()
    backup = Backup()
    sandbox.post("/api/faults", kind="payment_failed")
    assert step(refund).status == "failed"
    sandbox.no_faults()
    backup.restore()
    list_was_just_read()
    assert_sent_once(sandbox, step(refund))
    assert refund.ordinal == 2  # the failed one's key is used up


def test_what_an_order_still_holds_and_was_sent_is_taken_off_it(sandbox, make_money, sandbox_url):
    """The list finds it before anybody asks for a refund; the audit then names the order."""
    incoming = make_money()
    backup = Backup()
    step(give_back(incoming, sandbox_url))
    backup.restore()
    IncomingPayment.objects.update(applied_msats=MSATS)
    refund_recovery.read_list()
    assert IncomingPayment.objects.get().applied_msats == 0
    assert Refund.objects.get().status == "sent"
    assert every_msat_is_accounted_for(IncomingPayment.objects.all()) == []
    refund_recovery.read_list()
    assert Refund.objects.count() == 1


def test_more_than_is_left_stops_for_staff(sandbox, make_money, sandbox_url):
    incoming = make_money()
    backup = Backup()
    step(give_back(incoming, sandbox_url))
    backup.restore()
    IncomingPayment.objects.update(kept_msats=MSATS - 400_000)
    refund = give_back(IncomingPayment.objects.get(), sandbox_url, 400_000)
    step(refund)
    assert (refund.status, refund.last_error) == ("queued", "sent_before")
    assert refund.parked_at
    assert sent(sandbox, incoming) == [MSATS]


def test_the_drill_ends_with_the_nodes_books(sandbox, make_money, sandbox_url):
    """A backup hours old, refunds in every state since: the worker goes on, and the audit is content."""
    all_money = [make_money() for _ in range(5)]
    before = [give_back(incoming, sandbox_url) for incoming in all_money[:3]]
    step(before[0])
    backup = Backup()
    for refund in before[1:]:
        step(refund)
    step(give_back(all_money[3], sandbox_url))
    backup.restore()
    give_back(IncomingPayment.objects.get(pk=all_money[3].pk), sandbox_url)
    give_back(IncomingPayment.objects.get(pk=all_money[4].pk), sandbox_url)
    for refund in Refund.objects.exclude(status="sent"):
        step(refund)
    assert set(Refund.objects.values_list("status", flat=True)) == {"sent"}
    for incoming in all_money:
        assert sent(sandbox, incoming) == [MSATS]
    found = compare_with_node(timezone.now() - HOURS)
    assert [one for one in found if one.row.startswith("refund")] == []
