"""The audit's line of money: received − sent − fees is the node's balance less its float."""

import json

import pytest
import requests
from django.core.management import call_command

from payments.models import Refund
from payments.node import lightspark
from payments.tests.conftest import *  # noqa: F403, the sandbox's fixtures
from payments.tests.refunding import TIMEOUT, assert_sent_once, step
from tickets.staff.books import find_missing, read_books


@pytest.fixture
def costly_node(sandbox, settings):
    """The node pays 1 sat and 0.2 % for each payment."""
    path = f"{sandbox.url}/api/nodes/{settings.LIGHTSPARK_NODE_ID}"
    for fees in ({"fee_base_msats": 1000, "fee_ppm": 2000}, {"fee_base_msats": 0, "fee_ppm": 0}):
        answer = requests.patch(path, json=fees, timeout=TIMEOUT)
        assert answer.ok, answer.text
        if fees["fee_ppm"]:
            yield sandbox


def test_fees_are_in_the_books(costly_node, make_refund):
    had = lightspark.owned_msats()
    refund = step(make_refund(sats=2500))
    assert_sent_once(costly_node, refund)
    assert refund.fee_msats == 6000
    books = read_books()
    assert (books.received_msats, books.sent_msats, books.fees_msats) == (2_500_000, 2_500_000, 6000)
    assert books.node_msats == had - 2_506_000
    # The sats of `make_refund` never came in at the sandbox: the float paid for them.
    assert books.float_msats == had - 2_500_000
    assert "for 6 sats of fees: -6 sats are left." in books.says


def test_missing_sats_are_found_only_where_the_float_is_known(costly_node, make_refund, settings):
    step(make_refund(sats=2500))
    books = read_books()
    assert find_missing(books) == []
    settings.NODE_FLOAT_SATS = books.float_msats // 1000
    assert find_missing(books) == []
    settings.NODE_FLOAT_SATS += 7
    (missing,) = find_missing(books)
    assert missing.says.startswith("7 sats are missing.")
    Refund.objects.update(status="sending", fee_cap_msats=25_000)
    assert find_missing(read_books()) == []


def test_what_a_refund_cost_before_it_was_kept_is_unknown(costly_node, make_refund):
    step(make_refund())
    Refund.objects.update(fee_msats=None)
    assert "The fees of 1 refunds were not kept." in read_books().says


def test_the_audit_shows_the_books(costly_node, make_refund, capsys, settings):
    step(make_refund())
    with pytest.raises(SystemExit):  # the money of make_refund is not on the node's list
        call_command("audit", "--json")
    books = json.loads(capsys.readouterr().out)["books"]
    assert books["fees_msats"] == 6000
    assert books["float_msats"] == books["node_msats"] - books["left_msats"]


def test_a_silent_node_says_nothing(settings, transactional_db):
    settings.LIGHTSPARK_BASE_URL = "http://127.0.0.1:9/"
    books = read_books()
    assert (books.node_msats, books.float_msats, find_missing(books)) == (None, None, [])
    assert "The node does not say what it has." in books.says
