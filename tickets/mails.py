"""The mails we send, each a triple of templates: subject, text, HTML.

No mail holds a ticket's code or the stream's address: mails are forwarded, and kept by strangers.
"""

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import timezone, translation

from events.calendars import calendar_file
from payments.models import Refund
from ticketsuma.money import MSATS_PER_SAT

from .announcements import about_start
from .models import Mail, Order

LONGEST_SUBJECT = 150
WITH_CALENDAR = {Mail.Kind.TICKETS, Mail.Kind.EVENT_CHANGED}
REMINDERS = {Mail.Kind.REMINDER_DAY, Mail.Kind.REMINDER_HOUR}


def send_mail(mail: Mail) -> None:
    """Send a due mail; the worker's handler. At least once: a crash after sending sends it again.

    News that is no longer true when its turn comes (the event moved, the order ended) is parked as failed.
    """
    if not _still_true(mail):
        _drop(mail)
        return
    with translation.override(mail.order.language):
        message = write_mail(mail)
    message.send()
    mail.advance(Mail.Status.SENT, sent_at=timezone.now(), next_attempt_at=None, last_error="")


def _drop(mail: Mail) -> None:
    mail.advance(Mail.Status.FAILED, next_attempt_at=None, last_error="no longer true")


def _still_true(mail: Mail) -> bool:
    order, now = mail.order, timezone.now()
    if mail.kind in REMINDERS:
        coming = order.event.start_time > now and mail.about == about_start(order.event)
        return coming and order.is_paid and not order.event.is_canceled
    if mail.kind == Mail.Kind.EVENT_CHANGED:
        return order.is_paid and order.event.end_time > now and not order.event.is_canceled
    return True


def write_mail(mail: Mail) -> EmailMultiAlternatives:
    """The message, in the language that is active."""
    order, event = mail.order, mail.order.event
    context = _words_about(mail)
    template = f"mails/{mail.kind}"
    host = settings.SITE_HOST.partition(":")[0]
    message = EmailMultiAlternatives(
        subject=_one_line(render_to_string(f"{template}-subject.txt", context)),
        body=render_to_string(f"{template}-body.txt", context),
        to=[mail.to],
        headers={"Message-ID": f"<{_name(mail)}@{host}>"},
    )
    message.attach_alternative(render_to_string(f"{template}-body.html", context), "text/html")
    if mail.kind in WITH_CALENDAR:
        tickets = context["tickets"]
        page = tickets[0] if len(tickets) == 1 else order
        entry = calendar_file(event, settings.SITE_URL + page.get_absolute_url())
        message.attach("event.ics", entry.decode(), "text/calendar")
    return message


def _name(mail: Mail) -> str:
    """The same when it is sent twice, so that mail programs show it once; another when asked for anew."""
    anew = f"-{mail.sent_at:%Y%m%d%H%M%S}" if mail.sent_at else ""
    return f"{mail.kind}-{mail.order_id.hex}-{mail.about.hex[:8]}{anew}"


def _words_about(mail: Mail) -> dict:
    order = mail.order
    refund = Refund.objects.filter(pk=mail.about).first()
    return {
        "refund_sats": refund.amount_msats // MSATS_PER_SAT if refund else 0,
        "order": order,
        "order_url": settings.SITE_URL + order.get_absolute_url(),
        "event": order.event,
        "event_url": settings.SITE_URL + order.event.get_absolute_url(),
        "tickets": list(order.tickets.filter(voided_at=None)),
        "site_url": settings.SITE_URL,
        "site_name": settings.SITE_NAME,
    }


def _one_line(text: str) -> str:
    """A subject that no title can break out of: one line, no control characters, bounded."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= LONGEST_SUBJECT else line[: LONGEST_SUBJECT - 1].rstrip() + "…"


def mail_tickets_again(order: Order) -> None:
    """Mail a paid order's tickets once more; of two who ask at once the second gets InvalidTransition."""
    mail, is_new = Mail.objects.get_or_create(
        order=order, kind=Mail.Kind.TICKETS, to=order.email, defaults={"next_attempt_at": timezone.now()}
    )
    if is_new:
        return
    if mail.status == Mail.Status.DUE:
        mail.try_again()
    else:
        mail.advance(Mail.Status.DUE, next_attempt_at=timezone.now(), attempts=0, parked_at=None)
