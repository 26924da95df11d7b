"""Amount that arrives of a refund: read in the wallet's answer, shown to people, never nothing."""

import pytest
import uma

from payments.models import Refund
from payments.tests.refunding import SATS, step
from payments.tests.test_uma_send import AMOUNT, Receiver, ask, new_bolt11
from payments.uma.arrival import Arrival, NothingArrives
from payments.uma.send import BadAnswer, CannotReceive

DOLLARS = uma.Currency("USD", "US dollars", "$", 17_857.0, 1, 10**6, 2)


@pytest.fixture
def receiver(wallet, node, transactional_db) -> Receiver:
    return Receiver(wallet)


@pytest.mark.protocol("UMAD-06", "What the receiver gets is read: amount, currency, fee.")
def test_what_arrives_is_read(receiver):
    receiver.currency, receiver.fee_msats = DOLLARS, 2_000
    assert ask(receiver).arrival == Arrival(68, "USD", 2, 2_000)


def test_sats_arrive_as_sats(receiver):
    assert ask(receiver).arrival == Arrival(AMOUNT // 1000, "SAT", 0, 0)
    assert ask(receiver, "").arrival is None  # a Lightning address says nothing of it


def test_a_receiver_of_version_0_says_it_in_its_own_words(receiver):
    receiver.majors = (0,)
    assert ask(receiver).arrival == Arrival(1234, "SAT", 0, 0)
    terse = {"currencyCode": "SAT", "decimals": 0, "multiplier": 1000, "exchangeFeesMillisatoshi": 34_000}
    receiver.answer_changes = {"paymentInfo": terse}
    assert ask(receiver).arrival == Arrival(1200, "SAT", 0, 34_000)


NOTHING = [
    {"amount": -14, "fee": 1_480_000},  # as a wallet in dollars answered
    {"amount": 0, "fee": AMOUNT - 1},
    {"amount": 1, "fee": AMOUNT},
]


@pytest.mark.protocol("UMAD-06", "What leaves nothing for the receiver is not paid.")
@pytest.mark.parametrize("changes", NOTHING)
def test_where_nothing_would_arrive_nothing_is_sent(receiver, changes):
    receiver.answer_changes = {
        "converted": {"currencyCode": "SAT", "decimals": 0, "multiplier": 1000} | changes
    }
    with pytest.raises(NothingArrives) as caught:
        ask(receiver)
    assert isinstance(caught.value, CannotReceive)


CONTRADICTIONS = [
    {"currencyCode": "USD"},
    {"currencyCode": "S" * 17},
    {"currencyCode": "<b>"},
    {"amount": 600},  # half of it gone, and no fee said
    {"amount": 2600},
    {"amount": "1234"},
    {"amount": 2**70},
    {"fee": -1},
    {"fee": "0"},
    {"fee": True},
    {"multiplier": 0},
    {"multiplier": -1000},
    {"multiplier": "1000"},
    {"multiplier": 1e300},
    {"decimals": -1},
    {"decimals": 400},
    {"decimals": None},
]


@pytest.mark.parametrize("changes", CONTRADICTIONS, ids=str)
def test_sums_that_do_not_add_up_are_not_believed(receiver, changes):
    honest = {"amount": 1234, "currencyCode": "SAT", "decimals": 0, "multiplier": 1000, "fee": 0}
    receiver.answer_changes = {"converted": honest | changes}
    with pytest.raises(BadAnswer):
        ask(receiver)


@pytest.mark.parametrize("body", [None, [], "x", 5, {}])
def test_an_answer_that_does_not_say_what_arrives_is_refused(receiver, body):
    receiver.answer_changes = {"converted": body}
    with pytest.raises(BadAnswer):
        ask(receiver)


@pytest.mark.protocol("UMAD-04", "A receiver that settles elsewhere than on Lightning cannot be paid.")
def test_a_receiver_that_does_not_settle_on_lightning_cannot_receive(receiver):
    spark = {"settlementLayer": "spark", "assets": []}
    receiver.lookup_changes = {"settlementOptions": [spark]}
    with pytest.raises(CannotReceive):
        ask(receiver)
    receiver.lookup_changes = {"settlementOptions": [spark, {"settlementLayer": "ln", "assets": []}]}
    assert ask(receiver).bolt11 == receiver.pr


# -- what becomes of the refund ---------------------------------------------------------------
def at_receiver(make_refund, receiver: Receiver) -> Refund:
    refund = make_refund()
    Refund.objects.filter(pk=refund.pk).update(to=f"$alice@{receiver.wallet.domain}")
    receiver.pr = new_bolt11(amount_msats=SATS * 1000)
    receiver.currency = DOLLARS
    return refund


def test_a_wallet_that_would_eat_it_whole_is_not_paid(sandbox, make_refund, receiver):
    refund = at_receiver(make_refund, receiver)
    receiver.fee_msats = 2_750_000
    step(refund)
    assert (refund.status, refund.last_error) == ("needs_address", "nothing_would_arrive")
    assert sandbox.sent(refund) == []


def test_people_see_what_arrives_where_it_is_not_sats(sandbox, make_refund, receiver):
    refund = at_receiver(make_refund, receiver)
    receiver.fee_msats = 50_000
    step(refund)
    assert (refund.arrives, refund.wallet_fee_msats) == ("1.37 USD", 50_000)
    Refund.objects.update(arrives_currency="SAT", arrives_amount=2450, arrives_decimals=0)
    assert Refund.objects.get().arrives == "2,450 sats"
    Refund.objects.update(arrives_amount=2500, wallet_fee_msats=0)
    assert Refund.objects.get().arrives == ""
