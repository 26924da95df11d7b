"""Queries whose SQL is built once: they answer as the ORM does, of any key."""

import uuid

import pytest
from django.db import connection
from django.db.models.sql.compiler import SQLCompiler
from django.test.utils import CaptureQueriesContext

from events.models import Event
from tests.factories import EventFactory, OrderFactory
from tickets.models import Order
from ticketsuma.kept_queries import ANY_ID, ANY_SLUG, KeptQuery

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
    kept = KeptQuery(lambda pk: Event.objects.filter(pk=pk, capacity=second.capacity), ANY_ID)
    assert [row.title for row in kept(second.pk)] == [second.title]
    Event.objects.filter(pk=first.pk).update(capacity=second.capacity + 1)
    assert kept(first.pk) == []


def test_a_key_may_be_a_word_and_fields_may_be_left_for_later():
    events = [EventFactory(), EventFactory()]
    kept = KeptQuery(lambda slug: Event.objects.filter(slug=slug).only("title"), ANY_SLUG)
    for event in events:
        (row,) = kept(event.slug)
        assert (row.title, row.get_deferred_fields() >= {"slug"}) == (event.title, True)
        assert row.slug == event.slug
