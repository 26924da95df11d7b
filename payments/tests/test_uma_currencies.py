"""Prices in other currencies as wallets see them: offered, locked on either side, and in requests."""

import bolt11
import pytest
import uma
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from payments.models import Payment
from payments.rates.services import Rate
from payments.services import push_again
from payments.tests.test_uma_lookup import get, plain
from payments.tests.test_uma_payreq import ask, assert_refused
from payments.tests.test_uma_push import push
from payments.tests.wallet import send
from payments.uma.currencies import as_priced, offers
from payments.uma.push import ensure_uma_invoice
from ticketsuma.money import minor_digits

# $12.50 at 96,123.45: 13,004.11 sats, and so 13,005; 1040.4 sats the dollar.
CENTS, SATS = 1250, 13_005


@pytest.fixture
def dollars(priced) -> Payment:
    payment = priced()
    assert payment.amount_sats == SATS
    return payment


# -- lookup -----------------------------------------------------------------------------------
@pytest.mark.protocol("UMAD-04", "A price in dollars is offered in dollars, at the agreed quote, and in SAT.")
def test_the_priced_currency_is_offered_beside_sats(dollars, wallet):
    body = get(wallet.lookup_url(dollars.uma_pay_address)).json()
    assert body["minSendable"] == body["maxSendable"] == SATS * 1000
    assert body["currencies"] == [
        {
            "code": "USD", "name": "US Dollar", "symbol": "$", "decimals": 2,
            "multiplier": SATS * 1000 / CENTS, "convertible": {"min": CENTS, "max": CENTS},
        },
        {
            "code": "SAT", "name": "Satoshis", "symbol": "", "decimals": 0, "multiplier": 1000,
            "convertible": {"min": SATS, "max": SATS},
        },
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("currency", "amount", "decimals"), [("JPY", 1500, 0), ("BHD", 4700, 3), ("EUR", 1, 2)]
)
def test_the_smallest_unit_is_the_currencys(priced, wallet, currency, amount, decimals):
    payment = priced(currency, amount)
    [offered, _sats] = get(wallet.lookup_url(payment.uma_pay_address)).json()["currencies"]
    assert (offered["code"], offered["decimals"]) == (currency, decimals)
    assert offered["convertible"] == {"min": amount, "max": amount}


@pytest.mark.protocol("UMAD-08", "Senders of version 0 are offered sats, whatever the price is in.")
def test_a_sender_of_version_0_is_offered_sats(dollars, wallet):
    url = uma.create_uma_lnurlp_request_url(
        wallet.signing_key, dollars.uma_pay_address, wallet.domain, False, uma_version_override="0.3"
    )
    assert [(one["code"], one["maxSendable"]) for one in get(url).json()["currencies"]] == [("SAT", SATS)]


def test_a_plain_wallet_sees_sats(dollars):
    body = plain(dollars).json()
    assert body["minSendable"] == body["maxSendable"] == SATS * 1000
    assert "currencies" not in body


# -- pay request ------------------------------------------------------------------------------
WAYS = [
    ("1250.USD", "USD"),  # the receiver's side is locked
    ("13005000", "USD"),  # the sender's
    ("13005000", "SAT"),
    ("13005.SAT", "SAT"),
    ("13005.SAT", "USD"),
    ("1250.USD", "SAT"),
    ("1250", "USD"),  # known mistakes: bare numbers mean msats
    ("13005", "SAT"),
]


@pytest.mark.parametrize(("amount", "convert"), WAYS)
@pytest.mark.protocol(
    "UMAD-05", "Either side may be locked: minor units, sats, or exactly the quote's msats."
)
def test_either_side_may_be_locked(dollars, wallet, node, amount, convert):
    request = wallet.sign_pay_request() | {"amount": amount, "convert": convert}
    answer = ask(dollars, request)
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert bolt11.decode(body["pr"]).amount_msat == SATS * 1000
    due, multiplier = {"USD": (CENTS, SATS * 1000 / CENTS), "SAT": (SATS, 1000)}[convert]
    assert (body["converted"]["currencyCode"], body["converted"]["amount"]) == (convert, due)
    assert (body["converted"]["multiplier"], body["converted"]["fee"]) == (multiplier, 0)


def test_no_unit_is_lost_when_the_senders_side_is_locked(priced, wallet, node):
    """73,000 msats divided by the multiplier of seven cents are 6.999… as floats."""
    payment = priced(amount=7)
    request = wallet.sign_pay_request() | {"amount": str(payment.amount_msats), "convert": "USD"}
    assert ask(payment, request).json()["converted"]["amount"] == 7


@pytest.mark.parametrize(
    "amount",
    [
        "1249.USD",
        "1251.USD",
        "12.USD",
        "13005.USD",
        "13004999",
        "13005001",
        "12999000",
        "1249",
        "1250.SAT",
        "0",
        "-1250",
    ],
)
def test_any_other_amount_is_refused(dollars, wallet, amount):
    request = wallet.sign_pay_request() | {"amount": amount, "convert": "USD"}
    answer = ask(dollars, request)
    assert_refused(answer, "AMOUNT_OUT_OF_RANGE", 400)
    assert "12.50 USD or 13005 sats" in answer.json()["reason"]


@pytest.mark.parametrize(
    ("amount", "convert"), [("1250.EUR", "EUR"), ("1250.USD", "EUR"), ("1250.usd", "USD")]
)
def test_another_currency_is_refused(dollars, wallet, amount, convert):
    request = wallet.sign_pay_request() | {"amount": amount, "convert": convert}
    assert_refused(ask(dollars, request), "INVALID_CURRENCY", 400)


@pytest.mark.parametrize("currency", ["SAT", "USD"])
def test_a_sender_of_version_0_pays_in_sats(dollars, wallet, node, currency):
    request = wallet.sign_pay_request(
        uma_major_version=0, receiving_currency_code=currency, amount={"SAT": SATS, "USD": CENTS}[currency]
    )
    answer = ask(dollars, request)
    if currency == "USD":
        assert_refused(answer, "INVALID_CURRENCY", 400)
    else:
        assert bolt11.decode(answer.json()["pr"]).amount_msat == SATS * 1000


@pytest.mark.protocol("UMAD-06", "`converted` says what the lookup said, for every amount and rate.")
@given(
    amount=st.integers(1, 10**7),
    currency=st.sampled_from(["USD", "JPY", "BHD"]),
    btc_price=st.decimals("1000", "1e9", places=2),
)
def test_a_wallet_that_multiplies_comes_to_the_quote(amount, currency, btc_price):
    msats = Rate(currency, btc_price, (), timezone.now()).msats(amount)
    payment = Payment(currency=currency, amount_minor=amount, amount_sats=msats // 1000)
    offer = as_priced(payment)
    assert round(offer.amount * offer.msats_per_unit) == msats
    assert [one.code for one in offers(payment).values()] == [currency, "SAT"]
    assert offer.decimals == minor_digits(currency)


# -- UMA invoices -----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("currency", "amount", "symbol", "decimals"),
    [("USD", 1250, "$", 2), ("EUR", 99, "€", 2), ("JPY", 1500, "¥", 0)],
)
@pytest.mark.protocol("UMAD-09", "The UMA invoice names the currency that the price is in.")
def test_the_uma_invoice_is_in_the_priced_currency(priced, currency, amount, symbol, decimals):
    invoice = uma.Invoice.from_bech32_string(ensure_uma_invoice(priced(currency, amount)))
    named = invoice.receving_currency
    assert (named.code, named.symbol, named.decimals, invoice.amount) == (currency, symbol, decimals, amount)


def asked_for(wallet) -> list[tuple[str, int]]:
    """Currency and amount of each request that came to the wallet, which all were for one address."""
    invoices = [uma.Invoice.from_bech32_string(body["invoice"]) for body in wallet.posted]
    assert len({(one.receiver_uma, one.callback) for one in invoices}) <= 1
    return [(one.receving_currency.code, one.amount) for one in invoices]


def answering(*statuses: int):
    """A handler that answers one status after the other."""
    to_come = iter(statuses)
    return lambda handler: send(handler, next(to_come), b"{}")


@pytest.mark.parametrize("status", [400, 422, 500, 503])
@pytest.mark.protocol(
    "UMAD-11", "A wallet that refuses, or breaks over, another currency is asked for sats once."
)
def test_a_wallet_that_knows_sats_only_is_asked_for_sats(priced, wallet, status):
    payment = priced(uma_address=f"$alice@{wallet.domain}")
    wallet.takes_requests(answering(status, 200))
    pushed = push(payment)
    assert (pushed.push, pushed.last_error) == ("delivered", "")
    assert asked_for(wallet) == [("USD", CENTS), ("SAT", SATS)]


@pytest.mark.parametrize(("status", "word", "posts"), [(400, "refused", 2), (500, "unreachable", 5)])
def test_a_wallet_that_refuses_sats_too_is_asked_no_more(priced, wallet, status, word, posts):
    payment = priced(uma_address=f"$alice@{wallet.domain}")
    wallet.takes_requests(status)
    assert push(payment, times=9).push == word
    assert asked_for(wallet) == [("USD", CENTS)] + [("SAT", SATS)] * (posts - 1)


@pytest.mark.parametrize("status", [408, 429])
def test_a_wallet_that_is_busy_is_asked_again_in_the_same_currency(priced, wallet, status):
    payment = priced(uma_address=f"$alice@{wallet.domain}")
    wallet.takes_requests(status)
    assert push(payment, times=2).push == "queued"
    assert asked_for(wallet) == [("USD", CENTS)] * 2


def test_a_request_sent_on_is_in_the_priced_currency_again(priced, wallet):
    payment = priced(uma_address=f"$alice@{wallet.domain}")
    wallet.takes_requests(answering(400, 400))
    assert push(payment).push == "refused"
    wallet.forget()
    wallet.takes_requests()
    push_again(payment, uma_address=f"$bob@{wallet.domain}")
    assert push(payment).push == "delivered"
    assert asked_for(wallet) == [("USD", CENTS)]
