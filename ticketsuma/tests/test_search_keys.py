"""Search keys: made with the row, made later where they are due, never wrong by a race."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from events.models import Event
from tests.factories import EventFactory, UnprovenUserFactory
from ticketsuma import search_keys
from ticketsuma.search_keys import DUE, fill, fill_due, fold

pytestmark = pytest.mark.django_db(transaction=True)


@given(st.text())
def test_folding_twice_changes_nothing_more(text):
    assert fold(fold(text)) == fold(text)


def by_an_old_version(model):
    """What a version without the column leaves: the database's default."""
    model._base_manager.update(search_key=DUE)


def test_rows_of_an_old_version_are_filled_by_the_worker():
    user = UnprovenUserFactory(email="renee@example.com", name="Renée")
    by_an_old_version(User)
    fill_due()
    user.refresh_from_db()
    assert user.search_key == "\nrenee@example.com\nrenee"


def test_one_round_fills_a_batch_and_the_next_the_rest(monkeypatch):
    monkeypatch.setattr(search_keys, "MAX_AT_ONCE", 2)
    for number in range(3):
        EventFactory(title=f"Ópera {number}")
    by_an_old_version(Event)
    left = []
    for _round in range(2):
        fill_due()
        left.append(Event.objects.filter(search_key=DUE).count())
    assert left == [1, 0]


def test_a_filled_key_costs_the_worker_one_statement_and_no_version(django_assert_num_queries):
    event = EventFactory(title="Ópera")
    by_an_old_version(Event)
    version, changed = Event.objects.values_list("version", "updated_at").get()
    fill_due()
    assert Event.objects.values_list("version", "updated_at").get() == (version, changed)
    with CaptureQueriesContext(connection) as asked:
        fill(Event)
    assert sum("SELECT" in one["sql"] for one in asked) == 1
    assert not any("UPDATE" in one["sql"] for one in asked)
    assert Event.objects.filter(search_key__folded="OPERA").get() == event


def test_a_row_that_changed_while_its_key_was_made_keeps_what_the_change_made():
    event = EventFactory(title="Ópera")
    by_an_old_version(Event)

    def change_first(execute, sql, params, many, context):
        if sql.startswith("UPDATE") and not changed:
            changed.append(sql)
            Event.objects.filter(pk=event.pk).update(title="Zarzuela")
        return execute(sql, params, many, context)

    changed: list[str] = []
    with connection.execute_wrapper(change_first):
        fill(Event)
    assert Event.objects.get().search_key == DUE  # of another title by now: made in the next round
    fill(Event)
    assert "zarzuela" in Event.objects.get().search_key
