"""States of mails as staff are told of them, and mailing again what did not arrive."""

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import pgettext_lazy

from tickets.models import Mail, Order, Ticket
from ticketsuma import clock

# They begin `last_error` of a mail that failed.
BOUNCED = "bounced"  # the mail server, or the provider, refused it for good
STOPPED = "suppressed"  # nothing is mailed to its address

_FAILED = Q(status=Mail.Status.FAILED)
_BOUNCED, _STOPPED = Q(last_error__startswith=BOUNCED), Q(last_error__startswith=STOPPED)
STATES = {
    "sent": Q(status=Mail.Status.SENT),
    "waiting": Q(status=Mail.Status.DUE, parked_at=None),
    "given_up": Q(status=Mail.Status.DUE, parked_at__isnull=False),
    "bounced": _FAILED & _BOUNCED,
    "suppressed": _FAILED & _STOPPED,
    "left_out": _FAILED & ~_BOUNCED & ~_STOPPED,
}
UNDELIVERED = STATES["given_up"] | STATES["bounced"] | STATES["suppressed"]
STATE_WORDS = {
    "sent": pgettext_lazy("mails", "sent"),
    "waiting": pgettext_lazy("mails", "waiting"),
    "given_up": pgettext_lazy("mails", "given up"),
    "bounced": pgettext_lazy("mails", "bounced"),
    "suppressed": pgettext_lazy("mails", "address suppressed"),
    "left_out": pgettext_lazy("mails", "left out meanwhile"),
}


def states_of(mails: QuerySet[Mail]) -> dict[str, int]:
    """How many of `mails` are in each of STATES, in one statement."""
    return mails.aggregate(**{name: Count("pk", filter=state) for name, state in STATES.items()})


def state_of(mail: Mail) -> str:
    """Which of STATES a row is in."""
    if mail.status == Mail.Status.SENT:
        return "sent"
    if mail.status == Mail.Status.DUE:
        return "given_up" if mail.parked_at else "waiting"
    starts = {BOUNCED: "bounced", STOPPED: "suppressed"}
    return starts.get(mail.last_error.partition(":")[0], "left_out")


def undelivered(mails: QuerySet[Mail]) -> QuerySet[Mail]:
    """Those that could not be delivered; not those that were left out, for they were not true any more."""
    return mails.filter(UNDELIVERED)


def came_back(mails: QuerySet[Mail]) -> QuerySet[Mail]:
    """Those that failed and are still waited for: of events to come, at an address that still is somebody's.

    A corrected address, a seat given back and an event that is over need nobody.
    """
    holds = Ticket.objects.filter(order=OuterRef("order"), voided_at=None, holder_email=OuterRef("to"))
    failed = mails.filter(STATES["bounced"] | STATES["suppressed"], order__event__end_time__gt=clock.now())
    return failed.filter(
        Q(to=F("order__email")) | Exists(holds), order__status__in=[Order.Status.PAID, Order.Status.PENDING]
    )


def resend(mails: QuerySet[Mail]) -> int:
    """Try those of `mails` again that could not be delivered; how many. Of two at once each tries its own."""
    return undelivered(mails).update(status=Mail.Status.DUE, **Mail.requeued())
