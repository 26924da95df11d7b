"""Reports and exports of random stories, over the real processes: one sum everywhere, the node's too."""

import random
from concurrent.futures import ThreadPoolExecutor

from tests.buyer import Buyer, Sandbox, make_event
from tests.processes import wait_until

FEW, MANY = 200, 10_000
FATES = (
    "left",
    "canceled",
    "paid",
    "paid",
    "paid",
    "with an address",
)  # and faults make some of the paid odd
QUIET = """
from payments.models import IncomingPayment, Refund
moving = Refund.objects.filter(status__in=["queued", "sending"]).exists()
left = IncomingPayment.objects.filter(allocated_at=None, payment__isnull=False).exists()
answer = None if moving or left else IncomingPayment.objects.filter(payment__order__event__in=events).count()
"""
SUMS = """
from payments.node import listing
from tests.journeys.test_reports import sums_of
pages = listing.incoming_pages(timezone.now() - timedelta(days=2), every_node=True)
answer = sums_of({one.node_payment_id: one.amount_msats for page in pages for one in page.payments}, events)
"""


def sums_of(listed: dict[str, int], events: list[int]) -> dict[str, list[int]]:
    """Inside the shop: msats by the report, by the exports, and by the node's own list, for each event."""
    from datetime import date
    from zoneinfo import ZoneInfo

    from events.models import Event
    from tickets.reports import figures, tables
    from tickets.reports.periods import Period
    from tickets.reports.scopes import Scope

    always = Period(date(2020, 1, 1), date(2029, 12, 31), ZoneInfo("Europe/Lisbon"))
    found: dict[str, list[int]] = {"received": [], "sold": [], "refunded": []}
    for event in Event.objects.filter(pk__in=events):
        scope = Scope(event=event)
        report = figures.money(scope, always, "default")
        names = ("node_payment_id", "received_sats", "sold_sats", "refunded_sats")
        columns = [tables.PAYMENTS.column(name) for name in names]
        _labels, *rows = tables.PAYMENTS.rows(scope, always, columns)
        refunds = list(tables.REFUNDS.rows(scope, always, [tables.REFUNDS.column("sats")]))[1:]
        by_node = sum(listed[name] for name, *_rest in rows)
        msats = [sum(round(row[place] * 1000) for row in rows) for place in (1, 2, 3)]
        found["received"] += [report.received_msats, msats[0], by_node]
        found["sold"] += [report.sold_msats, msats[1], msats[1]]
        found["refunded"] += [report.refunded_msats, msats[2], sum(round(one * 1000) for (one,) in refunds)]
    return found


def test_report_exports_audit_and_node_have_one_sum(either_stack, pytestconfig):
    stack, sandbox = either_stack, Sandbox(either_stack)
    count = MANY if pytestconfig.getoption("long") else FEW
    luck = random.Random(19)
    events = [make_event(stack, capacity=4 * count, price_sats=price) for price in (1000, 777)]
    wallet = sandbox.wallet("bob").address
    stories = [(luck.choice(FATES), luck.choice(events), luck.randint(1, 3)) for _story in range(count)]

    def tell(story: tuple[str, int, int]) -> str:
        """The payment hash, where somebody pays."""
        fate, event, seats = story
        to = {"uma_address": wallet} if fate == "with an address" else {}
        buyer = Buyer(stack).buy(event, quantity=seats, **to)
        if fate in ("left", "canceled"):
            if fate == "canceled":  # refused where the node took too long to say what became of the invoice
                answer = buyer.cancel()
                assert answer.status_code == 200 or answer.json()["code"] == "payment_in_flight"
            return ""
        return sandbox.pay_from_outside(buyer.bolt11(60))["payment_hash"]

    sandbox.fault("duplicate_payment", count=count // 10)
    for delta in (50_500, -100_000):
        sandbox.fault("wrong_amount", count=count // 20, delta_msats=delta)
    with ThreadPoolExecutor(8) as pool:
        hashes = list(filter(None, pool.map(tell, stories)))
    arrived = len(sandbox.payments(hashes))
    assert arrived == len(hashes) + count // 10
    seconds = 120 + count / 10
    wait_until(
        lambda: stack.django(QUIET, events=events) == arrived, seconds, f"{arrived} payments are booked"
    )
    sums = stack.django(SUMS, events=events)
    for name, found in sums.items():
        for place in range(0, len(found), 3):
            assert len({*found[place : place + 3]}) == 1, (name, found)
    assert min(sums["received"]) > 0
    assert min(sums["refunded"]) > 0
    stack.audit(seconds)
