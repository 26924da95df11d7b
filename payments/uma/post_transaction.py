"""Post-transaction callbacks to other VASPs (UMAD-07): the UTXOs of a payment, where they asked for them."""

from django.conf import settings
from django.utils import timezone

from payments.models import PostTransaction
from payments.node import lightspark
from ticketsuma.errors import DomainError

from .keys import signing_key
from .safe_http import TRY_AGAIN, VaspForbidden, VaspUnreachable, fetch


class CallbackRefused(DomainError):
    code = "callback_refused"
    message = "The other VASP does not want to be told."
    status = 424


def tell_post_transaction(row: PostTransaction) -> None:
    """Post our signed note about a payment that went through; the caller holds the row's lease.

    Afterwards it is told (any 2xx), or given up with the reason (a definite no, a URL that we may not
    talk to). Raises NodeRefused, NodeUnknown or VaspUnreachable, to be tried again a few times. Money is
    never touched. Told twice after a crash, each note has a nonce of its own.
    """
    try:
        _tell(row)
    except (VaspForbidden, CallbackRefused) as refusal:
        _end(row, last_error=refusal.code)
    else:
        _end(row, told_at=timezone.now(), last_error="")


def _tell(row: PostTransaction) -> None:
    if not row.url:
        raise CallbackRefused
    utxos = lightspark.utxos_of_payment(row.node_payment_id)
    answer = fetch(row.url, payload=_signed_note(utxos))
    if answer.status >= 500 or answer.status in TRY_AGAIN:
        raise VaspUnreachable
    if not answer.is_success:
        raise CallbackRefused


def _signed_note(utxos: list[tuple[str, int]]) -> dict:
    from uma import TransactionStatus, UtxoWithAmount, create_post_transaction_callback

    return create_post_transaction_callback(
        utxos=[UtxoWithAmount(utxo, amount_msats) for utxo, amount_msats in utxos],
        vasp_domain=settings.UMA_DOMAIN,
        signing_private_key=signing_key(),
        transaction_status=TransactionStatus.COMPLETED,
    ).to_dict()


def _end(row: PostTransaction, **changes) -> None:
    PostTransaction.objects.filter(pk=row.pk).update(**row.finished(), **changes)
