"""Post-transaction callbacks (UMAD-07): sending our UTXOs to the other VASP, and receiving its."""

import hashlib
import json
import logging
import threading

import uma
from django.conf import settings

from wallet import http_client
from wallet.http_client import NonceCheck, PeerFailed
from wallet.models import PostTransaction, Vasp

log = logging.getLogger(__name__)


def utxo(vasp: Vasp) -> str:
    """The pretend channel's UTXO."""
    return f"{hashlib.sha256(vasp.node_id.encode()).hexdigest()}:0"


def tell(url: str, amount_msats: int) -> None:
    """Send the signed note in a thread of its own. Best effort: the money has moved already."""
    vasp = Vasp.objects.get()
    message = uma.create_post_transaction_callback(
        [uma.UtxoWithAmount(utxo(vasp), amount_msats)],
        settings.SANDBOX_DOMAIN,
        bytes.fromhex(vasp.signing_private_key),
        uma.TransactionStatus.COMPLETED,
    )
    threading.Thread(target=_post, args=(url, message.to_dict()), daemon=True).start()


def _post(url: str, message: dict) -> None:
    try:
        http_client.call("POST", url, json_body=message)
    except PeerFailed as error:
        log.info("the post-transaction callback was not taken: %s", error)


def take(text: str) -> PostTransaction:
    """Keep another VASP's note and whether its signature is its own. Raises what the SDK's parser raises."""
    message = uma.parse_post_transaction_callback(text)
    is_verified, check = True, NonceCheck(message.vasp_domain)
    try:
        uma.verify_post_transaction_callback_signature(
            message, http_client.fetch_keys(message.vasp_domain), check
        )
        check.keep()
    except (uma.UmaException, PeerFailed) as error:
        log.info("unverified post-transaction callback: %s", error)
        is_verified = False
    return PostTransaction.objects.create(
        domain=message.vasp_domain[:255], is_verified=is_verified, message=json.loads(text)
    )
