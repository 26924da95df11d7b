"""Alerts for staff: conditions that are no fault of the shop and do not end by themselves."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.apps import apps
from django.conf import settings
from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.roles import Ability, visible
from accounts.second_person import PendingAct
from payments.checkup_models import Checkup
from payments.models import IncomingPayment, Invoice, Payment, Refund, Sweep, WebhookEvent
from payments.node.balance import waiting_msats
from payments.node.lightspark import NodeForbidden
from payments.rates.services import paused
from payments.unmatched import unmatched_money
from tickets.mail_health.states import came_back
from tickets.models import Mail, Order
from tickets.scheduled_exports.models import ExportMail
from ticketsuma import clock
from ticketsuma.jobs.models import failing
from ticketsuma.money import MSATS_PER_SAT, format_sats


@dataclass(frozen=True)
class Attention:
    """One line for staff: what, how many, since when, and the admin list (model, query) or page of them."""

    kind: str
    count: int
    says: str
    since: datetime | None = None
    model: str = ""
    query: str = ""
    url: str = ""


def needs_attention() -> list[Attention]:
    """Unmatched money, refunds that wait for a person, work that fails, a silent node; the worst first."""
    sweep = Sweep.objects.filter(name=Sweep.INCOMING).first()
    refunds = [*refunds_that_wait(), *_second_person()]
    bad = [*_node(sweep), *_doctor(), *_rates(), *_balance(sweep), *_money(), *refunds]
    return [*bad, *mails_that_came_back(), *_work()]


def _node(sweep: Sweep | None) -> list[Attention]:
    if sweep is None:
        return [Attention("worker", 1, _("No worker has ever run: invoices, refunds and mails wait."))]
    if sweep.last_error.startswith(NodeForbidden.code):  # nothing works until somebody acts: at once
        says = _("Lightspark does not let us in: look at the API token (%(reason)s).")
        said = {"reason": sweep.last_error}
        return [Attention("forbidden", 1, says % said, sweep.succeeded_at, "payments.sweep")]
    if clock.is_ahead(sweep.tried_at) or clock.is_ahead(sweep.succeeded_at):
        says = _("A clock is wrong: the last synchronization with the node lies in the future.")
        return [Attention("clock", 1, says, sweep.tried_at, "payments.sweep")]
    if clock.is_recent(sweep.succeeded_at, within=Sweep.SILENT_AFTER):
        return []
    if clock.is_recent(sweep.tried_at, within=Sweep.SILENT_AFTER):
        reason = sweep.last_error or _("no reason given")
        says = _("The Lightning node does not answer (%(reason)s).") % {"reason": reason}
        return [Attention("node", 1, says, sweep.succeeded_at, "payments.sweep")]
    return [Attention("worker", 1, _("No worker is running."), sweep.tried_at, "payments.sweep")]


def _doctor() -> list[Attention]:
    """Faults that the worker's last checks of the node, our own address and mail found."""
    checkup = Checkup.objects.first()
    wrong = checkup.wrong if checkup else []
    since = checkup.checked_at if checkup else None
    return [Attention("doctor", 1, says, since, "payments.checkup") for says in wrong]


def _rates() -> list[Attention]:
    """Currencies in which nothing can be sold, for want of a reliable rate; each mends itself if it can."""
    says = {
        "sources": _("Sales in %(currency)s are paused: fewer than two exchanges agree on the rate."),
        "jump": _("Sales in %(currency)s are paused for ten minutes: the rate jumped by more than a tenth."),
        "stale": _("Sales in %(currency)s are paused: the exchange rate is older than two minutes."),
    }
    return [
        Attention("rate", 1, says[why] % {"currency": row.currency}, row.trouble_since or row.taken_at)
        for row, why in paused()
    ]


def _balance(sweep: Sweep | None) -> list[Attention]:
    """Refunds and their fees exceed what the node can send; they wait meanwhile."""
    owed = waiting_msats()
    if sweep is None or sweep.available_msats is None or sweep.available_msats >= owed:
        return []
    missing = format_sats(-((sweep.available_msats - owed) // MSATS_PER_SAT))
    says = _("The node lacks %(amount)s to send what is owed, with its fees.") % {"amount": missing}
    return [Attention("balance", 1, says, sweep.succeeded_at, "payments.sweep")]


def _line(
    kind: str, rows: QuerySet, says: str, model: str, query: str, *, by="created_at"
) -> list[Attention]:
    found = rows.aggregate(since=Min(by), count=Count("pk"))
    return [Attention(kind, found["count"], says, found["since"], model, query)] if found["count"] else []


def _second_person() -> list[Attention]:
    """Large refunds that somebody asked for, and nobody else has approved."""
    if not settings.REFUND_NEEDS_TWO_SATS:
        return []
    says, waiting = _("Refunds wait for a second person."), PendingAct.objects.waiting()
    return _line(
        "second_person", waiting, says, "accounts.pendingact", "status__exact=waiting", by="asked_at"
    )


def second_person_waits(user: User) -> list[Attention]:
    """Acts that wait for a second person and that `user` may see, the oldest first, each with its page."""
    if not settings.REFUND_NEEDS_TWO_SATS:
        return []
    acts = list(PendingAct.objects.waiting().order_by("asked_at"))
    seen = {
        (label, str(pk))
        for label in {act.row for act in acts}
        for pk in visible(
            user, apps.get_model(label)._default_manager.all(), Ability.MOVE_MONEY
        ).filter(pk__in=[act.row_id for act in acts if act.row == label]).values_list("pk", flat=True)
    }  # fmt: skip
    says = _("%(what)s waits for a second person: %(amount)s.")
    return [
        Attention(
            "second_person", 1, says % {"what": act.row_name, "amount": format_sats(act.sats)}, act.asked_at,
            url=reverse(f"admin:{act.row.replace('.', '_')}_act", args=[act.row_id, act.action]),
        )
        for act in acts if (act.row, act.row_id) in seen
    ]  # fmt: skip


def _money() -> list[Attention]:
    says = _("Money arrived that matches no order: attach it to one, or send it back.")
    return _line(
        "unmatched",
        unmatched_money(),
        says,
        "payments.incomingpayment",
        "purpose=unmatched",
        by="received_at",
    )


def refunds_that_wait(refunds: QuerySet | None = None) -> list[Attention]:
    """Of all refunds, or of `refunds`."""
    refunds = Refund.objects.all() if refunds is None else refunds
    says = {
        Refund.Status.FAILED: _("Refunds failed; their money is still owed."),
        Refund.Status.IN_DOUBT: _(
            "For minutes the node has not said whether these refunds were sent; it is asked again."
        ),
        Refund.Status.NEEDS_ADDRESS: _("Refunds wait for an address to go to."),
    }
    return [
        line
        for status, message in says.items()
        for line in _line(
            status,
            refunds.filter(status=status),
            message,
            "payments.refund",
            f"status__exact={status}",
        )
    ]


def mails_that_came_back(mails: QuerySet | None = None) -> list[Attention]:
    """Of all mails, or of `mails`: whoever they are for should be asked for another address."""
    mails = came_back(Mail.objects.all() if mails is None else mails)
    says = _("Mails about events to come were not delivered: look at the address, and mail them again.")
    return _line("came_back", mails, says, "tickets.mail", "state=came_back")


def _webhook_events() -> QuerySet:
    """What the node told us and nobody could ask about; money that came by another way since is seen to."""
    seen_to = IncomingPayment.objects.filter(
        node_payment_id=OuterRef("entity_id"), allocated_at__isnull=False
    )
    return WebhookEvent.objects.filter(~Exists(seen_to), processed_at=None)


def _mails() -> QuerySet:
    """Mails that are still waited for: no ticket of an order that ended, no news of what is over."""
    untrue = Q(kind=Mail.Kind.TICKETS) & ~Q(order__status=Order.Status.PAID)
    news = [Mail.Kind.REMINDER_DAY, Mail.Kind.REMINDER_HOUR, Mail.Kind.EVENT_CHANGED]
    over = Q(kind__in=news, order__event__end_time__lte=clock.now())
    return Mail.objects.exclude(status=Mail.Status.SENT).exclude(untrue | over)


# All waiting work (`Job`) by the admin's list of it, and which of its rows still wait for something. A
# push that found no wallet is not among it: the QR sells too. Nor is what other VASPs are told: no money
# hangs on that.
WORK: list[tuple[str, Callable[[], QuerySet]]] = [
    ("payments.webhookevent", _webhook_events),
    (
        "payments.incomingpayment",
        lambda: IncomingPayment.objects.filter(allocated_at=None, payment__isnull=False),
    ),
    (
        "payments.invoice",
        lambda: Invoice.objects.filter(
            Q(status=Invoice.Status.REQUESTED, payment__status=Payment.Status.PENDING)
            | Q(pk__in=Invoice.objects.leftover().values("pk"))
        ),
    ),
    (
        "payments.refund",
        lambda: Refund.objects.filter(status__in=[Refund.Status.QUEUED, Refund.Status.SENDING]),
    ),
    (
        "payments.payment",
        lambda: Payment.objects.filter(push=Payment.Push.QUEUED, status=Payment.Status.PENDING),
    ),
    ("tickets.order", lambda: Order.objects.holding()),
    ("tickets.mail", _mails),
    ("scheduled_exports.exportmail", lambda: ExportMail.objects.filter(status=ExportMail.Status.DUE)),
]


def _work() -> list[Attention]:
    """Work given up after its last attempt, and work that has been failing for minutes, by what it says."""
    return [line for model, rows in WORK for line in [*_parked(model, rows()), *_failing(model, rows())]]


def _parked(model: str, rows: QuerySet) -> list[Attention]:
    says = _("%(what)s: given up after the last attempt.") % {"what": _name_of(rows)}
    return _line("parked", rows.filter(parked_at__isnull=False), says, model, "parked=yes", by="parked_at")


def _failing(model: str, rows: QuerySet) -> list[Attention]:
    by_error = failing(rows).exclude(last_error="").order_by().values("last_error")
    found = by_error.annotate(count=Count("pk"), since=Min("failing_since")).order_by("since")
    says = _("%(what)s: failing for minutes, because of %(reason)s.")
    return [
        Attention(
            "failing",
            row["count"],
            says % {"what": _name_of(rows), "reason": row["last_error"]},
            row["since"],
            model,
            "parked=failing",
        )
        for row in found
    ]


def _name_of(rows: QuerySet) -> str:
    return capfirst(str(rows.model._meta.verbose_name_plural))
