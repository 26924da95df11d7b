"""Connected wallets: kept encrypted, forgotten for good, asked once, and one way to pay at a time."""

import threading

import pytest
import requests
from django.core.management import CommandError, call_command
from django.db import connection

from payments.invoices import NotPayable, SlotTaken, open_invoice_for_payer
from payments.models import Invoice, Payment, Refund
from payments.node.lightspark import NodeUnknown
from payments.nwc import services
from payments.nwc.checking import check_wallet
from payments.nwc.models import ConnectedWallet, Tap
from payments.nwc.refunds import address_of
from payments.nwc.taps import bring_further
from payments.refund_sending import send_refund
from payments.tests.toy_relay import ToyRelay
from tests.factories import EventFactory, IncomingPaymentFactory, OrderFactory, UserFactory
from tests.processes import wait_until
from ticketsuma.encryption import Unreadable
from ticketsuma.jobs.worker import due_rows
from ticketsuma.state_machine import InvalidTransition


@pytest.fixture
def relay(settings):
    toy = ToyRelay()
    settings.UMA_LOCAL_VASPS = settings.UMA_LOCAL_VASPS | {toy.domain}
    yield toy
    toy.close()


@pytest.fixture
def payment(node, transactional_db) -> Payment:
    """What an order over 2500 sats owes; the node has made the invoice that its page shows."""
    return OrderFactory(event=EventFactory(price_sats=2500)).payment


@pytest.fixture
def wallet(payment, relay) -> ConnectedWallet:
    relay.results["get_budget"] = {"used_budget": 1_000_000, "total_budget": 5_000_000}
    made = services.connect(relay.link, payment=payment, ip="192.0.2.1")
    check_wallet(made)
    return made


def press(payment: Payment, wallet: ConnectedWallet) -> Tap:
    return services.press(payment, str(wallet.pk), None)


def further(tap: Tap) -> Tap:
    """As the worker would; the row as it then is."""
    bring_further(Tap.objects.select_related("payment", "wallet").get(pk=tap.pk))
    return Tap.objects.get(pk=tap.pk)


def live(payment: Payment) -> dict[str, str]:
    return dict(payment.invoices.live().values_list("slot", "status"))


def test_a_wallet_says_what_it_can_do_and_what_is_left(wallet, relay):
    assert (wallet.status, wallet.name, wallet.left_sats) == ("ready", "ann@wallet.example.com", 4000)
    assert (wallet.has_nip44, wallet.can_receive) == (True, True)


def test_a_wallet_that_may_not_pay_is_told_so(payment, relay):
    relay.methods = "get_balance"
    made = services.connect(relay.link, payment=payment, ip="192.0.2.1")
    check_wallet(made)
    assert (made.status, made.last_error) == ("failed", "cannot_pay")


# -- one way to pay at a time -----------------------------------------------------------------
def test_a_press_pays_by_an_invoice_of_its_own(wallet, payment, relay, node):
    plain = payment.invoices.get()

    def pay(event, asked):
        requests.post(f"{node}/api/payments", json={"bolt11": asked["params"]["invoice"]}, timeout=10)
        return [relay.message(relay.answer(event, relay.body(asked)))]

    relay.say = pay
    tap = press(payment, wallet)
    further(tap)
    wait_until(lambda: Tap.objects.get(pk=tap.pk).word, 10, "the wallet answers")
    assert further(tap).status == "paid"
    payment.refresh_from_db()
    plain.refresh_from_db()
    assert (payment.status, plain.status) == ("settled", "canceled")
    assert [asked["method"] for asked in relay.asked].count("pay_invoice") == 1


def test_while_a_wallet_may_pay_nobody_is_given_another_invoice(wallet, payment, relay):
    relay.say = lambda event, asked: []
    tap = further(press(payment, wallet))
    assert (tap.status, live(payment)) == ("sent", {"nwc": "open"})
    assert Payment.objects.get(pk=payment.pk).open_invoice is None
    with pytest.raises(SlotTaken):
        open_invoice_for_payer(payment=payment, payer="", create=lambda: None, kind=Invoice.Kind.LNURL)
    assert further(tap).status == "ended"
    assert live(payment) == {"plain": "open"}


def test_without_the_nodes_word_a_wallet_is_not_asked(wallet, payment, relay, settings):
    tap = press(payment, wallet)
    asked = len(relay.asked)
    settings.LIGHTSPARK_BASE_URL = "http://127.0.0.1:9/"
    from payments.node import lightspark

    lightspark._client.cache_clear()
    tap = further(tap)
    assert (tap.status, tap.word, live(payment)) == ("ended", "node", {"plain": "open"})
    assert len(relay.asked) == asked


def test_a_refused_cancel_keeps_trying(wallet, payment, relay, settings):
    relay.say = lambda event, asked: []
    tap = further(press(payment, wallet))
    from payments.node import lightspark

    settings.LIGHTSPARK_BASE_URL = "http://127.0.0.1:9/"
    lightspark._client.cache_clear()
    with pytest.raises(NodeUnknown):
        further(tap)
    assert (Tap.objects.get().status, live(payment)) == ("sent", {"nwc": "open"})


@pytest.mark.parametrize(
    ("code", "word"),
    [("QUOTA_EXCEEDED", "budget"), ("INSUFFICIENT_BALANCE", "balance"), ("UNAUTHORIZED", "revoked"),
     ("EXPIRED", "expired"), ("PAYMENT_FAILED", "refused")],
)  # fmt: skip
def test_a_refusal_is_told_and_the_code_comes_back(wallet, payment, relay, code, word):
    relay.say = lambda event, asked: [relay.message(relay.answer(event, relay.error(asked, code)))]
    tap = further(press(payment, wallet))
    wait_until(lambda: Tap.objects.get(pk=tap.pk).word, 10, "the wallet answers")
    tap = further(tap)
    assert (tap.status, tap.word, live(payment)) == ("ended", word, {"plain": "open"})


def test_a_wallet_that_lies_about_paying_is_not_believed(wallet, payment, relay):
    relay.results["pay_invoice"] = {"preimage": "00" * 32}
    tap = further(press(payment, wallet))
    wait_until(lambda: Tap.objects.get(pk=tap.pk).word, 10, "the wallet answers")
    tap = further(tap)
    payment.refresh_from_db()
    assert (tap.status, tap.word, payment.status) == ("ended", "claimed", "pending")


def test_two_presses_at_once_are_one(wallet, payment):
    said = []

    def push():
        try:
            said.append(press(payment, wallet).status)
        except InvalidTransition:
            said.append("done before")
        finally:
            connection.close()

    threads = [threading.Thread(target=push) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(said) == ["done before", "done before", "queued"]


# -- forgetting -------------------------------------------------------------------------------
def test_disconnecting_wins_against_a_payment_in_the_queue(wallet, payment, relay):
    tap = press(payment, wallet)
    asked = len(relay.asked)
    held = Tap.objects.select_related("payment", "wallet").get(pk=tap.pk)  # the worker has read it
    services.forget(ConnectedWallet.objects.filter(pk=wallet.pk))
    bring_further(held)
    tap.refresh_from_db()
    assert (tap.status, tap.word, len(relay.asked)) == ("ended", "forgotten", asked)
    assert live(payment) == {"plain": "open"}


def test_only_its_owner_may_press(wallet, payment, relay, db):
    owner, other = UserFactory(), UserFactory()
    mine = services.connect(relay.link, user=owner, ip="192.0.2.1")
    check_wallet(mine)
    for user in (None, other):
        with pytest.raises(services.NotConnected):
            services.press(payment, str(mine.pk), user)
    assert services.press(payment, str(mine.pk), owner).status == "queued"


def test_a_paid_order_takes_no_wallet(payment, relay):
    Payment.objects.filter(pk=payment.pk).update(status="closed")
    payment.refresh_from_db()
    with pytest.raises(NotPayable):
        services.connect(relay.link, payment=payment, ip="192.0.2.1")


def dump() -> str:
    """All rows of all tables, as a thief of a backup would read them."""
    with connection.cursor() as cursor:
        rows = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            rows += cursor.fetchall()
    return repr(rows)


def test_a_dump_of_the_database_spends_nothing(wallet, relay, payment):
    secret = relay.client.secret_key()
    text = dump().lower()
    assert str(wallet.pk).replace("-", "") in text.replace("-", "")  # the dump has the row
    for spelled in (secret.to_hex(), secret.to_bech32(), relay.link.lower(), "walletconnect"):
        assert spelled not in text
    services.forget(ConnectedWallet.objects.all())
    assert wallet.encrypted_link.lower() not in dump().lower()


def test_keys_are_rotated(wallet, settings):
    old = settings.SECOND_FACTOR_KEYS
    settings.SECOND_FACTOR_KEYS = ["another key of at least 32 characters", *old]
    assert wallet.link().secret
    call_command("connected_wallets", "reencrypt")
    settings.SECOND_FACTOR_KEYS = settings.SECOND_FACTOR_KEYS[:1]
    assert ConnectedWallet.objects.get().link().secret
    settings.SECOND_FACTOR_KEYS = old
    with pytest.raises(Unreadable):
        ConnectedWallet.objects.get().link()
    with pytest.raises(CommandError):
        call_command("connected_wallets", "reencrypt")


# -- refunds ----------------------------------------------------------------------------------
def refund_of(incoming) -> Refund:
    return Refund.objects.create(
        incoming_payment=incoming,
        amount_msats=700_000,
        reason="staff",
        to=address_of(incoming),
        **Refund.scheduled(),
    )


def test_a_refund_goes_to_the_connected_wallet(wallet, payment, relay, sandbox, settings):
    made = sandbox.post("/api/wallets/bob/invoices", amount_sats=700)
    relay.results["make_invoice"] = {"invoice": made["bolt11"]}
    incoming = IncomingPaymentFactory(payment=payment, amount_msats=2_500_000)
    assert address_of(incoming) == f"nwc:{wallet.pk}"
    refund = refund_of(incoming)
    send_refund(refund)
    refund.refresh_from_db()
    assert (refund.status in {"sending", "sent"}, refund.payment_hash) == (True, made["payment_hash"])
    assert refund.destination == "the connected wallet"


def test_a_refund_to_a_forgotten_wallet_waits_for_an_address(wallet, payment, sandbox):
    incoming = IncomingPaymentFactory(payment=payment, amount_msats=2_500_000)
    refund = refund_of(incoming)
    services.forget(ConnectedWallet.objects.all())
    send_refund(refund)
    refund.refresh_from_db()
    assert refund.status == "needs_address"


def test_what_is_due_is_found(wallet, payment):
    from ticketsuma.jobs.registry import discover

    tap = press(payment, wallet)
    assert [row.pk for row in due_rows(discover().queue("taps"))] == [tap.pk]
