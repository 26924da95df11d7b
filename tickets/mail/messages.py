"""Mails about orders and tickets, each of three templates: subject, text, HTML.

No text of a mail holds a ticket's code or the stream's address: mails are forwarded, and kept by strangers.
A holder who is not the buyer gets their own tickets, with the PDF, and nothing that opens the order.
"""

from datetime import timedelta
from email.utils import formataddr
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation

from accounts.models import normalize_email
from events.catalogue_models import Admits
from events.ical import CANCEL, REQUEST, calendar_file
from payments.models import Refund
from payments.quotes import then_and_now
from payments.refunds import for_the_payer_to_redirect
from tickets.mail_health.sending import send
from tickets.models import EventChange, Mail, Order, Ticket
from tickets.services.answers import has_questions
from tickets.services.mailbox_proof import mailbox_path
from tickets.services.moved_events import may_have_money_back
from ticketsuma.bidi import FSI, PDI
from ticketsuma.mail import ShopMail, message_id
from ticketsuma.money import MSATS_PER_SAT
from ticketsuma.templatetags.display import due

from .notifications import HOUR_BEFORE, about_start, holders_of
from .refund_words import about_tickets, why
from .relative_time import soon

MAX_SUBJECT = 150
REMINDERS = {Mail.Kind.REMINDER_DAY, Mail.Kind.REMINDER_HOUR}
# What a mail tells the reader's calendar.
CALENDAR = {
    Mail.Kind.TICKETS: REQUEST,
    Mail.Kind.EVENT_CHANGED: REQUEST,
    Mail.Kind.EVENT_CANCELED: CANCEL,
    Mail.Kind.ORDER_CANCELED: CANCEL,
}


def send_mail(mail: Mail) -> None:
    """Send a due mail; the worker's handler. At least once: a crash after sending sends it again.

    What is said is true when it is sent, however late that is. News that is no longer true then (the
    event moved, the order ended) is parked as failed; what was written to an address that was corrected
    since goes to the right one.
    """
    to = Order.objects.values_list("email", flat=True).get(pk=mail.order_id)
    if mail.to != to and not _held_by(mail).exists():
        send_elsewhere(mail, to=to)
        return
    if not _still_true(mail):
        _drop(mail)
        return
    with translation.override(mail.order.language):
        message = write_mail(mail)
    send(mail, message)


def _held_by(mail: Mail) -> QuerySet[Ticket]:
    """The good tickets of the mail's order that its receiver holds, not being the buyer."""
    return _good_tickets(mail.order).filter(holder_email=mail.to)


def _good_tickets(order: Order) -> QuerySet[Ticket]:
    return order.tickets.filter(voided_at=None).select_related("line__type")


def _drop(mail: Mail, why: str = "no longer true", **changes: Any) -> None:
    mail.advance(Mail.Status.FAILED, last_error=why, **mail.finished(), **changes)


def send_elsewhere(mail: Mail, *, to: str, anew: bool = False) -> None:
    """The same mail goes to `to` instead, with `anew` also if it went there once; without one to nobody."""
    if mail.status == Mail.Status.DUE:
        _drop(mail, "the address was corrected", failing_since=None)
    if not to:
        return
    if (
        mail.kind == Mail.Kind.MESSAGE
        and Mail.objects.filter(about=mail.about, kind=mail.kind, to=to).exists()
    ):
        return  # one for each guest, however many orders are theirs
    other, is_new = Mail.objects.get_or_create(
        order_id=mail.order_id, kind=mail.kind, to=to, about=mail.about, defaults=Mail.scheduled()
    )
    if anew and not is_new:
        _send_anew(other)


def _send_anew(mail: Mail) -> None:
    if mail.status == Mail.Status.DUE:
        mail.requeue()
    else:
        mail.advance(Mail.Status.DUE, **mail.requeued())


def _goes_there(mail: Mail) -> bool:
    """Whether its receiver holds a ticket for the event, and not for its replay alone."""
    tickets = mail.order.tickets if mail.to == mail.order.email else _held_by(mail)
    return tickets.filter(voided_at=None).exclude(line__admits=Admits.REPLAY).exists()


def _still_true(mail: Mail) -> bool:
    order, event, now = mail.order, mail.order.event, timezone.now()
    admits = order.is_paid and not event.is_canceled
    if mail.kind in REMINDERS:
        is_overtaken = mail.kind == Mail.Kind.REMINDER_DAY and event.start_time - now <= HOUR_BEFORE
        coming = event.start_time > now and mail.about == about_start(event)
        return coming and admits and not is_overtaken and _goes_there(mail)
    if mail.kind == Mail.Kind.REFUND_ADDRESS:
        return Refund.objects.filter(for_the_payer_to_redirect(), pk=mail.about).exists()
    if mail.kind == Mail.Kind.CONFIRM:
        return order.is_pending
    if mail.kind == Mail.Kind.EVENT_CHANGED:
        change = EventChange.objects.filter(pk=mail.about).select_related("event").first()
        return admits and event.end_time > now and (change is None or change.differs)
    return admits if mail.kind == Mail.Kind.TICKETS else True


def write_mail(mail: Mail) -> ShopMail:
    """The message, in the language that is active."""
    order, event = mail.order, mail.order.event
    context = _words_about(mail)
    template = f"mails/{mail.kind}"
    context["subject"] = subject = one_line(render_to_string(f"{template}-subject.txt", context))
    message = ShopMail(
        subject=subject,
        body=render_to_string(f"{template}-body.txt", context),
        to=[mail.to],
        reply_to=[named_address(event.shown_organizer, event.contact_email)] if event.contact_email else None,
        headers={"Message-ID": message_id(_name(mail))},
    )
    message.attach_alternative(render_to_string(f"{template}-body.html", context), "text/html")
    tickets = context["tickets"]
    if method := CALENDAR.get(Mail.Kind(mail.kind)):
        page = tickets[0] if tickets and (len(tickets) == 1 or context["is_holder"]) else order
        url = settings.SITE_URL + page.get_absolute_url()
        names = dict.fromkeys(ticket.type_name for ticket in tickets if ticket.type_name)
        entry = calendar_file(event, url, method=method, attendee=mail.to, kind=", ".join(names))
        # An alternative, which mail programs take into the calendar (RFC 6047), and a file for the others.
        message.attach_alternative(entry.decode(), f"text/calendar; method={method}")
        message.attach("event.ics", entry.decode(), "text/calendar")
    if context["is_holder"] and mail.kind == Mail.Kind.TICKETS:
        for ticket in tickets:
            _attach_paper(message, ticket)
    return message


def _attach_paper(message: ShopMail, ticket: Ticket) -> None:
    from tickets.pdf.ticket import ticket_pdf  # reportlab takes a while to import

    name = f"ticket-{ticket.order.code}-{ticket.number}.pdf"
    message.attach(name, ticket_pdf(ticket), "application/pdf")


def named_address(name: str, address: str) -> str:
    """`name <address>` for a header; what no header may hold is left out of the name."""
    return formataddr((one_line(name), address))


def _name(mail: Mail) -> str:
    """The same when it is sent twice, so that mail programs show it once; another when asked for anew."""
    anew = f"-{mail.sent_at:%Y%m%d%H%M%S}" if mail.sent_at else ""
    holder = f"-{mail.pk}" if mail.to != mail.order.email else ""
    return f"{mail.kind}-{mail.order_id.hex}-{mail.about.hex[:8]}{holder}{anew}"


def _words_about(mail: Mail) -> dict[str, Any]:
    order, event = mail.order, mail.order.event
    refund = Refund.objects.filter(pk=mail.about).first()
    is_holder = mail.to != order.email
    tickets = list(_held_by(mail) if is_holder else _good_tickets(order))
    for ticket in tickets:
        ticket.order = order
    return {
        "is_holder": is_holder,
        "refund": refund,
        "refund_sats": refund.amount_msats // MSATS_PER_SAT if refund else 0,
        "then_and_now": then_and_now(order.payment, refund.amount_msats) if refund and order.payment else "",
        "paid": due(order) if order.payment and not is_holder else "",
        "receipt_url": "" if is_holder else settings.SITE_URL + reverse("receipt", args=[order.token]),
        "why": why(refund) if refund else "",
        "about_tickets": about_tickets(order),
        "is_for_replay": all(each.line and each.line.admits == Admits.REPLAY for each in tickets),
        "before": EventChange.objects.filter(pk=mail.about).first(),
        "may_have_money_back": not is_holder and may_have_money_back(order),
        "soon": soon(event),
        "order": order,
        "confirm_url": settings.SITE_URL + mailbox_path(order),
        "order_url": "" if is_holder else settings.SITE_URL + order.get_absolute_url(),
        "event": event,
        "event_url": settings.SITE_URL + event.get_absolute_url(),
        "tickets": tickets,
        "asks_url": _asks_url(order, tickets, of_order=not is_holder),
        "site_url": settings.SITE_URL,
        "site_name": settings.SITE_NAME,
    }


def _asks_url(order: Order, tickets: list[Ticket], *, of_order: bool) -> str:
    """Where the receiver answers what the event asks after the payment; "" if nothing is left to answer."""
    if not has_questions(order, tickets, of_order=of_order):
        return ""
    page = order if of_order else tickets[0]
    return f"{settings.SITE_URL}{page.get_absolute_url()}#questions"


def one_line(text: str) -> str:
    """A subject that no title can break out of: one line, no control characters, bounded."""
    line = " ".join("".join(c if c.isprintable() or c in (FSI, PDI) else " " for c in text).split())
    if len(line) <= MAX_SUBJECT:
        return line
    return line[: MAX_SUBJECT - 2].rstrip() + "…" + (PDI if FSI in line else "")


def mail_tickets_again(order: Order) -> None:
    """Mail a paid order's tickets once more; of two who ask at once the second gets InvalidTransition."""
    mail_holder(order, order.email)


def mail_holder(order: Order, to: str) -> None:
    """Have the tickets of `to`, its buyer or a holder, mailed there, once more if they were."""
    mail, is_new = Mail.objects.get_or_create(
        order=order, kind=Mail.Kind.TICKETS, to=to, defaults=Mail.scheduled()
    )
    if not is_new:
        _send_anew(mail)


def mail_holders(order: Order) -> None:
    """The same for everybody who holds a good ticket of `order`: their links were replaced."""
    for to in holders_of(order):
        mail_holder(order, to)


def send_tickets_again(email: str) -> int:
    """Mail the links of every coming event's paid order again, each once in ten minutes; how many."""
    now = timezone.now()
    email = normalize_email(email)
    theirs = {*Order.objects.filter(email=email).values_list("pk", flat=True)}
    theirs |= {*Ticket.objects.filter(holder_email=email).values_list("order", flat=True)}
    orders = Order.objects.filter(pk__in=theirs, status=Order.Status.PAID, event__end_time__gt=now)
    mails = Mail.objects.filter(order__in=orders, kind=Mail.Kind.TICKETS, to=email)
    return (
        mails.exclude(status=Mail.Status.DUE, parked_at=None)
        .exclude(sent_at__gt=now - timedelta(minutes=10))
        .update(status=Mail.Status.DUE, **Mail.requeued())
    )
