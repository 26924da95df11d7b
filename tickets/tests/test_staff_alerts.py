"""Alerts: work that keeps failing is shown long before it is given up."""

from datetime import timedelta

import pytest
from django.apps import apps
from django.urls import reverse
from django.utils import timezone

from payments.checkup_models import Checkup
from payments.models import PostTransaction, Refund, Sweep
from payments.nwc.models import ConnectedWallet, Tap
from payments.rates.models import CurrencyRate
from payments.services import settle_node_payment
from tests.acts import money_for, open_invoice
from tests.factories import EventFactory, OrderFactory
from tickets.models import Mail
from tickets.push.models import Push
from tickets.staff.alerts import WORK, needs_attention
from ticketsuma.jobs.models import Job
from ticketsuma.live.models import News

pytestmark = pytest.mark.django_db(transaction=True)

# What stands in lines of its own, what no money hangs on, and taps, whose invoices are watched.
ELSEWHERE = {Checkup, ConnectedWallet, CurrencyRate, News, PostTransaction, Push, Sweep, Tap}


def test_every_kind_of_waiting_work_is_watched():
    watched = {rows().model for _, rows in WORK}
    assert watched | ELSEWHERE == {model for model in apps.get_models() if issubclass(model, Job)}
    assert all(rows().model._meta.label_lower == label for label, rows in WORK)


def a_refund(**changes) -> Refund:
    """A queued refund of money that came twice."""
    invoice = open_invoice(OrderFactory(event=EventFactory()))
    settle_node_payment(money_for(invoice))
    second = settle_node_payment(money_for(invoice))
    Refund.objects.filter(incoming_payment=second).update(
        status="queued", to="$ann@wallet.example.com", next_attempt_at=timezone.now(), **changes
    )
    return Refund.objects.get(incoming_payment=second)


def failing_lines():
    return [line for line in needs_attention() if line.kind == "failing"]


def test_work_that_fails_for_minutes_is_said_with_its_reason_and_its_rows(staff):
    since = timezone.now() - timedelta(minutes=6)
    refund = a_refund(failing_since=since, last_error="vasp_unreachable")
    (line,) = failing_lines()
    says = "Refunds: failing for minutes, because of vasp_unreachable."
    assert (line.count, line.since, line.says) == (1, since, says)
    page = staff.get(reverse("admin:payments_refund_changelist") + f"?{line.query}")
    assert [row.pk for row in page.context["cl"].result_list] == [refund.pk]


def test_what_failed_a_moment_ago_is_not_said_yet():
    a_refund(failing_since=timezone.now() - timedelta(minutes=4), last_error="vasp_unreachable")
    assert failing_lines() == []


@pytest.mark.parametrize(
    "changes", [{"parked_at": timezone.now()}, {"status": "sent"}], ids=["parked", "sent"]
)
def test_what_is_given_up_or_done_fails_no_more(changes):
    refund = a_refund(failing_since=timezone.now() - timedelta(hours=1), last_error="vasp_unreachable")
    Refund.objects.filter(pk=refund.pk).update(next_attempt_at=None, sent_at=timezone.now(), **changes)
    assert failing_lines() == []


def test_each_reason_has_a_line_of_its_own():
    a_refund()
    long_ago = timezone.now() - timedelta(hours=1)
    Mail.objects.update(failing_since=long_ago, last_error="refused", next_attempt_at=long_ago)
    Refund.objects.update(failing_since=long_ago, last_error="balance_too_low")
    says = sorted(line.says for line in failing_lines())
    assert says == [
        "Mails: failing for minutes, because of refused.",
        "Refunds: failing for minutes, because of balance_too_low.",
    ]
