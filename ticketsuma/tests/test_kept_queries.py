"""Queries whose SQL is built once: they answer as the ORM does, of any key."""

import uuid

import pytest
from django.db import IntegrityError, connection, models
from django.db.models import F
from django.db.models.sql.compiler import SQLCompiler
from django.test.utils import CaptureQueriesContext

from events.models import Event
from tests.factories import EventFactory, OrderFactory
from tickets.models import Mail, Order, OrderLine, Ticket
from ticketsuma.kept_queries import KeptQuery, KeptUpdate, Slot, insert

pytestmark = pytest.mark.django_db(transaction=True)


def of_key(key: uuid.UUID):
    return Order.objects.select_related("event", "payment").filter(pk=key)


def test_a_kept_query_answers_as_the_orm_does_whatever_the_key():
    kept, orders = KeptQuery(of_key), [OrderFactory() for _ in range(3)]
    for order in orders:
        with CaptureQueriesContext(connection) as asked:
            (row,) = kept(order.pk)
            said = [row.event.title, row.payment.reference, row.created_at, row.buyer_id]
        assert len(asked) == 1
        (as_ever,) = of_key(order.pk)
        for mine, theirs in [(row, as_ever), (row.event, as_ever.event), (row.payment, as_ever.payment)]:
            values = [[getattr(each, field.attname) for field in each._meta.concrete_fields]
                      for each in (mine, theirs)]  # fmt: skip
            assert values[0] == values[1]
        assert said[0] == order.event.title
    assert kept(uuid.uuid4()) == []


def test_the_sql_is_built_for_the_first_key_only(monkeypatch):
    kept, order = KeptQuery(of_key), OrderFactory()
    kept(order.pk)
    monkeypatch.setattr(SQLCompiler, "as_sql", lambda *args: pytest.fail("it was built anew"))
    assert kept(order.pk)[0].pk == order.pk


def test_a_key_may_be_a_number_and_other_values_stay_what_they_are():
    first, second = EventFactory(), EventFactory()
    kept = KeptQuery(
        lambda pk: Event.objects.filter(pk=pk, capacity=second.capacity), models.BigIntegerField()
    )
    assert [row.title for row in kept(second.pk)] == [second.title]
    Event.objects.filter(pk=first.pk).update(capacity=second.capacity + 1)
    assert kept(first.pk) == []


def test_a_key_may_be_a_word_and_fields_may_be_left_for_later():
    events = [EventFactory(), EventFactory()]
    kept = KeptQuery(lambda slug: Event.objects.filter(slug=slug).only("title"), models.SlugField())
    for event in events:
        (row,) = kept(event.slug)
        assert (row.title, row.get_deferred_fields() >= {"slug"}) == (event.title, True)
        assert row.slug == event.slug


def take():
    seats = Slot("seats", models.PositiveIntegerField())
    since = Slot("since", models.DateTimeField())
    rows = Event.objects.filter(pk=Slot("event", Event._meta.pk), end_time__gt=since)
    return rows.filter(seats_taken__lte=F("capacity") - seats), {"seats_taken": F("seats_taken") + seats}


def test_a_kept_update_changes_the_rows_of_its_conditions_and_counts_them(monkeypatch):
    kept, event, other = KeptUpdate(take), EventFactory(capacity=5), EventFactory(capacity=5)
    values = {"event": event.pk, "since": event.start_time}
    assert kept(seats=2, **values) == 1
    monkeypatch.setattr(SQLCompiler, "as_sql", lambda *args: pytest.fail("it was built anew"))
    assert [kept(seats=4, **values), kept(seats=3, **values), kept(seats=1, **values)] == [0, 1, 0]
    assert kept(seats=1, event=event.pk, since=event.end_time) == 0
    assert kept(seats=1, event=other.pk, since=other.start_time) == 1
    monkeypatch.undo()
    assert [each.seats_taken for each in Event.objects.order_by("pk")] == [5, 1]


def test_a_condition_narrows_one_call():
    kept, event = KeptUpdate(take), EventFactory(capacity=5)
    values = {"event": event.pk, "since": event.start_time, "seats": 1}
    assert kept(("seats_taken = %s OR 1 = %s", [1, 2]), **values) == 0
    assert kept(("seats_taken = %s OR 1 = %s", [0, 2]), **values) == 1
    assert kept(**values) == 1


def copies_of(row, count, **changes):
    """Rows of the same values, under other keys."""
    values = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    del values[row._meta.pk.attname]
    return [type(row)(**values | {name: change(n) for name, change in changes.items()}) for n in range(count)]


def test_rows_are_inserted_as_the_orm_does():
    order = OrderFactory()
    (ticket,), (line,) = order.tickets.all(), order.lines.all()
    lines = copies_of(line, 2, price=lambda n: n)
    insert(lines)
    assert sorted(OrderLine.objects.values_list("pk", flat=True)) == [line.pk, *(each.pk for each in lines)]
    ends = [end for end in "WXYZ" if end != ticket.ticket_code[-1]]
    another = lambda n: ticket.ticket_code[:-1] + ends[n]  # noqa: E731
    tickets = copies_of(ticket, 2, number=lambda n: n + 2, ticket_code=another)
    insert(tickets)
    assert not any(each._state.adding for each in [*lines, *tickets])
    by_orm = copies_of(ticket, 1, number=lambda n: 9, ticket_code=lambda n: another(2))
    Ticket.objects.bulk_create(by_orm)
    for mine in tickets:
        stored, theirs = Ticket.objects.get(pk=mine.pk), Ticket.objects.get(pk=by_orm[0].pk)
        for field in Ticket._meta.concrete_fields:
            assert getattr(stored, field.attname) == getattr(mine, field.attname)
            if field.name not in ("id", "number", "ticket_code", "created_at", "updated_at"):
                assert getattr(stored, field.attname) == getattr(theirs, field.attname), field.name
    assert tickets[0].order_id == order.pk


def test_a_conflict_is_refused_or_ignored():
    order = OrderFactory()
    ticket = order.tickets.get()
    with pytest.raises(IntegrityError):
        insert(copies_of(ticket, 1))
    mails = [Mail(order=order, kind="tickets", to=to, **Mail.scheduled()) for to in ("a@x.org", "b@x.org")]
    insert(mails[:1], ignore_conflicts=True)
    insert([*copies_of(mails[0], 1), mails[1]], ignore_conflicts=True)
    assert sorted(order.mails.values_list("to", flat=True)) == ["a@x.org", "b@x.org"]
    with pytest.raises(IntegrityError):  # only what is there already is ignored, not what may not be
        insert(copies_of(mails[0], 1, to=lambda n: "c@x.org", kind=lambda n: None), ignore_conflicts=True)
    insert([])
