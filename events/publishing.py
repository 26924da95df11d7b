"""Publishing: drafts that only staff see, what to look at before, and putting an event on sale."""

from dataclasses import dataclass

from django.core import signing
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.history import record
from ticketsuma.errors import DomainError

from .models import Event

LINK_DAYS = 30
_SALT = "event preview"


class PublishedAlready(DomainError):
    code = "event_changed"
    message = _("Somebody was faster: it is published already, or a draft again.")


@dataclass(frozen=True)
class Point:
    """One line of the checklist: what it says, and whether it is as it should be."""

    says: str | Promise
    is_good: bool


def checklist(event: Event) -> list[Point]:
    """What staff should look at before `event` is published; nothing of it forbids anything."""
    now = timezone.now()
    types = [one for one in event.ticket_types.all() if one.is_active]
    contact = event.contact_email or (event.organizer.contact_email if event.organizer else "")
    closes = min(event.sales_end or event.end_time, event.end_time)
    return [
        Point(_("It starts in the future."), event.start_time > now)
        if event.end_time > now
        else Point(_("It ends in the future."), False),
        Point(_("Its sale ends in the future."), closes > now),
        Point(_("It has a ticket type on sale."), any(one.sells for one in types)),
        Point(_("It has a picture (without one a drawn poster is shown)."), bool(event.cover)),
        Point(_("It has the address of its stream."), bool(event.stream_url)),
        Point(_("Guests find an address to write to."), bool(contact)),
        Point(_("It says in a sentence what it is."), bool(event.summary or event.description)),
    ]


def publish(event: Event) -> None:
    """Everybody sees `event`, and its tickets are on sale. Raises PublishedAlready to the second of two."""
    _show(event, True)


def withdraw(event: Event) -> None:
    """Make `event` a draft again: nobody new finds it or buys; tickets that were sold stay good."""
    _show(event, False)


def _show(event: Event, is_shown: bool) -> None:
    with transaction.atomic():
        if not Event.objects.filter(pk=event.pk, is_active=not is_shown).update(is_active=is_shown):
            raise PublishedAlready
        record("publish" if is_shown else "withdraw", event)
    event.is_active = is_shown


# -- a link for whoever should look at a draft ---------------------------------------------------
def preview_path(event: Event) -> str:
    """Address that shows `event`, draft or not, to whoever has it, for LINK_DAYS days."""
    return reverse("event_preview", args=[signing.TimestampSigner(salt=_SALT).sign(str(event.pk))])


def previewed_id(token: str) -> int | None:
    """The id of the event that a link of `preview_path` shows; None for a forged or an old one."""
    try:
        return int(signing.TimestampSigner(salt=_SALT).unsign(token, max_age=LINK_DAYS * 86_400))
    except (signing.BadSignature, ValueError):
        return None
