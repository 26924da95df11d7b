"""Around a payment: payer data, the wallet's last message, post-transaction callbacks."""

import json
import secrets

import pytest
import uma
from django.test import Client

from payments.models import VaspNonce
from payments.tests.test_uma_lookup import plain
from payments.tests.test_uma_payreq import ask, assert_refused


def tell(payment, wallet, *, key: bytes | None = None, body: dict | None = None):
    """POST a post-transaction callback as the payer's VASP would."""
    signed = uma.create_post_transaction_callback(
        [uma.UtxoWithAmount("tx:0", 2_500_000)], wallet.domain, key or wallet.signing_key
    )
    data = json.dumps(body if body is not None else signed.to_dict())
    return Client().post(f"/api/uma/utxos/{payment.reference}", data=data, content_type="application/json")


@pytest.mark.protocol(
    "UMAD-07", "A callback of the payer's VASP is verified and let go: it proves no payment."
)
def test_a_signed_callback_is_taken_and_changes_nothing(payment, wallet):
    assert tell(payment, wallet).status_code == 200
    payment.refresh_from_db()
    assert payment.status == "pending"


@pytest.mark.protocol("UMAD-07", "A forged or unreadable callback is refused.")
def test_a_forged_callback_is_refused(payment, wallet):
    assert_refused(tell(payment, wallet, key=secrets.token_bytes(32)), "INVALID_SIGNATURE", 401)
    assert 400 <= tell(payment, wallet, body={"utxos": []}).status_code < 500
    assert not VaspNonce.objects.exists()


@pytest.mark.protocol("LUD-09", "The wallet shows a message of at most 144 characters once it paid.")
def test_a_payer_is_thanked(payment, wallet, node):
    action = ask(payment, wallet.sign_pay_request()).json()["successAction"]
    assert action["tag"] == "message"
    assert 0 < len(action["message"]) <= 144


@pytest.mark.protocol("LUD-18", "Only UMA senders are asked for payer data: identifier and compliance.")
def test_plain_wallets_are_asked_for_nothing_about_the_payer(payment):
    assert "payerData" not in plain(payment).json()
