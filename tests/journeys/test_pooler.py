"""The shop behind PgBouncer, which pools transactions: everything is sold, and every time limit holds."""

import os

import psycopg
import pytest

from tests.buyer import Buyer, Sandbox, assert_sold_once, make_event
from tests.engines import without_engines
from tests.pgbouncer import PgBouncer
from tests.processes import find_program
from tests.stack import Stack

MISSING = "from ticketsuma.time_limits import missing_limits; answer = missing_limits()"
LIMITS = ["lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"]


@pytest.fixture
def poolers(postgres):
    """Starts poolers; all end with the test."""
    if not find_program("pgbouncer"):
        pytest.skip("PgBouncer is not on this machine (Debian: apt install pgbouncer)")
    made = []

    def start(**options: str) -> PgBouncer:
        made.append(PgBouncer(postgres, **options).start())
        return made[-1]

    yield start
    for pooler in made:
        pooler.close()


@pytest.fixture
def shop(stacks):
    """A stack on PostgreSQL that is not started, and the name of its database."""
    stack = stacks.new("postgresql", DB_PREPARED_STATEMENTS="0")
    stack.database = stack.database_url.rpartition("/")[2]
    yield stack
    stack.close()


def without_limits(shop) -> None:
    """As a database is that was never migrated by its role: nothing stands there."""
    with psycopg.connect(shop.database_url, autocommit=True) as connection:
        connection.execute(f"ALTER ROLE CURRENT_USER IN DATABASE {shop.database} RESET ALL")


def deploy_check(shop, pooler: PgBouncer | None = None) -> list[str]:
    """The limits that `check --deploy` misses, over this pooler or directly."""
    shop.env["DATABASE_URL"] = pooler.url(shop.database) if pooler else shop.database_url
    said = shop.manage("check", "--deploy").stderr
    assert "ticketsuma.I001" not in said
    return [name for name in LIMITS if f"No {name} is in force" in said]


def test_a_ticket_is_bought_paid_and_mailed_through_a_pooler(shop, poolers):
    shop.env["DATABASE_URL"] = poolers().url(shop.database)
    for process in (shop.web, shop.worker):
        process.env["DATABASE_URL"] = shop.env["DATABASE_URL"]
    shop.start()
    alice = Sandbox(shop).wallet("alice")
    buyer = Buyer(shop).buy(make_event(shop), uma_address=alice.address)
    alice.approve(alice.request_for(buyer, seconds=40))
    assert_sold_once(buyer)
    assert shop.django(MISSING) == []
    shop.audit()


def test_the_limits_are_the_roles_and_the_check_says_when_they_are_not(shop, poolers):
    pooler = poolers()
    assert deploy_check(shop) == deploy_check(shop, pooler) == []
    without_limits(shop)
    pooler.reconnect()
    assert deploy_check(shop) == deploy_check(shop, pooler) == LIMITS
    shop.manage("migrate", "--no-input")  # through the pooler
    pooler.reconnect()
    assert deploy_check(shop) == deploy_check(shop, pooler) == []


def test_indexes_are_built_past_the_pooler(stacks, poolers):
    database = f"past_a_pooler_{os.getpid()}"
    direct = stacks.server.create_database(database)
    url = poolers().url(database, "postgres")
    stack = Stack(stacks.folder / database, url, DB_PREPARED_STATEMENTS="0")
    assert "set DATABASE_DIRECT_URL" in stack.manage("migrate", check=False).stderr
    stack.env["DATABASE_DIRECT_URL"] = direct
    stack.manage("migrate", "--no-input")


def test_the_limits_may_be_the_poolers(shop, poolers):
    without_limits(shop)
    pooler = poolers(connect_query="; ".join(f"SET {name} = 7000" for name in LIMITS))
    assert (deploy_check(shop), deploy_check(shop, pooler)) == (LIMITS, [])


@without_engines
def test_what_the_operator_set_stays(shop):
    without_limits(shop)
    with psycopg.connect(shop.database_url, autocommit=True) as connection:
        mine = f"ALTER ROLE CURRENT_USER IN DATABASE {shop.database} SET statement_timeout = 42000"
        connection.execute(mine)
    shop.manage("migrate", "--no-input")
    limits = [shop.sql(f"SHOW {name}")[0][0] for name in LIMITS]
    assert limits == ["5s", "42s", "20s"]
    shop.env["DATABASE_URL"] += "?options=-c%20statement_timeout%3D3000"
    assert shop.django("from tests.journeys.test_pooler import shown; answer = shown(connection)") == "3s"


def test_a_long_list_is_read_while_others_use_the_servers_connections(shop, poolers):
    """A cursor that outlives its transaction is on one server connection; the next may go to another."""
    pooler = poolers()
    shop.env["DATABASE_URL"] = pooler.url(shop.database)
    read = "rows = Permission.objects.iterator(chunk_size=1); next(rows)\n"
    read += "import psycopg; other = psycopg.connect(url); other.execute('SELECT 1')\n"
    read += "answer = len(list(rows)) + 1 == Permission.objects.count(); other.close()"
    assert shop.django(read, url=pooler.url(shop.database)) is True
    assert (
        shop.django("connection.ensure_connection(); answer = connection.connection.prepare_threshold")
        is None
    )


def shown(connection) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        return cursor.fetchone()[0]
