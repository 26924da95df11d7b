"""Holders: a ticket's name and e-mail address, and the mails that go to whoever holds it."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.history import record
from accounts.models import normalize_email
from accounts.rate_limits import count_mail
from tickets.mail.messages import mail_holder
from tickets.models import Order, Ticket
from ticketsuma.state_machine import InvalidTransition


@dataclass(frozen=True)
class Holder:
    """Who goes with a ticket: a name or none, and an address to which it is mailed, or none."""

    ticket: Ticket
    name: str
    email: str = ""


def name_holders(order: Order, holders: Sequence[Holder], *, ip: str) -> int:
    """Write names and addresses on tickets of `order`, and mail each its own; how many are mailed.

    An address that is new on its ticket gets a mail with the ticket's link, calendar entry and PDF, and the
    news of the event from then on; one that was there already does not get it again. The buyer gets all of
    the tickets anyway. All or none: raises InvalidTransition when a ticket is used or admits no more, and
    RateLimited, for each mail counts as one to a stranger.
    """
    mailed = 0
    with transaction.atomic():
        locked = Order.objects.select_for_update(of=("self",)).select_related("event").get(pk=order.pk)
        waiting = Ticket.objects.admitting().filter(order=locked, check_in=None)
        known = dict(waiting.values_list("pk", "holder_email"))
        for holder in holders:
            ticket, email = holder.ticket, normalize_email(holder.email)
            if ticket.pk not in known:
                raise InvalidTransition(
                    _("This ticket is used or void: its holder can no longer be changed.")
                )
            is_new = bool(email) and email not in (known[ticket.pk], locked.email)
            if is_new:
                count_mail(email, ip)
            Ticket.objects.filter(pk=ticket.pk).update(
                holder_name=" ".join(holder.name.split()), holder_email=email, updated_at=timezone.now()
            )
            if is_new:
                record("mail_holder", ticket)
                mail_holder(locked, email)
                mailed += 1
    return mailed
