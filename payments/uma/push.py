"""UMA Requests: the signed UMA invoice and its push to a wallet (UMAD-11)."""

import logging

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from payments.models import Invoice, Payment
from ticketsuma.errors import DomainError
from ticketsuma.live.news import tell_pages
from ticketsuma.money import SAT

from .address import domain_of
from .discovery import NoUmaRequests, forget_endpoint, keep_endpoint, uma_request_endpoint
from .keys import signing_key
from .safe_http import VaspForbidden, VaspUnknown, VaspUnreachable, fetch

logger = logging.getLogger(__name__)

_TRY_AGAIN = (408, 425, 429)
_LONGEST_VALUE = 255  # bytes: a TLV's length is one byte


class PushRefused(DomainError):
    code = "push_refused"
    message = _("The wallet refused the payment request.")
    status = 424


class WalletBroke(VaspUnreachable):
    """The wallet's server failed over the request, perhaps over a currency that it does not know."""


def payreq_url(payment: Payment) -> str:
    """Where wallets ask to pay `payment`; it must stay short, for it is a value in the UMA invoice."""
    return f"{settings.SITE_URL}/api/uma/payreq/{payment.reference}"


def ensure_uma_invoice(payment: Payment) -> str:
    """The UMA invoice of `payment` (`uma1…`), signed now if it was not yet; no network is needed.

    Two at once sign two and keep one: everybody is given that one, so wallets see the same invoice again.
    """
    if not payment.uma_invoice:
        payment.uma_invoice = sign_uma_invoice(payment)
        unsigned = Payment.objects.filter(pk=payment.pk, uma_invoice="")
        if not unsigned.update(uma_invoice=payment.uma_invoice):
            payment.refresh_from_db(fields=["uma_invoice"])
    return payment.uma_invoice


def sign_uma_invoice(payment: Payment, *, only_sats: bool = False) -> str:
    """The UMA invoice of a payment, perhaps unsaved, in its currency or in sats; another one each time."""
    from uma import KycStatus, create_counterparty_data_options, create_uma_invoice

    from .currencies import as_priced, in_sats

    to, offer = payment.uma_address, in_sats(payment) if only_sats else as_priced(payment)
    invoice = create_uma_invoice(
        receiver_uma=payment.uma_pay_address,
        receiving_currency_amount=offer.amount,
        receiving_currency=offer.for_invoice(),
        expiration=payment.due_at,
        callback=payreq_url(payment),
        is_subject_to_travel_rule=False,
        signing_private_key=signing_key(),
        required_payer_data=create_counterparty_data_options({"identifier": True, "compliance": True}),
        receiver_kyc_status=KycStatus.VERIFIED,
        invoice_limit=1,
        comment_chars_allowed=Invoice._meta.get_field("comment").max_length,
        sender_uma=to if to and len(to.encode()) <= _LONGEST_VALUE else None,
    )
    return invoice.to_bech32_string()


def push_request(payment: Payment) -> None:
    """Send the UMA invoice to the wallet of `payment.uma_address`; the caller holds the row's lease.

    Afterwards the push is delivered (any 2xx), refused (a definite no) or comes back later, and is
    unreachable after the last attempt, or where no such host is. It never ends the payment: the QR and
    the pay address remain. A wallet that is asked twice gets the same invoice.
    """
    if not payment.is_payable:
        Payment.objects.filter(pk=payment.pk).update(**payment.finished())
        return
    try:
        _deliver(payment)
    except VaspUnknown as error:  # told at once, while whoever mistyped it looks at the page
        _record(payment, Payment.Push.UNREACHABLE, error.code)
    except VaspUnreachable as error:
        if payment.attempts < payment.max_attempts:
            payment.retry(error.code)
        else:
            _record(payment, Payment.Push.UNREACHABLE, error.code)
    except (VaspForbidden, NoUmaRequests, PushRefused) as error:
        _record(payment, Payment.Push.REFUSED, error.code)
    else:
        _record(payment, Payment.Push.DELIVERED)


def _deliver(payment: Payment) -> None:
    """Post what is due in its currency; a wallet that knows it not (UMAD-09) is asked once more, for sats.

    The wallet is asked for sats from then on, also when trouble brings the request back.
    """
    uma_invoice = ensure_uma_invoice(payment)
    try:
        _deliver_invoice(payment, uma_invoice)
    except (PushRefused, WalletBroke):
        if payment.currency == SAT or _is_in_sats(uma_invoice):
            raise
        payment.uma_invoice = sign_uma_invoice(payment, only_sats=True)
        asked = Payment.objects.filter(
            pk=payment.pk, uma_address=payment.uma_address, uma_invoice=uma_invoice
        )
        if not asked.update(uma_invoice=payment.uma_invoice):
            raise  # sent on to another wallet meanwhile
        _deliver_invoice(payment, payment.uma_invoice)


def _is_in_sats(uma_invoice: str) -> bool:
    from uma import Invoice as UmaInvoice

    return UmaInvoice.from_bech32_string(uma_invoice).receving_currency.code == SAT


def _deliver_invoice(payment: Payment, uma_invoice: str) -> None:
    """Post it where the wallet takes requests; a no from where it took them before may mean that it moved."""
    domain = domain_of(payment.uma_address)
    endpoint = uma_request_endpoint(domain)
    try:
        _post(endpoint, uma_invoice)
    except (PushRefused, VaspForbidden, VaspUnreachable) as error:
        if not forget_endpoint(domain) or isinstance(error, VaspUnreachable):
            raise
        before, endpoint = endpoint, uma_request_endpoint(domain)
        if endpoint == before:
            raise
        _post(endpoint, uma_invoice)
    keep_endpoint(domain, endpoint)


def _post(endpoint: str, uma_invoice: str) -> None:
    answer = fetch(endpoint, payload={"invoice": uma_invoice})
    if answer.is_success:
        return
    if answer.status >= 500:
        raise WalletBroke
    if answer.status in _TRY_AGAIN:
        raise VaspUnreachable
    raise PushRefused


def _record(payment: Payment, push: str, error: str = "") -> None:
    """Note the outcome, unless the request was meanwhile sent on to another address."""
    queued = Payment.objects.filter(pk=payment.pk, push=Payment.Push.QUEUED, uma_address=payment.uma_address)
    changes = {"pushed_at": timezone.now()} if push == Payment.Push.DELIVERED else {}
    with transaction.atomic():
        queued.update(push=push, last_error=error, **payment.finished(), **changes)
        tell_pages(f"payment-{payment.pk}")
    logger.info("push of %s: %s %s", payment.pk, push, error)
