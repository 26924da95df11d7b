"""State machines, leases of the queue, and codes."""

from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from payments.models import WebhookEvent
from tests.acts import together
from tests.factories import EventFactory, OrderFactory, WebhookEventFactory
from tickets.models import Order
from ticketsuma.codes import ALPHABET, new_code, normalize_code
from ticketsuma.errors import DomainError
from ticketsuma.jobs.models import FAILING_IS_SEEN_AFTER, failing
from ticketsuma.jobs.registry import Queue
from ticketsuma.jobs.worker import work
from ticketsuma.state_machine import InvalidTransition


@pytest.mark.django_db(transaction=True)
def test_of_two_with_the_same_row_one_moves_it():
    order = OrderFactory(event=EventFactory())
    copies = [Order.objects.get(pk=order.pk) for _ in range(6)]
    outcomes = together(*[lambda c=c: c.advance("canceled") for c in copies])
    assert sum(isinstance(o, InvalidTransition) for o in outcomes) == 5, outcomes


@pytest.mark.django_db(transaction=True)
def test_a_step_says_when_it_was_taken():
    """An API client sees by `updated_at` that an order is not what it was."""
    order = OrderFactory(event=EventFactory())
    before = order.updated_at
    order.advance("canceled")
    assert before < order.updated_at == Order.objects.get().updated_at


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("paid", "expired"),
        ("paid", "pending"),
        ("canceled", "paid"),
        ("expired", "canceled"),
        ("canceled", "pending"),
    ],
)
def test_illegal_steps_are_refused(old, new):
    order = OrderFactory()
    Order.objects.update(status=old, paid_at=timezone.now())
    order.refresh_from_db()
    with pytest.raises(InvalidTransition):
        order.advance(new)
    order.refresh_from_db()
    assert order.status == old


@pytest.mark.django_db(transaction=True)
def test_a_lease_is_taken_once_and_comes_back_when_it_runs_out():
    now = timezone.now()
    row = WebhookEventFactory(event_id="e", type="t", entity_id="x", next_attempt_at=now)
    copies = [WebhookEvent.objects.get() for _ in range(6)]
    outcomes = together(*[lambda c=c: c.acquire_lease(timedelta(seconds=30)) for c in copies])
    assert sorted(outcomes) == [False] * 5 + [True]
    row.refresh_from_db()
    assert not row.acquire_lease(timedelta(seconds=30))
    assert row.acquire_lease(timedelta(seconds=30), now=now + timedelta(seconds=31))
    assert row.attempts == 2


@pytest.mark.django_db(transaction=True)
def test_work_that_never_succeeds_is_parked_where_staff_see_it():
    row = WebhookEventFactory(event_id="e", type="t", entity_id="x", next_attempt_at=timezone.now())
    waits = []
    while row.parked_at is None:
        assert row.acquire_lease(timedelta(0), now=row.next_attempt_at)
        row.retry("no luck")
        row.refresh_from_db()
        if row.next_attempt_at:
            waits.append((row.next_attempt_at - timezone.now()).total_seconds())
    assert (row.attempts, row.next_attempt_at, row.last_error) == (row.max_attempts, None, "no luck")
    assert len(waits) == row.max_attempts - 1
    assert waits[0] < 3 < waits[-1]


def test_codes_have_no_lookalikes_and_survive_how_people_type():
    assert not set("ILOU") & set(ALPHABET)
    code = new_code(26)
    assert len(code) == 26
    assert normalize_code(f" {code[:4]}-{code[4:8]} {code[8:].lower()} ") == code
    assert normalize_code("o1lI") == "0111"


@given(st.text(max_size=80))
def test_normalizing_what_people_type_is_stable(text):
    assert normalize_code(normalize_code(text)) == normalize_code(text)


class NoLuck(DomainError):
    code = "no_luck"


def fail(row):
    raise NoLuck


def fail_inside(row):
    row.retry("still not")


@pytest.mark.django_db(transaction=True)
def test_work_is_failing_from_its_first_failure_to_its_next_success():
    now = timezone.now()
    event = WebhookEventFactory(event_id="e", type="t", entity_id="x", next_attempt_at=now)
    seen = []
    for handle in (fail, fail_inside, lambda row: None, fail):
        WebhookEvent.objects.update(next_attempt_at=now)
        row = WebhookEvent.objects.get()
        assert row.acquire_lease(timedelta(seconds=30))
        queue = Queue(name="events", priority=1, due=lambda now: WebhookEvent.objects.all(), handle=handle)
        work(queue, row)
        seen.append(WebhookEvent.objects.get().failing_since)
    assert seen[0] == seen[1] is not None
    assert seen[2] is None
    assert seen[3] > seen[0]
    assert not failing(WebhookEvent.objects.all()).exists()
    WebhookEvent.objects.update(failing_since=now - FAILING_IS_SEEN_AFTER)
    assert failing(WebhookEvent.objects.all()).get() == event
