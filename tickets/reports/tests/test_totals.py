"""Totals: the report says what the exports, the statements, the books and the node's own list say."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from events.models import Organizer
from payments.models import IncomingPayment, Refund
from tests.acts import hold
from tests.factories import EveningFactory
from tickets.models import Order
from tickets.receipts.drawing import SOLD, draw_due
from tickets.reports import figures, tables
from tickets.reports.periods import Period
from tickets.reports.scopes import Scope
from tickets.reports.tests.stories import Stories
from tickets.staff import audit
from tickets.staff.books import read_books
from tickets.staff.statements import statement

pytestmark = pytest.mark.django_db(transaction=True)
LISBON = ZoneInfo("Europe/Lisbon")
ALWAYS = Period(date(2020, 1, 1), date(2100, 1, 1), LISBON)
SPRING = Period(date(2030, 2, 28), date(2030, 5, 1), LISBON)


def column(table: tables.Table, name: str, period=ALWAYS, scope=None) -> list:
    [_label], *rows = table.rows(scope or Scope(), period, [table.column(name)])
    return [cell for [cell] in rows]


def msats(cells: list) -> int:
    return round(sum(cell or 0 for cell in cells) * 1000)


@pytest.mark.parametrize("seed", [1, 2])
def test_report_exports_statements_books_and_node_agree(seed, pytestconfig):
    stories = Stories(seed, 5_000 if pytestconfig.getoption("long") else 150)
    assert audit.run_integrity_checks() == []
    money = figures.money(Scope(), ALWAYS, "default")
    # the node's own list, and the books that the audit compares with its balance
    assert money.received_msats == sum(stories.node.values()) == read_books().received_msats
    assert money.payments == len(stories.node)
    # the exports
    assert money.received_msats == msats(column(tables.PAYMENTS, "received_sats"))
    assert money.sold_msats == msats(column(tables.PAYMENTS, "sold_sats"))
    assert money.kept_msats == msats(column(tables.PAYMENTS, "kept_sats"))
    assert money.refunded_msats == msats(column(tables.PAYMENTS, "refunded_sats"))
    assert money.refunded_msats == msats(column(tables.REFUNDS, "sats"))
    # the receipts of what was paid, less the credit notes of what was sent back
    while draw_due():  # so many at a time
        pass
    assert audit.run_integrity_checks() == []
    bought = IncomingPayment.objects.filter(payment__order__paid_at__isnull=False)
    on_its_way = Refund.objects.filter(
        incoming_payment__in=bought, reason__in=SOLD).exclude(status=Refund.Status.SENT)  # fmt: skip
    receipts = msats(column(tables.RECEIPTS, "sats"))
    assert receipts == money.sold_msats + sum(refund.amount_msats for refund in on_its_way) > 0
    # the statements, which know no unmatched money
    owners = [None, *Organizer.objects.all()]
    totals = [statement(owner).total for owner in owners]
    sums = [figures.money(Scope(event=event), ALWAYS, "default") for event in stories.events]
    for name in ("received_msats", "sold_msats", "kept_msats", "refunded_msats", "waiting_msats"):
        assert sum(getattr(one, name) for one in totals) == sum(getattr(one, name) for one in sums), name


@pytest.mark.parametrize("seed", [3])
def test_every_breakdown_of_the_sales_has_one_sum(seed, monkeypatch):
    Stories(seed, 150)
    sales = figures.sales(Scope(), SPRING, "default")
    total = sales.total
    assert total.orders > 50
    assert total == figures.sales_total(Scope(), SPRING, "default")
    assert total == sum((line.sold for line in sales.events), figures.Sold())
    assert (total.seats, total.sats) == (
        sum(line.sold.seats for line in sales.types), sum(line.sold.sats for line in sales.types),
    )  # fmt: skip
    # the exported orders, by the same days
    [_labels, *rows] = tables.ORDERS.rows(
        Scope(), SPRING, [tables.ORDERS.column(name) for name in ("paid_at", "seats", "sats", "status")]
    )
    paid = [row for row in rows if row[0]]
    assert total == figures.Sold(
        len(paid), sum(row[1] for row in paid), sum(row[2] for row in paid),
        sum(row[3] == "canceled" for row in paid),
    )  # fmt: skip
    by_day = dict(sales.steps)
    for day in {row[0].date() for row in paid}:
        assert by_day[day].orders == sum(row[0].date() == day for row in paid)
    by_month = figures.sales(Scope(), Period(date(2030, 1, 1), date(2030, 12, 31), LISBON), "default")
    assert len(by_month.steps) == 12
    assert by_month.total == total
    # of many types those that sold most are shown
    assert len(sales.types) > 2
    monkeypatch.setattr(figures, "MOST_LINES", 2)
    assert figures.sales(Scope(), SPRING, "default").types == sales.types[:2]


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2030, 1, 15, 23, 59, 59, tzinfo=UTC), date(2030, 1, 15)),
        (datetime(2030, 1, 16, 0, 0, 0, tzinfo=UTC), date(2030, 1, 16)),
        (datetime(2030, 6, 15, 22, 59, 59, tzinfo=UTC), date(2030, 6, 15)),  # 23:59:59 in Lisbon
        (datetime(2030, 6, 15, 23, 0, 0, tzinfo=UTC), date(2030, 6, 16)),
        (datetime(2030, 3, 31, 1, 30, tzinfo=UTC), date(2030, 3, 31)),  # clocks go forward
        (datetime(2030, 10, 27, 0, 30, tzinfo=UTC), date(2030, 10, 27)),  # 1:30, for the first time
        (datetime(2030, 10, 27, 1, 30, tzinfo=UTC), date(2030, 10, 27)),  # and once more
    ],
)
def test_a_sale_is_of_the_day_of_its_zone(moment, day):
    order = hold(EveningFactory(price_sats=0))
    Order.objects.filter(pk=order.pk).update(paid_at=moment, created_at=moment)
    one = Period(day, day, LISBON)
    assert figures.sales_total(Scope(), one, "default").orders == 1
    assert figures.sales(Scope(), one, "default").steps[0][1].orders == 1
    assert len(column(tables.ORDERS, "code", one)) == 1
    assert figures.sales_total(Scope(), one.before, "default").orders == 0


def test_days_of_changed_clocks_have_their_length():
    assert (
        Period(date(2030, 3, 31), date(2030, 3, 31), LISBON).end
        - Period(date(2030, 3, 31), date(2030, 3, 31), LISBON).start
    ).total_seconds() == 23 * 3600
    ends = Period(date(2030, 10, 20), date(2030, 10, 27), LISBON)
    assert ends.before.end == ends.start
