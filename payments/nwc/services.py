"""Connecting a wallet, pressing "Pay from it", forgetting it. None of these asks a wallet."""

import uuid
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.rate_limits import hit
from payments.invoices import NotPayable
from payments.models import Payment
from ticketsuma import clock
from ticketsuma.errors import DomainError
from ticketsuma.live.news import tell_pages
from ticketsuma.state_machine import InvalidTransition

from .link import read_link
from .models import ConnectedWallet, Tap

MAX_TAPS = 4
# A guest's wallet is kept for a refund so long, and an account's until its owner forgets it.
GUESTS_ARE_KEPT = timedelta(days=30)


class NotConnected(DomainError):
    code = "wallet_not_connected"
    message = _("This wallet is not connected any more. Please connect it again, or pay another way.")


class WalletNotReady(DomainError):
    code = "wallet_not_ready"
    message = _("We are still asking your wallet what it can do. Please try again in a moment.")


class TooManyTaps(DomainError):
    code = "too_many_taps"
    message = _("Your wallet was asked several times for this order. Please pay another way.")
    status = 429


def connect(
    text: str, *, user: User | None = None, payment: Payment | None = None, ip: str
) -> ConnectedWallet:
    """Keep the wallet of a link for an account, or for one payment; another one it had is forgotten.

    The worker then asks the wallet what it can do. Raises BadLink, RateLimited, or NotPayable for a payment
    that waits for none.
    """
    link = read_link(text)
    if payment and not payment.is_payable:
        raise NotPayable
    hit("WALLET_LINKS_PER_IP", ip)
    wallet = ConnectedWallet(
        user=user, payment=payment, name=link.address or link.host, relay=link.host[:255],
        **ConnectedWallet.scheduled(),
    )  # fmt: skip
    wallet.keep_link(text.strip())
    try:
        with transaction.atomic():
            _forget(ConnectedWallet.objects.filter(user=user, payment=payment))
            wallet.save(force_insert=True)
            _tell(wallet)
    except IntegrityError as error:  # two at once for one owner
        raise InvalidTransition from error
    return wallet


def forget(wallets: QuerySet[ConnectedWallet]) -> int:
    """Delete them and their links; how many. What is queued is not sent; what is sent is under way."""
    with transaction.atomic():
        return _forget(wallets)


def _forget(wallets: QuerySet[ConnectedWallet]) -> int:
    """The wallets are locked first, as whoever sends does: deleting would begin with their taps."""
    rows = list(wallets.select_for_update(of=("self",)).order_by("pk"))
    for wallet in rows:
        _tell(wallet)
    ConnectedWallet.objects.filter(pk__in=[wallet.pk for wallet in rows]).delete()
    return len(rows)


def forget_wallets_of(payments: list[uuid.UUID]) -> None:
    """Those connected for these payments; under the payments' locks, or none."""
    forget(ConnectedWallet.objects.filter(payment__in=payments))


def forget_idle_wallet_of(payment_id: uuid.UUID) -> None:
    """The one connected for this payment, unless it has paid: refunds go to no wallet of a stranger."""
    paid = Tap.objects.filter(payment=payment_id, status=Tap.Status.PAID, wallet__isnull=False)
    forget(ConnectedWallet.objects.filter(payment=payment_id).exclude(pk__in=paid.values("wallet")))


def forget_guests_wallets() -> None:
    """Those connected for an order some time ago: a chore of every worker."""
    old = ConnectedWallet.objects.filter(user=None, created_at__lt=clock.now() - GUESTS_ARE_KEPT)
    if old.exists():
        forget(old)


def wallets_for(payment: Payment, user: User | None) -> QuerySet[ConnectedWallet]:
    """Those from which `user`, or nobody, may pay it: the one connected for it, and the account's own."""
    mine = Q(payment=payment)
    if user:
        mine |= Q(user=user)
    return ConnectedWallet.objects.filter(mine).order_by("payment")


def press(payment: Payment, wallet_id: str, user: User | None) -> Tap:
    """Have the worker pay from a connected wallet. Of two at once the second gets InvalidTransition.

    Raises NotConnected, WalletNotReady, NotPayable or TooManyTaps.
    """
    wallet = next((each for each in wallets_for(payment, user) if str(each.pk) == wallet_id), None)
    if wallet is None:
        raise NotConnected
    if not wallet.is_ready:
        raise WalletNotReady if wallet.status == wallet.Status.CHECKING else NotConnected
    try:
        with transaction.atomic():
            locked = Payment.objects.select_for_update().get(pk=payment.pk)
            if not locked.is_payable:
                raise NotPayable
            if locked.taps.count() >= MAX_TAPS:
                raise TooManyTaps
            tap = Tap.objects.create(payment=locked, wallet=wallet, **Tap.scheduled())
            tell_pages(f"payment-{payment.pk}")
    except IntegrityError as error:
        raise InvalidTransition from error
    return tap


def _tell(wallet: ConnectedWallet) -> None:
    if wallet.payment_id:
        tell_pages(f"payment-{wallet.payment_id}")
