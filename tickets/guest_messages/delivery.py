"""One guest's copy of a message, as the worker mails it, and tests to oneself."""

import hashlib
import smtplib
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.rate_limits import hit
from events.markdown import render_markdown
from tickets.mail.messages import named_address, one_line
from tickets.mail_health.sending import send
from tickets.models import Mail, Order
from ticketsuma.errors import DomainError
from ticketsuma.mail import ShopMail, message_id

from .audience import is_for
from .models import Message
from .unsubscribing import unsubscribe_url

LEFT_OUT = "not among its guests any more"


class MailServerSilent(DomainError):
    code = "mail_server"
    message = gettext_lazy("The mail server did not take it. Please try again a little later.")
    status = 503


def deliver(mail: Mail) -> None:
    """Mail a copy; the worker's handler. At least once: after a crash again, with the same Message-ID.

    Whoever is no longer one of its guests by now (paid, checked in, forgotten, unsubscribed …) gets
    nothing.
    """
    message = Message.objects.select_related("event__organizer").filter(pk=mail.about).first()
    if message is None or not is_for(message, address=mail.to, order_id=mail.order_id):
        mail.advance(Mail.Status.FAILED, last_error=LEFT_OUT, **mail.finished())
        return
    letter = write(message, to=mail.to, language=mail.order.language, order=mail.order)
    send(mail, letter)


def send_test(message: Message, *, to: str) -> int:
    """Mail each of its texts to `to`, who is staff; how many. Raises RateLimited, MailServerSilent.

    Waits for the mail server: outside of transactions.
    """
    hit("TEST_MESSAGES_PER_PERSON", to)
    languages = {"": translation.get_language() or settings.LANGUAGE_CODE}
    languages |= {each.language: each.language for each in message.translations.all()}
    for language in languages.values():
        letter = write(message, to=to, language=language)
        letter.subject = one_line(_("Test: %(subject)s") % {"subject": letter.subject})
        del letter.extra_headers["Message-ID"]
        try:
            letter.send()
        except (smtplib.SMTPException, OSError) as error:
            raise MailServerSilent(reason=type(error).__name__) from error
    return len(languages)


def write(message: Message, *, to: str, language: str, order: Order | None = None) -> ShopMail:
    """The mail in `language`, for a guest by `order`; without one as a test shows it."""
    event = message.event
    subject, text = message.words(language)
    with translation.override(language):
        context: dict[str, Any] = {
            "subject": subject, "text": text, "html": render_markdown(text), "event": event,
            "is_news": message.is_news, "page": _page(order, to), "order": order,
            "organizer": event.shown_organizer or settings.SITE_NAME,
            "event_url": settings.SITE_URL + event.get_absolute_url(),
            "site_url": settings.SITE_URL, "site_name": settings.SITE_NAME,
        }  # fmt: skip
        headers = {"Message-ID": _message_id(message, to)}
        if message.is_news:
            url = context["unsubscribe_url"] = unsubscribe_url(event.organizer_id, to)
            headers |= {
                "List-Unsubscribe": f"<{url}>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            }
        answers_to = named_address(event.shown_organizer, event.contact_email)
        letter = ShopMail(
            subject=one_line(subject),
            body=render_to_string("mails/message.txt", context),
            to=[to],
            reply_to=[answers_to] if event.contact_email else None,
            headers=headers,
        )
        letter.attach_alternative(render_to_string("mails/message.html", context), "text/html")
    return letter


def _page(order: Order | None, to: str) -> dict[str, str]:
    """Where the guest looks: the order of its buyer, a holder's ticket; nowhere once neither is good."""
    if order is None:
        return {}
    if to == order.email:
        return {"url": settings.SITE_URL + order.get_absolute_url(), "label": _("Your order")}
    ticket = order.tickets.filter(voided_at=None, holder_email=to).first()
    if ticket is None or not order.is_paid:
        return {}
    return {"url": settings.SITE_URL + ticket.get_absolute_url(), "label": _("Your ticket")}


def _message_id(message: Message, to: str) -> str:
    """The same for the same guest, so that a copy that is sent twice is shown once."""
    whose = hashlib.sha256(f"{message.pk} {to}".encode()).hexdigest()[:24]
    return message_id(f"message-{message.pk.hex}-{whose}")
