"""UMA Requests pushed to users: receiving, approving, declining."""

from datetime import UTC, datetime

import uma
from uma.generated.errors import ErrorCode

from node import faults
from wallet import quotes, send
from wallet.balances import CannotPay
from wallet.http_client import PeerFailed
from wallet.models import Entry, UmaRequest, User


def take_push(*, text: str, sender: str, domain: str) -> UmaRequest:
    """Store a pushed UMA invoice for the user it names (UMAD-11); the same invoice again changes nothing.
    Raises UmaException."""
    try:
        invoice = quotes.read_uma_invoice(text)
    except CannotPay as error:
        raise uma.UmaException(str(error), ErrorCode.INVALID_INVOICE) from error
    address = (invoice.sender_uma or sender).lower()
    user = User.objects.filter(name=address.partition("@")[0].removeprefix("$")).first()
    if user is None or address.partition("@")[2] != domain:
        raise uma.UmaException(f"There is no {address or 'addressee'} here.", ErrorCode.USER_NOT_FOUND)
    if invoice.expiration <= datetime.now(UTC).timestamp():
        raise uma.UmaException("The invoice has expired.", ErrorCode.INVOICE_EXPIRED)
    try:
        quotes.check_uma_invoice(invoice)
    except PeerFailed as error:
        raise uma.UmaException(str(error), ErrorCode.COUNTERPARTY_PUBKEY_FETCH_ERROR) from error
    currency = invoice.receving_currency
    request, _ = UmaRequest.objects.get_or_create(
        user=user,
        receiver_uma=invoice.receiver_uma,
        invoice_uuid=invoice.invoice_uuid,
        defaults={
            "uma_invoice": text.strip().lower(),
            "amount": invoice.amount,
            "currency": currency.code,
            "decimals": currency.decimals,
            "expires_at": datetime.fromtimestamp(invoice.expiration, UTC),
        },
    )
    return request


def approve(request: UmaRequest) -> Entry:
    """Pay a waiting request. Two approvals at once: one pays, the other is refused. When the receiver or the
    payment fails the request waits again, with the reason. Raises CannotPay."""
    if request.is_expired and not faults.is_on("wallet_ignores_expiry", request.user.name):
        raise CannotPay("This request has expired.")
    _move(request, UmaRequest.Status.WAITING, UmaRequest.Status.PAYING)
    try:
        entry = send.pay_uma_invoice(user=request.user, text=request.uma_invoice, request=request)
    except BaseException as error:
        said = str(error) if isinstance(error, CannotPay) else "The wallet stumbled."
        _move(request, UmaRequest.Status.PAYING, UmaRequest.Status.WAITING, error=said[:400])
        raise
    if entry.status == Entry.Status.FAILED:
        said = f"The payment failed: {entry.error}"
        _move(request, UmaRequest.Status.PAYING, UmaRequest.Status.WAITING, error=said)
    else:
        _move(request, UmaRequest.Status.PAYING, UmaRequest.Status.PAID, error="")
    return entry


def decline(request: UmaRequest) -> None:
    """The user does not want to pay; nobody is told, as in the protocol. Raises CannotPay."""
    _move(request, UmaRequest.Status.WAITING, UmaRequest.Status.DECLINED)


def _move(request: UmaRequest, seen: str, to: str, **changes) -> None:
    moved = UmaRequest.objects.filter(pk=request.pk, status=seen).update(status=to, **changes)
    request.refresh_from_db()
    if not moved:
        raise CannotPay(f"This request is {request.status} already.")


def recover() -> None:
    """After a restart: what was being paid has an entry and is paid, or it waits again."""
    for request in UmaRequest.objects.filter(status=UmaRequest.Status.PAYING):
        paid = request.entries.exclude(status=Entry.Status.FAILED).exists()
        _move(
            request, UmaRequest.Status.PAYING, UmaRequest.Status.PAID if paid else UmaRequest.Status.WAITING
        )
