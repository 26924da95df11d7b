"""Optional fields of Lightspark's answers: left out, nothing stops, and nothing is taken for a no."""

import pytest
import requests
from django.utils import timezone

from payments.models import IncomingPayment, Sweep
from payments.node import lightspark, listing
from payments.node.balance import fee_cap_msats, max_fees_msats
from payments.reconciliation import sweep_incoming, sweep_row
from payments.tests.toy_node import listed_payment, own_node, page_of

NOW = timezone.now()


@pytest.fixture
def no_balances(node, transactional_db):
    requests.post(f"{node}/api/faults", json={"kind": "node_no_balances"}, timeout=30).raise_for_status()
    yield node
    requests.delete(f"{node}/api/faults", timeout=30)


def test_a_look_at_a_node_without_balances_gets_to_its_end(no_balances):
    row = sweep_row()
    Sweep.objects.update(available_msats=5)
    before = row.read_until
    sweep_incoming(row)
    row.refresh_from_db()
    assert row.read_until > before
    assert row.succeeded_at
    assert row.available_msats is None


def test_a_refund_of_a_node_without_balances_may_be_tried():
    assert fee_cap_msats(1_000_000, balance_msats=None, read_at=NOW) == max_fees_msats(1_000_000)


def test_a_node_without_a_key_or_utxos_has_facts(toy):
    toy.answer = lambda *_: {"data": {"entity": own_node(public_key=None, uma_prescreening_utxos=None)}}
    assert lightspark.node_facts() == lightspark.NodeFacts(None, ())


@pytest.mark.parametrize("listed", [None, {"payments": None}])
def test_no_word_about_an_invoice_is_not_that_nobody_paid(toy, listed):
    toy.answer = lambda *_: {"data": {"incoming_payments_for_invoice": listed}}
    with pytest.raises(lightspark.NodeUnknown):
        lightspark.incoming_payments_of_invoice("Invoice:1")


def test_a_list_that_does_not_say_whether_it_goes_on_is_read_to_its_end(toy, transactional_db):
    rows = [listed_payment(number, NOW) for number in range(250)]

    def answer(operation: str, variables: dict) -> dict:
        page = page_of(rows, variables["after"], variables["first"])
        page["data"]["current_account"]["transactions"]["page_info"]["has_next_page"] = None
        return page

    toy.answer = answer
    pages = list(listing.incoming_pages(NOW))
    assert sum(len(page.payments) for page in pages) == 250


def test_an_amount_in_dollars_is_unknown_and_hides_no_other(toy, transactional_db):
    odd = listed_payment(1, NOW)
    odd["incoming_payment_amount"] = odd["incoming_payment_amount"] | {"currency_amount_original_unit": "USD"}
    toy.answer = lambda operation, variables: page_of(
        [odd, listed_payment(2, NOW)], variables["after"], variables["first"]
    )
    page = next(listing.incoming_pages(NOW))
    assert (len(page.payments), page.unreadable) == (1, [odd["id"]])
    assert not IncomingPayment.objects.exists()
