"""Own and foreign rows for the matrix of roles, somebody with a role, and who is expected to do what."""

import uuid

from django.urls import reverse
from django.utils import timezone

from accounts.history import by_command, record
from accounts.roles import Role
from payments.models import Refund
from tests.acts import hold, pay
from tests.doors import offline_scan
from tests.factories import (
    AnswerFactory,
    CheckInFactory,
    CheckupFactory,
    EventChangeFactory,
    EventFactory,
    FormerSlugFactory,
    InvitationFactory,
    MailFactory,
    MembershipFactory,
    OrganizerFactory,
    PendingActFactory,
    PostTransactionFactory,
    PromoCodeFactory,
    RefundFactory,
    SignInFactory,
    StaffFactory,
    SweepFactory,
    UsageFactory,
    UserFactory,
    VaspNonceFactory,
    ViewerFactory,
    WebhookEventFactory,
)
from tickets.guest_messages.tests.factories import MessageFactory
from tickets.mail_health.tests.factories import SuppressedFactory
from tickets.models import Announcement
from tickets.receipts.drawing import draw_receipt
from tickets.scheduled_exports.tests.factories import ExportMailFactory, ScheduledExportFactory

OPERATOR, NOBODY, STRANGER = "operator", "nobody", "stranger"
EVERYBODY = [*Role.values, OPERATOR, NOBODY, STRANGER]
OWNERS = {"owner"}
MANAGERS = {"owner", "manager"}
MONEY = {"owner", "finance", "reader"}
MOVERS = {"owner", "finance"}
NOTERS = {"owner", "manager", "finance"}
GUESTS = {"owner", "manager", "finance", "reader"}
DOORS = {"owner", "manager", "door"}
OPERATORS: set[str] = set()  # who see everything, everywhere

# Who sees the rows of a model; who writes them by a form; who adds and deletes them. Operators besides.
SEES = {
    "accounts.user": OPERATORS, "accounts.historyentry": OPERATORS, "accounts.usage": OPERATORS,
    "accounts.signin": OPERATORS, "accounts.pendingact": OPERATORS,
    "events.event": GUESTS, "events.tickettype": GUESTS, "events.promocode": MANAGERS,
    "events.formerslug": MANAGERS, "events.question": GUESTS, "tickets.answer": GUESTS,
    "events.organizer": GUESTS,
    "events.membership": OWNERS, "events.invitation": OWNERS,
    "payments.payment": MONEY, "payments.invoice": MONEY, "payments.incomingpayment": MONEY,
    "payments.refund": MONEY, "payments.webhookevent": OPERATORS, "payments.posttransaction": OPERATORS,
    "payments.vaspnonce": OPERATORS, "payments.checkup": OPERATORS, "payments.sweep": OPERATORS,
    "tickets.order": GUESTS, "tickets.orderline": GUESTS,
    "tickets.ticket": GUESTS, "tickets.checkin": GUESTS, "tickets.viewer": GUESTS,
    "offline_door.doorlist": GUESTS, "offline_door.offlinescan": GUESTS,
    "tickets.mail": MANAGERS, "tickets.announcement": MANAGERS, "tickets.eventchange": MANAGERS,
    "guest_messages.message": MANAGERS,
    "receipts.receipt": MONEY,
    "mail_health.suppressed": OPERATORS,
    "scheduled_exports.scheduledexport": GUESTS, "scheduled_exports.exportmail": GUESTS,
}  # fmt: skip
CHANGES = {
    "events.event": MANAGERS,
    "events.promocode": MANAGERS,
    "events.organizer": OWNERS,
    "accounts.user": OPERATORS,
    "guest_messages.message": MANAGERS,
    "scheduled_exports.scheduledexport": MANAGERS | MOVERS,
}
ADDS = {
    "events.event": MANAGERS, "events.promocode": MANAGERS, "events.organizer": OPERATORS,
    "guest_messages.message": MANAGERS, "scheduled_exports.scheduledexport": MANAGERS | MOVERS,
}  # fmt: skip
DELETES = ADDS
ACTS = {
    ("events.event", "sell"): MANAGERS, ("events.event", "gift"): MANAGERS,
    ("events.event", "codes"): MANAGERS, ("events.event", "publish"): MANAGERS,
    ("events.event", "withdraw"): MANAGERS, ("events.event", "duplicate"): MANAGERS,
    ("events.event", "resend"): MANAGERS, ("tickets.mail", "resend"): MANAGERS,
    ("tickets.order", "lift"): MANAGERS, ("tickets.order", "stop-mails"): OPERATORS,
    ("mail_health.suppressed", "lift"): OPERATORS,
    **{("guest_messages.message", action): MANAGERS for action in ("send", "test", "stop", "resend")},
    ("events.event", "cancel"): OWNERS, ("events.event", "retry-failed"): MOVERS,
    ("events.organizer", "invite"): OWNERS, ("events.organizer", "close"): OPERATORS,
    ("events.membership", "role"): OWNERS, ("events.membership", "remove"): OWNERS,
    ("events.invitation", "withdraw"): OWNERS,
    ("tickets.order", "reconcile"): MONEY, ("tickets.order", "push"): MANAGERS,
    ("tickets.order", "mail"): MANAGERS, ("tickets.order", "viewers"): MANAGERS,
    ("tickets.order", "refund-part"): MOVERS, ("tickets.order", "refund"): MOVERS,
    ("tickets.order", "cancel"): MANAGERS, ("tickets.order", "forget"): OPERATORS,
    ("tickets.order", "note"): NOTERS,
    ("tickets.order", "email"): MANAGERS, ("tickets.order", "replace-links"): MANAGERS,
    ("tickets.ticket", "void"): MOVERS, ("tickets.ticket", "replace"): MANAGERS,
    ("tickets.ticket", "undo"): MANAGERS,
    ("payments.refund", "retry"): MOVERS, ("payments.refund", "address"): MOVERS,
    ("payments.incomingpayment", "attach"): OPERATORS, ("payments.incomingpayment", "refund"): OPERATORS,
    **{(model, "try-again"): OPERATORS for model in (
        "tickets.order", "tickets.mail", "payments.payment", "payments.invoice", "payments.incomingpayment",
        "payments.refund", "payments.webhookevent", "scheduled_exports.exportmail",
    )},
}  # fmt: skip
# What the API's operations of staff need; the rest is for anybody, or about one's own.
STAFF_API = {
    "create_event": MANAGERS, "replace_event": MANAGERS, "change_event": MANAGERS, "delete_event": MANAGERS,
    "export_table": GUESTS,
    "check_in": DOORS,
    "list_ticket_types": MANAGERS, "get_ticket_type": MANAGERS, "create_ticket_type": MANAGERS,
    "replace_ticket_type": MANAGERS, "change_ticket_type": MANAGERS, "delete_ticket_type": MANAGERS,
}  # fmt: skip
OPEN_API = {
    "list_events", "get_event", "get_order", "cancel_order", "check_order", "correct_email",
    "give_refund_address", "replace_links", "replace_ticket", "void_ticket", "payment_status", "join",
    "ticket_status", "purchase", "validate_ticket", "sign_up", "get_user", "replace_user", "change_user",
    "delete_user", "export_user", "my_tickets", "login", "logout", "me", "ask_for_reset", "reset_password",
    "verify_email", "verify_again", "quote",
    "answer_questions", "add_device", "forget_device", "get_receipt", "make_receipt_out", "receipt_pdf",
}  # fmt: skip
SITE_PAGES = {
    "index", "login", "logout", "password_change", "password_change_done", "autocomplete", "jsi18n",
    "app_list",
}  # fmt: skip
MODEL_PAGES = {
    "changelist", "add", "history", "delete", "change", "act", "statement", "csv", "find", "preview", "pdf",
}  # fmt: skip


# -- the world ----------------------------------------------------------------------------------
def half(word: str) -> dict:
    """An organizer named `word`, with a row of every model of theirs; by label."""
    organizer = OrganizerFactory(name=f"Organizer {word}")
    event = EventFactory(title=f"Evening {word}", organizer=organizer)
    order = hold(
        event, name=f"Guest {word}", email=f"guest-{word}@example.com", uma_address="$a@wallet.example.com"
    )
    incoming = pay(order)
    ticket = order.tickets.get()
    was = {
        "title": f"Was {word}",
        "start_time": timezone.now(),
        "end_time": timezone.now(),
        "timezone": "UTC",
    }
    answer = AnswerFactory(order=order)
    schedule = ScheduledExportFactory(organizer=organizer)
    announced, _is_new = Announcement.objects.update_or_create(event=event, defaults=was)
    rows = [
        organizer, EventFactory(title=f"Unsold {word}", organizer=organizer, is_active=False), order, ticket,
        incoming, order.payment, order.payment.invoices.first(), announced,
        event.default_type, order.lines.get(), PromoCodeFactory(event=event),
        answer, answer.question,
        CheckInFactory(ticket=ticket), ViewerFactory(ticket=ticket), *offline_scan(ticket),
        MailFactory(order=order), MessageFactory(event=event), draw_receipt(order),
        EventChangeFactory(event=event, is_move=True, **was), FormerSlugFactory(event=event),
        RefundFactory(incoming_payment=incoming, amount_msats=1, status=Refund.Status.FAILED),
        MembershipFactory(organizer=organizer), InvitationFactory(organizer=organizer), schedule,
        ExportMailFactory(schedule=schedule, recipient=UserFactory()),
    ]  # fmt: skip
    return {row._meta.label_lower: row for row in rows} | {"sold": event}


def under_the_hood(own: dict) -> dict:
    """A row of every model that is the operators'; by label."""
    rows = [
        CheckupFactory(), UsageFactory(key="k"), VaspNonceFactory(), WebhookEventFactory(),
        SignInFactory(), PendingActFactory(), SuppressedFactory(),
        PostTransactionFactory(incoming_payment=own["payments.incomingpayment"]), UserFactory(),
        SweepFactory(read_until=timezone.now()),
    ]  # fmt: skip
    with by_command("test"):
        rows.append(record("press", own["tickets.order"]))
    return {row._meta.label_lower: row for row in rows}


def make_world(role, client, settings) -> "World":
    """Own and foreign rows, and a client of somebody with `role` for the own organizer."""
    settings.STAFF_SECOND_FACTOR = "optional"
    own, foreign = half("own"), half("foreign")
    hood = under_the_hood(own)
    user = None
    if role == OPERATOR:
        user = StaffFactory()
    elif role == NOBODY:
        user = UserFactory()
    elif role != STRANGER:
        user = UserFactory()
        MembershipFactory(
            organizer=own["events.organizer"],
            user=user,
            role=role,
            events=[own["sold"]] if role == "door" else [],
        )
    if user:
        client.force_login(user)
    return World(role, client, user, own, foreign, hood)


class World:
    def __init__(self, role, client, user, own, foreign, hood):
        self.role, self.client, self.user = role, client, user
        self.own, self.foreign, self.hood = own, foreign, hood
        self.wrong: list[str] = []

    @property
    def comes_in(self) -> bool:
        return self.role not in (NOBODY, STRANGER)

    def is_among(self, roles: set[str]) -> bool:
        return self.role == OPERATOR or self.role in roles

    def expect(self, cell: str, answer, *statuses: int) -> None:
        expected = statuses if self.comes_in else (302,)
        if self.role == NOBODY and 403 in statuses and answer.status_code == 403:
            return  # signed in, and told so outside of the admin
        if not self.comes_in and "/login/" not in answer.get("Location", ""):
            self.wrong.append(f"{cell}: not led to sign in, but {answer.status_code}")
        if answer.status_code not in expected:
            self.wrong.append(f"{cell}: {answer.status_code} instead of {expected}")

    def rows(self, label: str) -> dict:
        """A row of `label` that is one's own, another's, and one that is not there."""
        if label in self.hood:
            return {"hood": self.hood[label], "missing": None}
        return {"own": self.own[label], "foreign": self.foreign[label], "missing": None}


def url(model, page: str, row=..., *more) -> str:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}"
    if row is ...:
        return reverse(name)
    missing = uuid.UUID(int=0) if model._meta.pk.get_internal_type() == "UUIDField" else 999_999_999
    return reverse(name, args=[missing if row is None else row.pk, *more])


def looks(answer) -> tuple:
    return answer.status_code, answer.get("Location", "")


def mine(world, model) -> set:
    """By the organizer's name on the way, so by another way than the one function's."""
    path = "__".join(filter(None, [model.organizer_path, "name"]))
    return {row.pk for row in model._default_manager.filter(**{path: "Organizer own"})}
