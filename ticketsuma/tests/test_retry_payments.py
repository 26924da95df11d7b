"""`manage.py retry_payments`: one pass by hand that says what it did."""

import io
import json
import re
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from payments.models import Invoice, WebhookEvent
from tests.factories import EventFactory, OrderFactory, WebhookEventFactory
from tickets.models import Mail, Order

pytestmark = pytest.mark.django_db(transaction=True)


def retry(*flags: str) -> tuple[str, int]:
    out = io.StringIO()
    try:
        call_command("retry_payments", *flags, stdout=out)
    except SystemExit as end:
        return out.getvalue(), end.code
    return out.getvalue(), 0


@pytest.fixture
def due():
    """A hold that ran out, a free ticket's mail, a webhook nobody has to act on; a node that is not there."""
    order = OrderFactory()
    OrderFactory(event=EventFactory(price_sats=0))
    past = timezone.now() - timedelta(minutes=1)
    Order.objects.filter(pk=order.pk).update(expires_at=past)
    Invoice.objects.update(next_attempt_at=past)
    Mail.objects.update(next_attempt_at=past)
    WebhookEventFactory(event_id="e", type="NODE_STATUS", entity_id="x", next_attempt_at=past)
    return order


def test_it_does_what_is_due_and_tells_what_is_left(due):
    text, code = retry()
    assert f"expiries: {due.pk} done" in text
    assert "mails: " in text
    assert "sweep: incoming node_unreachable" in text
    assert re.search(r"^invoices: \S+ node_unreachable$", text, re.MULTILINE)
    assert text.splitlines()[-1].endswith("2 to be tried again.")
    assert code == 1
    assert Order.objects.get(pk=due.pk).status == "expired"
    assert WebhookEvent.objects.get().processed_at
    assert Mail.objects.get().status == "sent"


def test_programs_read_it_as_json_lines(due):
    text, code = retry("--json")
    rows = [json.loads(line) for line in text.splitlines()]
    assert {"queue": "expiries", "id": str(due.pk), "error": None} in rows
    assert {row["queue"] for row in rows if row["error"]} == {"sweep", "invoices"}
    assert code == 1


def test_a_second_pass_finds_only_the_node_s_list(due):
    retry()
    text, _code = retry("--json")
    assert [json.loads(line)["queue"] for line in text.splitlines()] == ["sweep"]
