"""Retention: after PERSONAL_DATA_DAYS no table names a buyer, sums stay, and what money needs waits."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import Sum
from django.utils import timezone

from accounts.rate_limits import hit
from accounts.staff import save_verified_user
from events.models import Event
from payments.models import IncomingPayment, Invoice, Payment, Refund
from tests.acts import hold, pay, stray_money
from tests.factories import AnswerFactory, EveningFactory
from tickets.models import Mail, Order, Ticket
from tickets.services.personal_data import purge_erased_orders
from tickets.services.refunds import refund_order
from tickets.services.retention import purge
from tickets.staff.audit import run_integrity_checks
from ticketsuma.jobs.registry import discover

pytestmark = pytest.mark.django_db(transaction=True)

WORDS = [
    "ann@example.com",
    "Ann Buyer",
    "$ann@wallet.example",
    "Holder of One",
    "a seat for my mother",
    "callback.example",
    "Vegan since birth",
]
DAYS = 365


def dump() -> str:
    """Every row of every table, as text."""
    rows = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            rows += [f"{table}: {row!r}" for row in cursor.fetchall()]
    return "\n".join(rows)


def named() -> list[str]:
    text = dump().lower()
    return [word for word in WORDS if word.lower() in text]


def ended(days: int, *orders: Order) -> None:
    end = timezone.now() - timedelta(days=days)
    ids = [order.event_id for order in orders]
    Event.objects.filter(pk__in=ids).update(start_time=end - timedelta(hours=2), end_time=end)
    Order.objects.filter(event__in=ids, ended_at__isnull=False).update(ended_at=end)


def sold(**buyer) -> Order:
    """A paid order that names its buyer wherever a row can."""
    order = hold(
        EveningFactory(), quantity=2, **{"email": WORDS[0], "name": WORDS[1], "uma_address": WORDS[2]} | buyer
    )
    pay(order)
    order.tickets.filter(number=1).update(holder_name=WORDS[3])
    AnswerFactory(order=order, text=WORDS[6])
    Invoice.objects.filter(payment__order=order).update(
        comment=WORDS[4],
        payer=WORDS[2],
        utxo_callback="https://callback.example/ann",
        last_error=f"no {WORDS[2]}",
    )
    Payment.objects.filter(order=order).update(payer_uma=WORDS[2], uma_invoice=json.dumps(WORDS))
    Order.objects.filter(pk=order.pk).update(last_error=f"no {WORDS[0]}", network="0" * 64)
    Mail.objects.filter(order=order).update(status="sent", sent_at=timezone.now())
    return order


def sums() -> dict:
    return {
        "orders": list(
            Order.objects.order_by("pk").values_list("pk", "status", "quantity", "price_sats", "paid_at")
        ),
        "seats": list(Event.objects.order_by("pk").values_list("seats_taken", flat=True)),
        "tickets": Ticket.objects.count(),
        "arrived": IncomingPayment.objects.aggregate(
            Sum("amount_msats"), Sum("applied_msats"), Sum("kept_msats")
        ),
        "node": sorted(IncomingPayment.objects.values_list("node_payment_id", flat=True)),
        "refunds": list(
            Refund.objects.order_by("pk").values_list("amount_msats", "fee_msats", "status", "sent_at")
        ),
    }


def test_after_its_days_a_dump_names_nobody_and_the_sums_are_as_before():
    order = sold()
    hit("PURCHASE_PER_IP", WORDS[0])
    ended(DAYS + 1, order)
    assert named() == WORDS
    before = sums()
    assert purge() == 1
    assert named() == []
    assert sums() == before
    assert run_integrity_checks() == []
    assert purge() == 0, "once is enough"
    again = Order.objects.get()
    assert (again.is_forgotten, again.status, again.tickets.count()) == (False, "paid", 2)


def test_a_day_before_it_stays():
    order = sold()
    ended(DAYS - 1, order)
    assert purge() == 0
    assert named() == WORDS


def test_nothing_says_which_account_it_was_either():
    ann = save_verified_user(email=WORDS[0], password="a long enough password", name="")[0]
    order = sold(buyer=ann)
    Order.objects.filter(pk=order.pk).update(scope=f"user:{ann.pk}")
    ended(DAYS + 1, order)
    purge()
    rows = [line for line in dump().splitlines() if WORDS[0] in line.lower()]
    assert {line.partition(":")[0] for line in rows} == {"accounts_user", "account_emailaddress"}
    kept = Order.objects.get()
    assert (kept.buyer, kept.scope, kept.request_hash, kept.network) == (None, "forgotten", "", "")


def test_a_refund_that_waits_keeps_its_address_until_it_has_arrived():
    order = sold()
    refund = refund_order(order)
    Mail.objects.update(status="sent", sent_at=timezone.now())
    ended(DAYS + 1, order)
    purge()
    assert WORDS[0] in named(), "where it goes, and whom to tell"
    order.refresh_from_db()
    assert (order.name, order.email) == ("", WORDS[0])
    Refund.objects.filter(pk=refund.pk).update(status="sent", sent_at=timezone.now() - timedelta(days=1))
    Mail.objects.update(status="sent", sent_at=timezone.now())
    purge_erased_orders()
    assert named() == []


def test_where_money_without_an_order_went_goes_too():
    incoming = stray_money()
    for days in (DAYS + 1, DAYS - 1):
        sent_at = timezone.now() - timedelta(days=days)
        Refund.objects.create(
            incoming_payment=incoming, amount_msats=1000, to=f"$of{days}@wallet.example", reason="unmatched",
            status="sent", sent_at=sent_at, ordinal=days,
        )  # fmt: skip
    purge()
    assert [f"$of{days}@" in dump() for days in (DAYS + 1, DAYS - 1)] == [False, True]


def test_the_setting_says_how_long_and_nought_keeps_all(settings):
    ended(3, sold())
    settings.PERSONAL_DATA_DAYS = 0
    assert purge() == 0
    settings.PERSONAL_DATA_DAYS = 2
    assert purge() == 1


def test_a_dry_run_says_of_which_events_and_changes_nothing():
    old, new = sold(), sold()
    ended(DAYS + 1, old)
    said = StringIO()
    call_command("purge", "--dry-run", stdout=said)
    assert f"{old.event.title}: 1 orders" in said.getvalue()
    assert "1 orders would be forgotten (365 days)." in said.getvalue()
    old.refresh_from_db()
    assert old.email == WORDS[0]
    said = StringIO()
    call_command("purge", stdout=said)
    assert "1 orders are forgotten" in said.getvalue()
    old.refresh_from_db(), new.refresh_from_db()
    assert (old.email, new.email) == ("", WORDS[0])


def test_the_worker_does_it():
    assert purge in [task.run for task in discover().periodic_tasks]
