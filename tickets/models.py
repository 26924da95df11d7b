"""Models of sales: orders, their tickets, and the mails about them."""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.core.signing import Signer
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from events.catalogue_models import Admits, PromoCode
from events.models import Event
from payments.models import Payment
from ticketsuma.codes import new_code
from ticketsuma.constraint_messages import Check, Unique
from ticketsuma.jobs.models import Job
from ticketsuma.live.news import tell_pages
from ticketsuma.search_keys import FoldedField, Searched
from ticketsuma.state_machine import StateMachine

from .admission_models import CheckIn, Viewer  # noqa: F401, Django looks for models here
from .announcement_models import Announcement, EventChange  # noqa: F401, models of this app
from .answer_models import Answer
from .line_models import OrderLine
from .links import Linked, TokenQuerySet
from .order_amounts import OrderAmounts

ORDER_CODE_LENGTH = 8
TICKET_CODE_LENGTH = 26  # 130 bits
FORGOTTEN = "forgotten"  # the idempotency scope of an order whose buyer is


def new_order_code() -> str:
    return new_code(ORDER_CODE_LENGTH)


def new_ticket_code() -> str:
    return new_code(TICKET_CODE_LENGTH)


class OrderQuerySet(TokenQuerySet):
    def overdue(self, now):
        return self.filter(status=Order.Status.PENDING, expires_at__lte=now)

    def holding(self):
        """Orders whose seats count as taken."""
        return self.filter(status__in=[Order.Status.PENDING, Order.Status.PAID])


class Order(OrderAmounts, Searched, Linked, StateMachine, Job):
    """An order: seats held, then sold. As a job of the worker it is the end of its hold (`expire_order`)."""

    organizer_path = "event__organizer"

    class Status(models.TextChoices):
        PENDING = "pending", pgettext_lazy("order", "Pending")
        PAID = "paid", pgettext_lazy("order", "Paid")
        EXPIRED = "expired", pgettext_lazy("order", "Expired")
        CANCELED = "canceled", pgettext_lazy("order", "Canceled")

    transitions = {
        Status.PENDING: {Status.PAID, Status.EXPIRED, Status.CANCELED},
        Status.EXPIRED: {Status.PAID},  # late money, seats won back
        Status.PAID: {Status.CANCELED},
    }
    max_attempts = 10**9  # the hold ends by itself; see HOLD_UNKNOWN_SECONDS
    wakes_workers = False  # nothing is due before the hold's end
    longest_delay_seconds = 30.0

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    event = models.ForeignKey(Event, models.PROTECT, related_name="orders", verbose_name=_("event"))
    buyer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="orders",
        verbose_name=_("buyer"),
    )
    email = models.EmailField(_("e-mail"), max_length=254, blank=True)
    name = models.CharField(_("name"), max_length=120, blank=True)
    quantity = models.PositiveSmallIntegerField(_("seats"))
    price_sats = models.BigIntegerField(
        _("price of a seat"), help_text=_("On average, rounded up: 0 when all are free. Frozen at purchase.")
    )
    promo_code = models.ForeignKey(
        PromoCode, models.PROTECT, null=True, blank=True, related_name="orders", verbose_name=_("promo code")
    )
    refund_hours = models.PositiveSmallIntegerField(
        _("money back until hours before"), null=True, blank=True, help_text=_("Frozen at purchase.")
    )
    uma_address = models.CharField(_("UMA address"), max_length=255, blank=True)
    language = models.CharField(
        _("language"), max_length=10, default="en", help_text=_("In which its mails are written.")
    )
    code = models.CharField(_("code"), max_length=ORDER_CODE_LENGTH, unique=True, default=new_order_code)
    scope = models.CharField(_("idempotency scope"), max_length=80)
    key = models.CharField(_("idempotency key"), max_length=255)
    request_hash = models.CharField(_("request digest"), max_length=64)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.PENDING)
    # A digest of where it was placed from; kept while it is held, of free seats for an hour.
    network = models.CharField(_("network"), max_length=64, blank=True, default="", db_default="")
    expires_at = models.DateTimeField(_("held until"))
    paid_at = models.DateTimeField(_("paid"), null=True, blank=True)
    ended_at = models.DateTimeField(
        _("ended"), null=True, blank=True, help_text=_("When it expired or was canceled.")
    )
    is_forgotten = models.BooleanField(
        _("forgotten"),
        default=False,
        db_default=False,
        help_text=_("Its buyer has left; what money may still need goes later."),
    )
    payment = models.OneToOneField(
        Payment, models.PROTECT, null=True, blank=True, related_name="order", verbose_name=_("payment")
    )
    search_key = FoldedField("email", "name")
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    is_replay = False  # `place_order` answered an order that was there already
    # By whoever has just written the order, or is about to.
    tickets_in_hand: "list[Ticket] | None" = None
    lines_in_hand: list[OrderLine] | None = None
    answers_in_hand: list[Answer] | None = None

    objects = OrderQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("order"), _("orders")
        constraints = [
            Check(
                condition=Q(quantity__gte=1), name="tickets_order_quantity_positive", at="quantity",
                says=_("An order has at least one seat.")),
            Check(
                condition=Q(price_sats__gte=0), name="tickets_order_price_not_negative", at="price_sats",
                says=_("A price is 0 or more.")),
            Check(
                condition=~Q(status="paid") | Q(paid_at__isnull=False),
                name="tickets_order_paid_has_paid_at", at="paid_at",
                says=_("A paid order says when it was paid.")),
            Check(
                condition=Q(price_sats=0, payment__isnull=True) | Q(price_sats__gt=0, payment__isnull=False),
                name="tickets_order_has_payment_unless_free", at="payment",
                says=_("An order has a payment unless it is free.")),
            Unique(
                fields=["scope", "key"], name="tickets_order_placed_once",
                says=_("This order was placed already.")),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["expires_at"], name="tickets_order_overdue", condition=Q(status="pending")),
            models.Index(fields=["email"], name="tickets_order_email"),
            models.Index(fields=["event", "network"], name="tickets_order_network", condition=~Q(network="")),
            models.Index(
                fields=["uma_address"],
                name="tickets_order_wallet",
                condition=Q(status="pending") & ~Q(uma_address=""),
            ),
            models.Index(fields=["id"], name="tickets_order_forgotten", condition=Q(is_forgotten=True)),
            models.Index(fields=["id"], name="tickets_order_key_due", condition=Q(search_key="")),
            models.Index(
                fields=["next_attempt_at"],
                name="tickets_order_due",
                condition=Q(next_attempt_at__isnull=False),
            ),
            models.Index(
                fields=["parked_at"], name="tickets_order_parked", condition=Q(parked_at__isnull=False)
            ),
            models.Index(
                fields=["paid_at"], name="tickets_order_paid_at", condition=Q(paid_at__isnull=False)
            ),
            models.Index(fields=["created_at", "id"], name="tickets_order_newest"),
            models.Index(fields=["updated_at"], name="tickets_order_changed"),
        ]

    def __str__(self) -> str:
        return self.code

    @staticmethod
    def signer() -> Signer:
        return Signer(salt="tickets.order")

    @property
    def refundable_until(self) -> datetime | None:
        """Until when its tickets may be given back for their money, as agreed at purchase; None: never."""
        if self.refund_hours is None or self.payment_id is None:
            return None
        return self.event.start_time - timedelta(hours=self.refund_hours)

    @property
    def is_pending(self) -> bool:
        return self.status == self.Status.PENDING

    @property
    def is_paid(self) -> bool:
        return self.status == self.Status.PAID

    @property
    def known_tickets(self) -> "Iterable[Ticket]":
        """Those in hand, else as they are stored; prefetched ones cost no query."""
        return self.tickets.all() if self.tickets_in_hand is None else self.tickets_in_hand

    @property
    def known_lines(self) -> list[OrderLine]:
        """Those in hand, else those of the tickets; prefetch `tickets` with their lines."""
        if self.lines_in_hand is not None:
            return self.lines_in_hand
        lines = sorted({each.line for each in self.known_tickets if each.line}, key=lambda line: line.pk)
        for line in lines:
            line.order = self
        return lines

    @property
    def named_lines(self) -> list[OrderLine]:
        """Those whose type has a name; prefetch LINES with several orders."""
        return [line for line in self.lines.all() if line.type.name]

    def advance(self, to: str, /, **changes) -> None:
        """As of any state machine; its open pages learn of it after the commit."""
        super().advance(to, **changes)
        tell_pages(f"order-{self.pk}")

    def get_absolute_url(self) -> str:
        return f"/orders/{self.token}"


_OTHER: dict[str, str] = {Admits.LIVE: Admits.REPLAY, Admits.REPLAY: Admits.LIVE}


class TicketQuerySet(TokenQuerySet):
    def admitting(self, to: str = ""):
        """The one definition of a ticket that opens the stream and the door; `to` the event or its replay."""
        tickets = self.filter(
            order__status=Order.Status.PAID, voided_at__isnull=True, order__event__canceled_at__isnull=True
        )
        return tickets.exclude(line__admits=_OTHER[to]) if to else tickets


class Ticket(Searched, Linked):
    """One seat. It exists from the hold on; code, QR and stream open once its order is paid."""

    organizer_path = "order__event__organizer"

    class PaymentStatus(models.TextChoices):
        """`payment_status` of the API. `failed` is in its list of values and is never produced."""

        PENDING = "pending"
        PAID = "paid"
        FAILED = "failed"
        EXPIRED = "expired"
        CANCELED = "canceled"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    order = models.ForeignKey(Order, models.PROTECT, related_name="tickets", verbose_name=_("order"))
    line = models.ForeignKey(
        OrderLine, models.PROTECT, null=True, blank=True, related_name="tickets",
        verbose_name=_("order line"),
        help_text=_("None where the version before sold it, until it is filled in."),
    )  # fmt: skip
    number = models.PositiveSmallIntegerField(_("number"))
    ticket_code = models.CharField(
        _("ticket code"), max_length=TICKET_CODE_LENGTH, unique=True, default=new_ticket_code
    )
    holder_name = models.CharField(_("holder"), max_length=120, blank=True)
    holder_email = models.EmailField(
        _("holder's e-mail"), max_length=254, blank=True, default="", db_default="",
        help_text=_("To which this ticket is mailed besides its buyer's."),
    )  # fmt: skip
    search_key = FoldedField("holder_name")
    voided_at = models.DateTimeField(_("void since"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    objects = TicketQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("ticket"), _("tickets")
        ordering = ["number"]
        indexes = [
            models.Index(fields=["id"], name="tickets_ticket_key_due", condition=Q(search_key="")),
            models.Index(fields=["created_at"], name="tickets_ticket_newest"),
            models.Index(
                fields=["holder_email"], name="tickets_ticket_holder", condition=~Q(holder_email="")
            ),
            models.Index(
                fields=["voided_at"], name="tickets_ticket_void", condition=Q(voided_at__isnull=False)
            ),
        ]
        constraints = [
            Unique(
                fields=["order", "number"], name="tickets_ticket_number_once",
                says=_("The order has a ticket of this number.")),
            Check(
                condition=Q(number__gte=1), name="tickets_ticket_number_positive", at="number",
                says=_("Tickets are counted from 1.")),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.order.code} #{self.number}"

    def get_absolute_url(self) -> str:
        return f"/tickets/{self.token}"

    @staticmethod
    def signer() -> Signer:
        return Signer(salt="tickets.ticket")

    @property
    def payment_status(self) -> str:
        return self.PaymentStatus(self.order.status)

    @property
    def admits(self) -> bool:
        """`admitting()`, for a ticket whose order and event are loaded."""
        return self.order.is_paid and self.voided_at is None and not self.order.event.is_canceled

    def admits_to(self, part: str) -> bool:
        """`admitting(part)`, for a ticket whose line is loaded, too."""
        return self.admits and (self.line is None or self.line.admits != _OTHER[part])

    @property
    def opens_stream(self) -> bool:
        """Whether it opens what the stream shows now, live or again; its line is loaded."""
        event = self.order.event
        if event.stream_is_open:
            return self.admits_to(Admits.LIVE)
        return event.replay_is_open and self.admits_to(Admits.REPLAY)

    @property
    def waits_for_replay(self) -> bool:
        """Whether it is for the replay alone, and the event is not over; its line is loaded."""
        return self.line is not None and self.line.admits == Admits.REPLAY and not self.order.event.is_past

    @property
    def price_sats(self) -> int:
        """What this seat cost in sats; its line, or else its order, is loaded."""
        return self.order.price_sats if self.line is None else self.order.sats_of(self.line.seat_amount)

    @property
    def price(self) -> int:
        """The same in minor units of its order's currency."""
        return self.order.price_sats if self.line is None else self.line.seat_amount

    @property
    def type_name(self) -> str:
        """Of its type, where the event names them; its line and the type are loaded."""
        return self.line.type.name if self.line else ""

    @property
    def is_used(self) -> bool:
        return hasattr(self, "check_in")


class Mail(StateMachine, Job):
    """A mail that must go out once, written with what it tells of and sent by the worker."""

    organizer_path = "order__event__organizer"

    class Status(models.TextChoices):
        DUE = "due", pgettext_lazy("mail", "Due")
        SENT = "sent", pgettext_lazy("mail", "Sent")
        FAILED = "failed", pgettext_lazy("mail", "Failed")

    class Kind(models.TextChoices):
        TICKETS = "tickets", pgettext_lazy("mail", "Tickets")
        CONFIRM = "confirm", pgettext_lazy("mail", "Is it your mailbox?")
        REFUND_ADDRESS = "refund_address", pgettext_lazy("mail", "Address for a refund wanted")
        REFUND_SENT = "refund_sent", pgettext_lazy("mail", "Refund sent")
        EVENT_CANCELED = "event_canceled", pgettext_lazy("mail", "Event canceled")
        ORDER_CANCELED = "order_canceled", pgettext_lazy("mail", "Order canceled")
        EVENT_CHANGED = "event_changed", pgettext_lazy("mail", "Event changed")
        REMINDER_DAY = "reminder_day", pgettext_lazy("mail", "Reminder, a day before")
        REMINDER_HOUR = "reminder_hour", pgettext_lazy("mail", "Reminder, an hour before")
        MESSAGE = "message", pgettext_lazy("mail", "Message of the organizer")

    transitions = {
        Status.DUE: {Status.SENT, Status.FAILED},
        Status.FAILED: {Status.DUE},
        Status.SENT: {Status.DUE, Status.FAILED},  # asked for again, came back
    }
    max_attempts = 16  # half a day: a mail server that is away comes back
    longest_delay_seconds = timedelta(hours=6).total_seconds()
    furthest_due = timedelta(hours=12)

    order = models.ForeignKey(Order, models.PROTECT, related_name="mails", verbose_name=_("order"))
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    to = models.EmailField(_("to"), max_length=254)
    about = models.UUIDField(
        _("about"),
        default=uuid.UUID(int=0),
        help_text=_("What it tells of, when an order can have several: a refund, a start, a change."),
    )
    status = models.CharField(_("status"), max_length=6, choices=Status, default=Status.DUE)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name, verbose_name_plural = _("mail"), _("mails")
        constraints = [
            Unique(
                fields=["order", "kind", "to", "about"], name="tickets_mail_once",
                says=_("This mail was written already."))
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["next_attempt_at"], name="tickets_mail_due", condition=Q(status="due")),
            models.Index(fields=["id"], name="tickets_mail_unsent", condition=~Q(status="sent")),
            models.Index(fields=["about", "kind"], name="tickets_mail_about"),
            models.Index(fields=["created_at", "id"], name="tickets_mail_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.get_status_display().lower()}"

    def traced_payment(self) -> uuid.UUID | None:
        return self.order.payment_id
