"""Checks of the connection to the node: each fault is reported in a sentence."""

import pytest
from django.utils import timezone

from payments.node import lightspark, outgoing
from payments.node.checks import look_at_node
from payments.tests.toy_node import listed_payment, own_node, page_of

pytestmark = pytest.mark.django_db(transaction=True)
TRANSACT = ["REGTEST_VIEW", "REGTEST_TRANSACT"]


class Lightspark:
    """What the toy node answers to the doctor; a test changes what it is about."""

    def __init__(self, settings):
        self.token = settings.LIGHTSPARK_API_TOKEN_CLIENT_ID
        self.nodes = [{"id": settings.LIGHTSPARK_NODE_ID, "display_name": "us", "bitcoin_network": "REGTEST"}]
        self.permissions: list[str] = TRANSACT
        self.node: dict | None = own_node(remote_balance=None)
        self.key: dict | None = None
        self.listed: list[dict] = []

    def __call__(self, operation: str, given: dict) -> dict:
        tokens = [{"client_id": self.token, "permissions": self.permissions, "is_deleted": False}]
        match operation:
            case "DoctorAccount":
                return {"data": {"current_account": {"id": "Account:1", "nodes": {"entities": self.nodes}}}}
            case "DoctorTokens":
                return {"data": {"current_account": {"api_tokens": {"entities": tokens}}}}
            case "RecoverNodeSigningKey":
                return {"data": {"entity": {"encrypted_signing_private_key": self.key}}}
            case "FetchAccountToTransactionsConnection":
                return page_of(self.listed, None, 100)
        return {"data": {"entity": self.node}}


@pytest.fixture
def lightspark_says(toy, settings):
    toy.answer = Lightspark(settings)
    return toy.answer


def said() -> dict[str, tuple[str, str]]:
    return {finding.check: (finding.level, finding.says) for finding in look_at_node()}


def test_a_token_that_is_not_accepted(toy):
    toy.status, toy.answer = 401, lambda *_: {"errors": [{"message": "invalid API token"}]}
    assert said() == {
        "token": ("wrong", "Lightspark does not accept the API token (HTTP 401 invalid API token).")
    }


def test_a_node_that_is_not_this_account_s_names_those_that_are(lightspark_says):
    lightspark_says.node = None
    lightspark_says.nodes = [{"id": "LightsparkNodeWithOSKLND:7", "bitcoin_network": "MAINNET"}]
    level, says = said()["node"]
    assert level == "wrong"
    assert "LightsparkNodeWithOSKLND:7 (MAINNET)" in says


def test_permissions_that_are_missing(lightspark_says):
    lightspark_says.permissions = ["REGTEST_VIEW"]
    assert said()["permissions"] == ("wrong", "The API token lacks REGTEST_TRANSACT.")


def test_another_network(lightspark_says):
    lightspark_says.node = own_node(bitcoin_network="MAINNET")
    level, says = said()["network"]
    assert (level, "MAINNET" in says, "REGTEST" in says) == ("wrong", True, True)


def test_a_node_that_signs_elsewhere_cannot_refund(lightspark_says):
    lightspark_says.node = own_node(kind="remote")
    level, says = said()["key"]
    assert level == "wrong"
    assert "cannot send refunds" in says


def test_a_password_that_does_not_open_the_key(lightspark_says):
    """Said by the doctor, and the reason why a refund waits."""
    from lightspark.utils.crypto import encrypt

    cipher, value = encrypt(b"a key", "another password")
    lightspark_says.key = {"encrypted_value": value, "cipher": cipher}
    level, says = said()["key"]
    assert (level, says.endswith("does not open with LIGHTSPARK_NODE_PASSWORD")) == ("wrong", True)
    with pytest.raises(lightspark.NodeRefused) as refusal:
        outgoing.pay_invoice(bolt11="lnbcrt1", idempotency_key="a", max_fees_msats=1)
    assert refusal.value.noted.endswith("does not open with LIGHTSPARK_NODE_PASSWORD")


@pytest.mark.parametrize(("sats", "level"), [(0, "note"), (5, "ok"), (None, "note")])
def test_what_can_be_sent_and_received(lightspark_says, sats, level):
    lightspark_says.node = own_node(can_send_sats=sats)
    found = said()
    assert found["can send"][0] == level
    assert found["can receive"] == ("note", "The node does not say how much it can receive.")


def test_money_for_another_node_of_the_account(lightspark_says):
    elsewhere = {"incoming_payment_destination": {"id": "LightsparkNodeWithOSK:other"}}
    lightspark_says.listed = [listed_payment(1, timezone.now()) | elsewhere]
    level, says = said()["other nodes"]
    assert (level, says[:2]) == ("note", "1 ")


def test_a_silent_node_is_unknown_not_wrong(toy):
    toy.status = 502
    assert {level for level, _says in said().values()} == {"unknown"}


def test_fields_that_may_be_none_are_none(lightspark_says):
    """The SDK says Optional of most of what a node is."""
    lightspark_says.node = own_node(can_send_sats=None, status=None, public_key=None, remote_balance=None)
    assert "can send" in said()
