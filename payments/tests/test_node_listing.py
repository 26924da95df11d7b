"""The node's list under load and with odd entries: no page lost, each payment handled by itself."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import ceil

import pytest
from django.utils import timezone

from payments import reconciliation
from payments.models import IncomingPayment, Sweep, WebhookEvent
from payments.node import listing
from payments.tests.toy_node import listed_payment, own_node, page_of
from ticketsuma import clock

A_SECOND = 100
AN_HOUR = 3600 * A_SECOND
LIST = "FetchAccountToTransactionsConnection"

pytestmark = pytest.mark.django_db(transaction=True)


class Sales(Sequence):
    """What a node lists that received 100 payments a second until `end`, newest first, between two times."""

    def __init__(self, end: datetime, since: datetime, until: datetime):
        self.end, self.first = end, max(0, round((end - until).total_seconds() * A_SECOND))
        self.last = max(self.first, round((end - since).total_seconds() * A_SECOND))

    def __len__(self):
        return self.last - self.first

    def __getitem__(self, part):
        numbers = range(self.first, self.last)[part]
        return [listed_payment(n, self.end - timedelta(seconds=n / A_SECOND)) for n in numbers]


@pytest.fixture
def busy(toy):
    """A node in its second hour of 100 sales a second; when the list ends."""
    end = timezone.now()

    def answer(operation: str, given: dict) -> dict:
        if operation != LIST:
            return {"data": {"entity": own_node()}}
        until = datetime.fromisoformat(given["before_date"]) if given["before_date"] else end
        return page_of(
            Sales(end, datetime.fromisoformat(given["after_date"]), until), given["after"], given["first"]
        )

    toy.answer = answer
    return end


def known(numbers: range, end: datetime) -> None:
    """These payments are recorded and allocated; their webhooks came."""
    IncomingPayment.objects.bulk_create(
        [
            IncomingPayment(
                node_payment_id=f"IncomingPayment:{number:032x}", payment_hash=f"{number:064x}",
                amount_msats=1000, kept_msats=1000, received_at=end, allocated_at=end,
            )
            for number in numbers
        ],
        batch_size=1000,
    )  # fmt: skip


def forget(*numbers: int) -> set[str]:
    names = {f"IncomingPayment:{number:032x}" for number in numbers}
    IncomingPayment.objects.filter(node_payment_id__in=names).delete()
    return names


def recorded(names: set[str]) -> int:
    return IncomingPayment.objects.filter(node_payment_id__in=names).count()


def test_a_look_at_100_sales_a_second_reads_what_is_new(busy, toy):
    """360,000 payments in the list of an hour were 3,600 calls every ten seconds; now they are 16."""
    known(range(3000), busy)
    lost = forget(0, 555, 999)  # no webhook told of them
    row = reconciliation.sweep_row()
    Sweep.objects.filter(pk=row.pk).update(read_until=busy - reconciliation.NEWS_EVERY)
    row.refresh_from_db()
    assert reconciliation.sweep(row) == 3
    assert recorded(lost) == 3
    assert toy.asked[LIST] <= 17
    looks = timedelta(hours=1) / reconciliation.NEWS_EVERY
    assert looks * toy.asked[LIST] < AN_HOUR / listing.PAGE_SIZE * 2


def test_each_payment_is_read_once_more_when_it_is_an_hour_old(busy, toy):
    """What began an hour ago and took long is found behind thousands of known ones, by a minute's calls."""
    hour, minute = AN_HOUR, 60 * A_SECOND
    known(range(hour - minute, hour + minute + 500), busy)
    lost = forget(hour + minute // 2)
    reconciliation.sweep_row()
    row = Sweep.objects.get(name=Sweep.AGAIN)
    row.read_until = since = busy - timedelta(hours=1, minutes=1)
    assert reconciliation.sweep(row) == 1
    assert recorded(lost) == 1
    row.refresh_from_db()
    assert row.read_until > busy - timedelta(hours=1, seconds=1)
    # A minute's, and those of the moments that this test took: each payment of the span in one page.
    in_the_span = (row.read_until - since).total_seconds() * A_SECOND
    assert toy.asked[LIST] <= ceil(in_the_span / listing.PAGE_SIZE) + 1


def test_after_a_pause_the_hour_is_caught_up_with_in_spans(busy, toy, settings):
    toy.answer = lambda *_: page_of([], None, 100)
    reconciliation.sweep_row()
    row = Sweep.objects.get(name=Sweep.AGAIN)
    row.read_until = began = timezone.now() - timedelta(hours=3)
    reconciliation.sweep(row)
    row.refresh_from_db()
    assert row.read_until - began == reconciliation.MAX_SPAN
    assert row.next_attempt_at < timezone.now()


def test_a_list_that_is_not_sorted_from_the_newest_is_read_to_its_end(toy):
    now = timezone.now()
    rows = [listed_payment(n, now - timedelta(seconds=300 - n)) for n in range(250)]
    toy.answer = lambda operation, given: page_of(rows, given["after"], given["first"])
    pages = list(listing.incoming_pages(now - timedelta(hours=1)))
    assert [len(page.payments) for page in pages] == [100, 100, 50]
    assert {page.newest for page in pages} == {None}


@pytest.mark.parametrize(
    "odd",
    [
        {"incoming_payment_amount": None},
        {"incoming_payment_created_at": "yesterday"},
        {"incoming_payment_destination": None},
    ],
)
def test_a_payment_that_cannot_be_read_hides_no_other(toy, odd):
    """And nobody forgets it: it is asked for by itself, like a webhook's, until staff see it."""
    now = timezone.now()
    rows = [listed_payment(1, now), listed_payment(2, now) | odd, listed_payment(3, now)]
    toy.answer = lambda operation, given: page_of(rows, given["after"], given["first"])
    page = next(listing.incoming_pages(now - timedelta(hours=1)))
    count, unrecorded = reconciliation._settle_page(page)
    assert (count, unrecorded, IncomingPayment.objects.count()) == (2, False, 2)
    event = WebhookEvent.objects.get()
    assert (event.entity_id, event.processed_at) == (rows[1]["id"], None)
    reconciliation._settle_page(page)
    assert WebhookEvent.objects.count() == 1


# -- whose money it is ------------------------------------------------------------------------
def our_node_is(toy, name: str, rows: list[dict]) -> None:
    def answer(operation: str, given: dict) -> dict:
        if operation == LIST:
            return page_of(rows, given["after"], given["first"])
        return {"data": {"entity": own_node(name)}}

    toy.answer = answer


def test_our_node_is_known_by_the_id_it_gives_itself(toy, settings):
    """Money came in, and every payment was ignored, because Lightspark spells the node's id otherwise."""
    settings.LIGHTSPARK_NODE_ID = "LightsparkNodeWithOSK:0190-abcd"
    spelled = "LightsparkNodeWithOSKLND:0190-abcd"
    now = timezone.now()
    row = listed_payment(1, now) | {"incoming_payment_destination": {"id": spelled}}
    our_node_is(toy, spelled, [row])
    reconciliation._settle_page(next(listing.incoming_pages(now)))
    assert IncomingPayment.objects.count() == 1


def test_money_for_another_node_of_the_account_is_said_and_left_alone(toy, settings, caplog):
    now = timezone.now()
    row = listed_payment(1, now) | {"incoming_payment_destination": {"id": "LightsparkNodeWithOSK:other"}}
    our_node_is(toy, settings.LIGHTSPARK_NODE_ID, [row])
    reconciliation._settle_page(next(listing.incoming_pages(now)))
    assert IncomingPayment.objects.count() == 0
    assert "money for another node of the account: IncomingPayment:" in caplog.text


def test_our_invoice_is_ours_at_whatever_node_it_was_paid(toy, settings, payment):
    """The operator changed LIGHTSPARK_NODE_ID while a BOLT11 of the old node was open."""
    now = timezone.now()
    invoice = payment.invoices.get()
    hash_of_it = "ab" * 32
    invoice.advance("open", invoice_id="Invoice:1", bolt11="lnbcrt1", payment_hash=hash_of_it, expires_at=now)
    by_id = {"incoming_payment_payment_request": {"id": "Invoice:1"}}
    by_hash = {
        "incoming_payment_transaction_hash": hash_of_it,
        "incoming_payment_payment_request": {"id": "Invoice:?"},
    }
    elsewhere = {"incoming_payment_destination": {"id": "LightsparkNodeWithOSK:old"}}
    rows = [listed_payment(1, now) | by_id | elsewhere, listed_payment(2, now) | by_hash | elsewhere]
    our_node_is(toy, settings.LIGHTSPARK_NODE_ID, rows)
    reconciliation._settle_page(next(listing.incoming_pages(now)))
    assert set(IncomingPayment.objects.values_list("payment", flat=True)) == {payment.pk}
    assert IncomingPayment.objects.count() == 2


def test_after_a_clock_was_wrong_a_day_is_read_again(toy):
    """`read_until` in the future hid everything that came until then."""
    asked = []
    toy.answer = lambda operation, given: asked.append(given) or page_of([], None, 100)
    row = reconciliation.sweep_row()
    row.read_until = clock.now() + timedelta(days=1)
    with pytest.raises(reconciliation.lightspark.NodeUnknown):
        reconciliation.sweep(row)  # the toy says nothing of its balance
    assert clock.now() - datetime.fromisoformat(asked[0]["after_date"]) > timedelta(hours=23)
