"""Users and their orders: lookup by user, and erasure of personal data, with an account or as a guest."""

import uuid
from collections.abc import Iterable
from datetime import timedelta

from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.authentication import end_tokens
from accounts.history import record
from accounts.models import User, normalize_email
from payments.models import Payment, Refund
from payments.nwc.services import forget_wallets_of
from payments.services import forget_payers
from tickets.models import Answer, Mail, Order, Ticket
from tickets.notes.services import forget_notes
from ticketsuma.conf.logging_config import scrub
from ticketsuma.errors import DomainError

from .payment_lookup import CLAIM_WATCH_PERIOD


class StaffStay(DomainError):
    code = "staff_stay"
    message = _("You are staff of this shop. Once your address is out of ADMIN_EMAILS you may leave.")


MAX_AT_ONCE = 500
NEWS = timedelta(hours=1)


def orders_for_user(user: User) -> QuerySet[Order]:
    """A person's orders: those bought signed in, and those bought as a guest with the address they proved."""
    mine = Q(buyer=user)
    if user.has_verified_email:
        mine |= Q(buyer=None, email=user.email)
    return Order.objects.filter(mine)


def last_wallet(user: User) -> str:
    """The UMA address at which `user` last had a wallet that took our request; or nothing."""
    taken = orders_for_user(user).filter(payment__push=Payment.Push.DELIVERED).exclude(uma_address="")
    return taken.order_by("-created_at").values_list("uma_address", flat=True).first() or ""


def adopt_orders(user: User, email: str) -> int:
    """Orders a guest placed with `email`, which `user` has proven, are theirs; answers how many.

    They stay theirs when the address changes later.
    """
    return Order.objects.filter(buyer=None, email=email).update(buyer=user)


# -- forgetting -------------------------------------------------------------------------------
def erase_personal_data(user: User) -> None:
    """Delete the account and the person in its orders; orders and money stay, as accounts must.

    Tickets still admit whoever has their links. What money still needs, `purge_erased_orders` takes later.
    Raises StaffStay.
    """
    _leave(orders_for_user(user), user)


def guest_orders(email: str) -> QuerySet[Order]:
    """Orders of `email` that belong to no account, and whose buyer has not left."""
    return Order.objects.filter(buyer=None, email=normalize_email(email), is_forgotten=False)


def forget_email(email: str) -> int:
    """Forget whoever has the mailbox `email`, guest, account or both; how many accounts and orders.

    For staff whom its owner asks. An account that has not proven the mailbox goes as well, but no orders of
    others. 0 when nobody is known by it. Raises StaffStay. Of two at once the second finds nobody.
    """
    user = User.objects.filter(email=normalize_email(email)).first()
    orders = guest_orders(email)
    return _leave(orders | orders_for_user(user), user) + 1 if user else _leave(orders, None)


def _leave(orders: QuerySet[Order], user: User | None) -> int:
    if user and user.is_staff:
        raise StaffStay
    with transaction.atomic():
        pks = lock(orders.values_list("pk", flat=True))
        if user:
            record("delete_account", user)
        else:
            for order in Order.objects.filter(pk__in=pks).order_by("pk"):
                record("forget", order)
        Ticket.objects.filter(order__in=pks).update(holder_name="", holder_email="")
        Answer.objects.filter(order__in=pks).delete()
        forget_notes(pks)
        Order.objects.filter(pk__in=pks).update(buyer=None, name="", is_forgotten=True)
        forget_wallets_of(list(Payment.objects.filter(order__in=pks).values_list("pk", flat=True)))
        forget_what_money_does_not_need(pks)
        _scrub_old_log()
        if user:
            LogEntry.objects.filter(content_type__app_label="accounts", object_id=str(user.pk)).delete()
            end_tokens(user)
            user.delete()
    return len(pks)


def _scrub_old_log() -> None:
    """Django's own log, which was kept until the history was, repeats what buttons said: no address stays."""
    naming = LogEntry.objects.filter(Q(change_message__contains="@") | Q(object_repr__contains="@"))
    for old in naming:
        old.change_message, old.object_repr = scrub(old.change_message), scrub(old.object_repr)
        old.save(update_fields=["change_message", "object_repr"])


def lock(orders: Iterable[uuid.UUID]) -> list[uuid.UUID]:
    """Lock the payments of `orders`, then the orders, each by id: payment → order → event, as everywhere."""
    pks = list(orders)
    payments = Payment.objects.select_for_update(of=("self",)).filter(order__in=pks)
    list(payments.order_by("pk").values_list("pk", flat=True))
    locked = Order.objects.select_for_update(of=("self",)).filter(pk__in=pks)
    return list(locked.order_by("pk").values_list("pk", flat=True))


def purge_erased_orders() -> None:
    """What was kept of people who left is gone where no money needs it any more: a chore of every worker.

    First they are told: mails that are due go out, and that a refund arrived is news for an hour.
    """
    now = timezone.now()
    waiting = Order.objects.filter(
        Q(mails__status=Mail.Status.DUE) | Q(payment__incoming_payments__refunds__sent_at__gt=now - NEWS)
    )
    left = Order.objects.filter(is_forgotten=True).exclude(money_is_moving())
    left = left.exclude(pk__in=waiting.filter(is_forgotten=True).values("pk"))
    has_more = ~Q(email="", uma_address="") | Q(event__end_time__lt=now)
    if pks := list(left.filter(has_more).values_list("pk", flat=True)[:MAX_AT_ONCE]):
        with transaction.atomic():
            forget_what_money_does_not_need(lock(pks))


def forget_what_money_does_not_need(pks: list[uuid.UUID]) -> None:
    """Take what money does not need from forgotten orders, which are locked.

    An order being paid, or with money on its way back, keeps its addresses; all others lose them, and the
    mails about them. A payment for an event to come keeps the wallet it came from: it may be canceled.
    """
    done = Order.objects.filter(pk__in=pks).exclude(money_is_moving())
    done = Order.objects.filter(pk__in=list(done.values_list("pk", flat=True)))
    Mail.objects.filter(order__in=done).delete()
    done.update(email="", uma_address="")
    over = done.filter(event__end_time__lt=timezone.now())
    forget_payers(list(over.exclude(payment=None).values_list("payment_id", flat=True)))
    over.update(is_forgotten=False)


def money_is_moving() -> Q:
    """Orders being paid, ended so lately that money may still come, or with a refund that has not arrived."""
    waiting = Refund.objects.exclude(status=Refund.Status.SENT)
    watched = Q(payment__isnull=False, ended_at__gt=timezone.now() - CLAIM_WATCH_PERIOD)
    return (
        Q(status=Order.Status.PENDING)
        | watched
        | Q(
            payment__in=waiting.filter(incoming_payment__payment__isnull=False).values(
                "incoming_payment__payment"
            )
        )
    )
