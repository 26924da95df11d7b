"""One recipient's mail of an export, as the worker sends it: no row of the table, but a link to it."""

from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from tickets.mail.messages import one_line
from tickets.mail_health.suppression import stopped
from ticketsuma.mail import ShopMail, message_id

from .models import ExportMail
from .services import why_not


def deliver(mail: ExportMail) -> None:
    """Send it; the worker's handler. At least once: after a crash again, with the same Message-ID.

    Whoever may not see the table by now gets nothing, and the schedule's page says why.
    """
    now = ExportMail.objects.select_related("schedule__organizer", "schedule__event", "recipient")
    fresh = now.filter(pk=mail.pk).first()
    if fresh is None:  # deleted, with its recipient or its schedule
        return
    if why := _why_not(fresh):
        mail.advance(ExportMail.Status.LEFT_OUT, why=why, last_error="", **mail.finished())
        return
    with translation.override(settings.LANGUAGE_CODE):
        _letter(fresh).send()
    mail.advance(ExportMail.Status.SENT, sent_at=timezone.now(), last_error="", **mail.finished())


def _why_not(mail: ExportMail) -> str:
    if not mail.schedule.is_active:
        return ExportMail.Why.OFF
    stop = ExportMail.Why.STOPPED if stopped(mail.recipient.email) else ""
    return why_not(mail.recipient, mail.schedule) or stop


def link_to(mail: ExportMail) -> str:
    """The page of exports, filled in: whoever presses "Download" there is asked who they are and what they
    may see, and it is in the history."""
    schedule = mail.schedule
    chosen = [column.name for column in schedule.of.columns if column.name in schedule.columns]
    asked = {
        "table": schedule.table, "organizer": schedule.organizer_id, "event": schedule.event_id or "",
        "first": mail.first, "last": mail.last, "zone": schedule.timezone, "format": schedule.format,
        "columns_chosen": chosen,
    }  # fmt: skip
    return f"{settings.SITE_URL}{reverse('exports')}?{urlencode(asked, doseq=True)}"


def _letter(mail: ExportMail) -> ShopMail:
    schedule = mail.schedule
    said = {
        "table": schedule.of.label, "first": mail.first, "last": mail.last,
        "organizer": schedule.organizer.name,
    }  # fmt: skip
    about = _("%(table)s of %(organizer)s, %(first)s to %(last)s") % said
    lines = [
        about + ".",
        _("Here is the file, for those who may see it, after signing in:"),
        link_to(mail),
        _("You get this because you are one of its recipients. Whoever may change it takes you off:"),
        settings.SITE_URL + reverse("admin:scheduled_exports_scheduledexport_change", args=[schedule.pk]),
    ]
    return ShopMail(
        subject=one_line(about), body="\n\n".join(lines) + "\n", to=[mail.recipient.email],
        headers={"Message-ID": message_id(f"export-{mail.pk.hex}")},
    )  # fmt: skip
