"""Corrections of an order's e-mail: the mails go again to the corrected address."""

import difflib
import functools
from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.history import record
from accounts.models import normalize_email
from accounts.rate_limits import count_mail, hit
from tickets.mail.messages import send_elsewhere
from tickets.models import Mail, Order
from ticketsuma.errors import DomainError
from ticketsuma.mail_providers import COMMON_DOMAINS

from .hold_limits import check_hoarding, is_proven
from .voiding import renew_links

BUYERS_MAY = timedelta(hours=24)
_AS_GOOD_AS_SAME = 0.86


class EmailFixed(DomainError):
    """The buyer can no longer correct the address, or has proven that it is right."""

    code = "email_fixed"
    message = _("The e-mail of this order can no longer be changed here. Please write to the organizer.")
    field = "email"


def did_you_mean(email: str) -> str:
    """`email` at the common domain that its own is nearly; empty where it is one, or is near none."""
    name, _at, domain = email.rpartition("@")
    near = _near(domain)
    return f"{name}@{near}" if name and near and near != domain else ""


@functools.lru_cache(maxsize=1024)  # a search takes as long as a tenth of the page that shows it
def _near(domain: str) -> str:
    return next(iter(difflib.get_close_matches(domain, COMMON_DOMAINS, n=1, cutoff=_AS_GOOD_AS_SAME)), "")


def may_correct(order: Order) -> bool:
    """Whether its buyer may correct the address: until it is paid, and for 24 hours after.

    Not where the mailbox is proven: by the account that bought, or by the link mailed for free seats.
    """
    if order.is_forgotten or not (order.is_pending or order.is_paid):
        return False
    if order.paid_at and order.paid_at < timezone.now() - BUYERS_MAY:
        return False
    if not _is_guests(order) and is_proven(order.buyer, order.email):
        return False
    if not order.is_paid or order.payment_id:
        return True
    return not order.mails.filter(kind=Mail.Kind.CONFIRM, to=order.email).exists()


def correct_email(order: Order, *, email: str, ip: str) -> bool:
    """Its buyer, at `ip`, corrects the address; whether the links of the order were replaced.

    As `correct`, and raises EmailFixed unless `may_correct`, and RateLimited: each correction counts as a
    mail to a stranger, and an order has a few.
    """
    email = normalize_email(email)
    if not may_correct(order):
        raise EmailFixed
    if email == order.email:
        return False
    hit("CORRECTION_PER_ORDER", order.pk.hex)
    count_mail(email, ip)
    return correct(order, email=email, is_buyer=True)


def correct(order: Order, *, email: str, is_buyer: bool = False) -> bool:
    """The order's mails go to `email` from now on; those that went to the earlier address go out again.

    Links that may have reached the earlier mailbox are replaced, and the answer is True. A guest's order
    that somebody got by an account at the wrong address is a guest's again. Of two at once the later
    one counts. Raises EmailFixed for a forgotten order, HoldLimit or FreeLimit when `email` has too many.
    """
    email = normalize_email(email)
    with transaction.atomic():
        rows = Order.objects.select_for_update(of=("self",)).select_related("buyer", "payment", "event")
        locked = rows.get(pk=order.pk)
        if locked.is_forgotten or (is_buyer and not may_correct(locked)):
            raise EmailFixed
        if email == locked.email:
            return False
        earlier, locked.email = locked.email, email
        if _is_guests(locked):
            locked.buyer = None
        Order.objects.filter(pk=order.pk).update(email=email, buyer=locked.buyer)
        if is_buyer and (locked.is_pending or locked.payment is None):
            check_hoarding(locked)
        record("email", locked)
        has_reached = _send_again(locked, earlier)
        if has_reached:
            renew_links(locked)
    order.refresh_from_db()
    return has_reached


def _is_guests(order: Order) -> bool:
    """Whether it was bought without an account, whoever has it in theirs now."""
    return order.scope.startswith("guest:")


def _send_again(order: Order, earlier: str) -> bool:
    """Have all mails of the order go to its address now; whether one may have reached the earlier one."""
    mails = list(order.mails.select_for_update().filter(to=earlier))
    for mail in mails:
        send_elsewhere(mail, to=order.email, anew=True)
    return any(mail.sent_at or mail.attempts for mail in mails)
