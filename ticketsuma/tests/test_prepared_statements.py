"""Prepared statements: PostgreSQL keeps the plans of kept queries, and of nothing else."""

import psycopg
import pytest
from django.conf import settings as here
from django.db import NotSupportedError, connection, models, transaction

from events.models import Event
from tests.factories import EventFactory
from ticketsuma.kept_queries import KeptQuery

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        not here.DATABASES["default"]["ENGINE"].endswith("postgresql"), reason="SQLite keeps its own plans"
    ),
]
PREPARED = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%%events_event%%'"
ALTER = "ALTER TABLE events_event ALTER COLUMN title TYPE varchar({})"


@pytest.fixture
def kept():
    """A connection that has prepared nothing so far, and a query."""
    connection.ensure_connection()
    with connection.connection.transaction(force_rollback=True):
        pass
    connection.connection.prepare_threshold = 3  # as where DB_PREPARED_STATEMENTS is 1
    return KeptQuery(lambda pk: Event.objects.filter(pk=pk), models.BigIntegerField())


@pytest.fixture
def migration():
    """What changes the type of a column beneath a plan, in another session; undone at the end."""
    length = Event._meta.get_field("title").max_length
    assert connection.connection is not None
    session = psycopg.connect(connection.connection.info.dsn, autocommit=True)
    yield lambda: session.execute(ALTER.format(length + 1))
    session.execute(ALTER.format(length))
    session.close()


def prepared() -> int:
    with connection.cursor() as cursor:
        cursor.execute(PREPARED)
        return cursor.fetchone()[0]


def test_a_statement_that_comes_again_is_planned_once(kept, settings):
    settings.DB_PREPARED_STATEMENTS = True
    event = EventFactory()
    titles = [[row.title for row in kept(event.pk)] for _ in range(6)]
    assert titles == [[event.title]] * 6
    assert prepared() == 1
    [list(Event.objects.filter(pk=event.pk)) for _ in range(6)]
    assert prepared() == 1, "other statements are not prepared"


def test_nothing_is_prepared_unless_it_is_said(kept, settings):
    settings.DB_PREPARED_STATEMENTS = False
    event = EventFactory()
    assert [[row.pk for row in kept(event.pk)] for _ in range(6)] == [[event.pk]] * 6
    assert prepared() == 0


def test_a_plan_that_a_migration_broke_is_made_anew(kept, migration, settings):
    settings.DB_PREPARED_STATEMENTS = True
    event = EventFactory()
    [kept(event.pk) for _ in range(6)]
    migration()
    assert [row.title for row in kept(event.pk)] == [event.title]


def test_in_a_transaction_a_broken_plan_fails_once(kept, migration, settings):
    settings.DB_PREPARED_STATEMENTS = True
    event = EventFactory()
    [kept(event.pk) for _ in range(6)]
    migration()
    with pytest.raises(NotSupportedError), transaction.atomic():
        kept(event.pk)
    with transaction.atomic():
        assert [row.title for row in kept(event.pk)] == [event.title]
