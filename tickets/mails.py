"""The mails we send, each a triple of templates: subject, text, HTML."""

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import timezone

from payments.models import Refund
from ticketsuma.money import MSATS_PER_SAT

from .models import Mail, Order


def send_mail(mail: Mail) -> None:
    """Send a due mail; the worker's handler. At least once: a crash after sending sends it again."""
    order = mail.order
    refund = Refund.objects.filter(pk=mail.about).first()
    context = {
        "refund": refund,
        "refund_sats": refund.amount_msats // MSATS_PER_SAT if refund else 0,
        "order": order,
        "event": order.event,
        "tickets": list(order.tickets.all()),
        "site_url": settings.SITE_URL,
        "site_name": settings.SITE_NAME,
    }
    host = settings.SITE_HOST.partition(":")[0]
    template = f"mails/{mail.kind}"
    subject = " ".join(render_to_string(f"{template}-subject.txt", context).split())
    message = EmailMultiAlternatives(
        subject=subject,
        body=render_to_string(f"{template}-body.txt", context),
        to=[mail.to],
        # The same id when it is sent twice, so that mail programs show it once.
        headers={"Message-ID": f"<{mail.kind}-{order.pk.hex}-{mail.about.hex[:8]}@{host}>"},
    )
    message.attach_alternative(render_to_string(f"{template}-body.html", context), "text/html")
    message.send()
    mail.advance(Mail.Status.SENT, sent_at=timezone.now(), next_attempt_at=None, last_error="")


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
