"""Plans of the queries of worker, lists, admin and audit: none must read the whole of a table that grows."""

import functools
import json
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from accounts.staff import save_verified_user
from events.models import Event
from payments.models import Payment
from tests import many_rows
from tickets.guest_messages.audience import guests
from tickets.guest_messages.models import Message
from tickets.guest_messages.services import copies_of
from tickets.mail_health.states import states_of
from tickets.models import Order, Ticket
from tickets.offline_door.lists import take_list
from tickets.services import hold_limits
from tickets.staff.audit import run_integrity_checks
from ticketsuma.jobs import worker
from ticketsuma.jobs.registry import discover

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="plans are PostgreSQL's"),
]
EVENTS, ORDERS = 1000, 4000
# Of a page's keys, or an hour's, in two hundred refunds or a thousand messages: to read all is least there.
FEW = ("all of payments_refund", "all of guest_messages_message")
# What looks at everything, every ten minutes or for somebody who asks for it.
WHOLE = {"queue_changes", "queue_refund_mails", "draw_due"}
OF_FILES = {"forget_kept_covers"}


@pytest.fixture(scope="module")
def many(django_db_setup, django_db_blocker) -> Iterator[None]:
    """A shop that has sold for long, for all tests of this file."""
    with django_db_blocker.unblock():
        with transaction.atomic(), connection.cursor() as cursor:
            many_rows.add_events(cursor.execute, 1, EVENTS)
            many_rows.add_orders(cursor.execute, 1, ORDERS)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(many_rows.TABLES)} CASCADE")


def whole_reads(act: Callable[[], object]) -> list[str]:
    """What `act` reads the whole of: tables that grow, and their indexes where nothing bounds the reading."""
    with CaptureQueriesContext(connection) as asked:
        act()
    assert asked.captured_queries
    found = []
    for query in asked.captured_queries:
        if not query["sql"].startswith(("SELECT", "UPDATE", "DELETE")):
            continue
        plan = explain(query["sql"])
        found += [f"{what}: {query['sql'][:300]}" for what in _unbounded(plan, is_bounded=False)]
    return found


def explain(query: str) -> dict:
    """Its plan where reading all of a table is to be avoided at any price, which here, with few rows, is
    the cheapest: what is still read whole has no index that would spare it."""
    with transaction.atomic(), connection.cursor() as cursor:
        for way in ("seqscan", "hashjoin", "mergejoin", "material"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute(f"EXPLAIN (FORMAT JSON) {query}")
        return cursor.fetchone()[0][0]["Plan"]


def _unbounded(node: dict, *, is_bounded: bool) -> Iterator[str]:
    is_bounded = node["Node Type"] == "Limit" or (is_bounded and node["Node Type"] != "Sort")
    if node["Node Type"] == "Seq Scan" and node["Relation Name"] in many_rows.TABLES:
        yield f"all of {node['Relation Name']}"
    by_index = node["Node Type"] in ("Index Scan", "Index Only Scan") and "Index Cond" not in node
    # Who takes the first few of an index may read past all that a filter refuses before them.
    if by_index and ("Filter" in node or not is_bounded) and _grows(node["Index Name"]):
        yield f"all of {node['Index Name']}"
    for part in node.get("Plans", []):
        yield from _unbounded(part, is_bounded=is_bounded)


def _grows(index: str) -> bool:
    """Whether it holds every row of a table that grows."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indpred IS NULL, indrelid::regclass::text FROM pg_index WHERE indexrelid = %s::regclass",
            [index],
        )
        is_of_all, table = cursor.fetchone()
    return is_of_all and table in many_rows.TABLES


@pytest.mark.parametrize("queue", [queue.name for queue in discover().queues])
def test_a_queue_finds_its_rows(many, queue):
    assert whole_reads(lambda: worker.due_rows(discover().queue(queue))) == []


def test_one_look_at_all_queues_reads_no_table_whole(many):
    agenda = worker.Agenda(discover().queues)
    assert whole_reads(lambda: agenda.look(timedelta(seconds=1))) == []


TASKS = {task.run.__name__: task.run for task in discover().periodic_tasks}


@pytest.mark.parametrize("task", sorted(TASKS.keys() - WHOLE - OF_FILES))
def test_a_chore_finds_its_rows(many, task):
    assert whole_reads(TASKS[task]) == []


@pytest.mark.parametrize(
    "path",
    ["/", "/?page=3", "/?show=past", "/?show=free", "/api/events?upcoming=true", "/api/events?free=true"],
)
def test_a_list_reads_its_page(many, path):
    assert whole_reads(lambda: Client().get(path)) == []


@pytest.mark.parametrize("payment", [None, Payment()], ids=["free", "paid"])
def test_what_a_buyer_holds_is_found_by_the_buyer(many, payment):
    """By the plan as well that PostgreSQL keeps for all buyers and events: one event may have most orders."""
    order = Order(event=Event.objects.upcoming()[0], email="b@example.com", payment=payment)
    order.uma_address, order.network = "$b@wallet.example", "n"
    statement, parameters = hold_limits._counting(order, "count(*)")
    for number in range(len(parameters)):
        statement = statement.replace("%s", f"${number + 1}", 1)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DROP INDEX tickets_order_overdue")  # as where what is unpaid is far too much to read
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        cursor.execute(f"PREPARE counted AS {statement}")
        given = ", ".join(["%s"] * len(parameters))
        cursor.execute(f"EXPLAIN (FORMAT JSON) EXECUTE counted({given})", parameters)
        plan = cursor.fetchone()[0][0]["Plan"]
        cursor.execute("DEALLOCATE counted")
        transaction.set_rollback(True)
    used = {index for index in _indexes(plan) if index.startswith("tickets_order")}
    wallet = {"tickets_order_wallet"} if payment else set()
    assert used == {"tickets_order_email", "tickets_order_network"} | wallet


def _indexes(node: dict) -> Iterator[str]:
    if "Index Name" in node:
        yield node["Index Name"]
    for part in node.get("Plans", []):
        yield from _indexes(part)


def test_an_event_and_its_calendar_read_one_row(many):
    event = Event.objects.upcoming().first()
    for path in (
        event.get_absolute_url(),
        f"{event.get_absolute_url()}/calendar.ics",
        f"/api/events/{event.pk}",
    ):
        assert whole_reads(lambda path=path: Client().get(path)) == []


@pytest.fixture
def person() -> User:
    return save_verified_user(email=many_rows.PERSON, password="x")[0]


@pytest.fixture
def theirs(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_my_tickets_read_mine(many, theirs):
    assert whole_reads(lambda: theirs.get("/me")) == []


def test_a_pocket_reads_its_tickets(many, theirs):
    """What a browser keeps for when it has no net, and asks about."""
    ticket = Ticket.objects.filter(order__status="paid", order__event__in=Event.objects.upcoming())[0]
    asked = json.dumps({"tickets": [ticket.get_absolute_url()]})
    ask = functools.partial(theirs.post, "/offline/tickets", data=asked, content_type="application/json")
    assert whole_reads(ask) == []


def test_an_app_reads_the_tickets_of_its_user(many, person):
    client = APIClient()
    client.force_authenticate(person)
    assert whole_reads(lambda: client.get(f"/api/users/{person.pk}/tickets")) == []


def test_a_message_and_a_door_list_read_what_is_of_their_event(many):
    event = Event.objects.upcoming()[0]
    message = Message.objects.get(event=event)
    assert whole_reads(lambda: guests(message)) == []
    assert whole_reads(lambda: states_of(copies_of(message))) == []
    user = save_verified_user(email="door@example.com", password="x")[0]
    assert whole_reads(lambda: take_list(event, device=uuid.uuid4(), by=user)) == []


ADMIN_LISTS = [
    *("tickets/order", "tickets/ticket", "tickets/mail", "tickets/checkin", "payments/payment"),
    *("payments/invoice", "payments/incomingpayment", "payments/refund", "payments/webhookevent"),
    *("events/event", "accounts/user", "payments/posttransaction", "tickets/viewer", "tickets/announcement"),
    *("guest_messages/message", "offline_door/doorlist", "offline_door/offlinescan"),
]


@pytest.fixture
def staff() -> Client:
    client = Client()
    client.force_login(save_verified_user(email="staff@example.com", password="x")[0])
    return client


@pytest.mark.parametrize("model", ADMIN_LISTS)
def test_an_admin_list_reads_its_page(many, staff, model):
    """Counting aside, which goes to a thousand and then once a minute."""
    staff.get(f"/admin/{model}/")  # counts
    found = whole_reads(lambda: staff.get(f"/admin/{model}/"))
    assert [one for one in found if not one.startswith(FEW)] == []


def test_the_start_page_and_an_order_of_the_admin_read_few_rows(many, staff):
    assert whole_reads(lambda: staff.get("/admin/")) == []
    order = Order.objects.filter(status="paid", payment__isnull=False).first()
    assert whole_reads(lambda: staff.get(f"/admin/tickets/order/{order.pk}/change/")) == []
    assert whole_reads(lambda: staff.get(f"/admin/tickets/order/?q={order.code}")) == []


def test_a_report_reads_the_rows_of_its_event_or_of_its_days(many, staff):
    event = Event.objects.filter(orders__status="paid").first()
    found = whole_reads(lambda: staff.get(f"/admin/reports/?event={event.pk}"))
    assert [one for one in found if not one.startswith(FEW)] == []
    day = timezone.now().date() - timedelta(days=5)
    found = whole_reads(lambda: staff.get(f"/admin/reports/?first={day}&last={day}&zone=UTC"))
    assert [one for one in found if not one.startswith(FEW)] == []


def test_the_recent_audit_reads_what_changed(many):
    since = timezone.now() - timedelta(days=1.5)
    assert Order.objects.filter(updated_at__gte=since).exists()
    found = whole_reads(lambda: run_integrity_checks(since))
    assert [one for one in found if not one.startswith(FEW)] == []


def test_the_whole_audit_of_many_rows_finds_nothing_and_asks_once_for_each_check(many):
    with CaptureQueriesContext(connection) as asked:
        assert run_integrity_checks() == []
    assert len([one for one in asked.captured_queries if one["sql"].startswith("SELECT")]) == 18
