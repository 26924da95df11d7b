"""Reports by a real streaming replica: behind, paused or away, sales go on and the audit is clean."""

import pytest

from tests.buyer import Buyer, Sandbox, make_event
from tests.postgres import Cluster, Replica
from tests.processes import wait_until
from tests.stack import Stacks

SOLD = "from tickets.staff.statements import statement; answer = statement(None).total.sold_msats"


@pytest.fixture(scope="module")
def replicated(tmp_path_factory):
    """A stack whose reports are read by a replica; nobody else uses its cluster."""
    stacks = Stacks(tmp_path_factory.mktemp("replicated"))
    stacks.server = Cluster().create()
    replica = Replica(stacks.server).create()
    stack = stacks.new("postgresql")
    database = stack.database_url.rpartition("/")[2]
    wait_until(lambda: is_there(replica, database), 30, "the database is replicated")
    for process in [stack, *stack.processes]:
        process.env["DATABASE_REPLICA_URL"] = replica.url(database)
    stack.replica, stack.database = replica, database
    yield stack.start()
    stacks.close()
    replica.destroy()


def is_there(replica: Replica, database: str) -> bool:
    with replica.connect() as connection:
        return bool(connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchall())


def sell(stack) -> None:
    buyer = Buyer(stack).buy(make_event(stack, price_sats=1000))
    Sandbox(stack).pay_from_outside(buyer.bolt11())
    buyer.wait_for("paid")


def on_replica(stack, statement: str) -> None:
    with stack.replica.connect(stack.database) as connection:
        connection.execute(statement)


def test_reports_are_the_replicas_and_sales_do_not_depend_on_it(replicated):
    sell(replicated)
    wait_until(lambda: replicated.django(SOLD) == 1_000_000, 15, "the replica knows of the sale")
    on_replica(replicated, "SELECT pg_wal_replay_pause()")
    sell(replicated)
    assert replicated.django(SOLD) == 1_000_000, "the report is read there: it knows no better"
    replicated.audit()  # at one moment, on the primary
    on_replica(replicated, "SELECT pg_wal_replay_resume()")
    wait_until(lambda: replicated.django(SOLD) == 2_000_000, 15, "it has caught up")
    replicated.replica.stop(immediate=True)
    sell(replicated)
    assert replicated.django(SOLD) == 3_000_000, "the primary answers in its place"
    replicated.audit()
