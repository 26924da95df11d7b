"""Template tags for icons, amounts and times. `{% load display %}`"""

import functools
import secrets
from datetime import datetime, timedelta

from django import template
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from ticketsuma import bidi
from ticketsuma.exchange import about_sats
from ticketsuma.money import SAT, format_amount, format_basis_points, format_due, minor_digits
from ticketsuma.templatetags.icons import ICONS

register = template.Library()
_TOKEN_PLACE = f"[token {secrets.token_hex(8)}]"


@register.simple_tag
@functools.cache
def icon(name: str, classes: str = "") -> SafeString:
    """An icon for the eye only; the words beside it carry the meaning."""
    return format_html(
        '<svg class="icon {}" viewBox="0 0 24 24" aria-hidden="true" focusable="false">{}</svg>',
        classes,
        mark_safe(ICONS[name]),  # noqa: S308, our own constant
    )


@register.simple_tag
def token_place() -> str:
    """What stands for the CSRF token in kept forms (`{% cache %}`), until `with_token` puts it in."""
    return _TOKEN_PLACE


@register.filter
def with_token(kept_forms: str, csrf_token: str) -> SafeString:
    """Forms that were kept, each with the token of this visitor."""
    return mark_safe(kept_forms.replace(_TOKEN_PLACE, str(csrf_token)))  # noqa: S308, a template made it


@register.filter
def bdi(text: str) -> SafeString:
    """What people typed, in a direction of its own, in a page or an HTML mail."""
    return format_html("<bdi>{}</bdi>", text) if text else mark_safe("")


@register.filter
def isolate(text: str) -> str:
    """The same where no tag can be: attributes, the page's title, plain text."""
    return bidi.isolate(text)


@register.filter
def number(value: int) -> str:
    """`21000` → `21,000`, in the reader's language."""
    return number_format(value, decimal_pos=0, use_l10n=True, force_grouping=True)


@register.filter
def sats(amount_sats: int) -> str:
    """`21000` → `21,000 sats`; the space does not break."""
    return f"{number(amount_sats)}\N{NO-BREAK SPACE}{_('sat') if amount_sats == 1 else _('sats')}"


@register.filter
def amount(amount_minor: int, currency: str) -> str:
    """`1234|amount:"USD"` → `$12.34`, in the reader's language; of `SAT` as `sats`."""
    return sats(amount_minor) if currency == SAT else format_amount(amount_minor, currency)


register.filter("digits", minor_digits)
register.filter("basis_points", format_basis_points)


@register.filter
def about(amount_minor: int, currency: str) -> str:
    """`1234|about:"USD"` → `≈ 21,040 sats`: what it comes to by now; else empty (of sats, 0, no rate)."""
    worth = about_sats(amount_minor, currency)
    return "" if worth is None else approximately(worth)


@register.filter
def due(payable) -> str:
    """What an order or a payment costs: `21,040 sats`, or `$12.34 (21,040 sats)` as was agreed."""
    says = format_due(payable.amount_sats, payable.amount, payable.currency)
    return says.replace(" ", "\N{NO-BREAK SPACE}" if payable.currency == SAT else " ")


def approximately(amount_sats: int) -> str:
    return f"≈\N{NO-BREAK SPACE}{sats(amount_sats)}"


@register.filter
def seats_left(seats: int) -> str:
    return ngettext("%(left)s seat left", "%(left)s seats left", seats) % {"left": number(seats)}


@register.filter
def price(amount_minor: int, currency: str) -> SafeString:
    """An amount set as a price, the unit of sats small; 0 is `Free`."""
    if amount_minor == 0:
        return format_html('<span class="price">{}</span>', _("Free"))
    return format_html('<span class="price">{}</span>', _as_price(amount_minor, currency))


@register.filter
def price_from(amount_minor: int, currency: str) -> SafeString:
    """The same of the lowest of several prices: `from 2,100 sats`, or `from 0 sats`."""
    says = _as_price(amount_minor, currency)
    return format_html('<span class="price"><small>{}</small> {}</span>', pgettext("price", "from"), says)


def _as_price(amount_minor: int, currency: str) -> str:
    if currency != SAT:
        return format_amount(amount_minor, currency)
    unit = _("sat") if amount_minor == 1 else _("sats")
    return format_html("{} <small>{}</small>", number(amount_minor), unit)


@register.filter
def moment_in(moment: datetime, zone) -> str:
    """`Fri 4 Dec, 20:00` on a clock in `zone`."""
    return f"{day_in(moment, zone)}, {clock_in(moment, zone)}"


@register.filter
def city(zone_name: str) -> str:
    """`America/Sao_Paulo` → `Sao Paulo`: how people name the zone an event happens in."""
    return zone_name.rsplit("/", 1)[-1].replace("_", " ")


@register.filter
def zone_words(zone_name: str) -> str:
    """`Lisbon time`; UTC is its own word."""
    return "UTC" if city(zone_name) == "UTC" else _("%(city)s time") % {"city": city(zone_name)}


@register.filter
def day_in(moment: datetime, zone) -> str:
    """`Fri 4 Dec`, with the year when it is not this one."""
    local = moment.astimezone(zone)
    same_year = local.year == timezone.now().astimezone(zone).year
    return date_format(local, _("D j M") if same_year else _("D j M Y"))


@register.filter
def long_day_in(moment: datetime, zone) -> str:
    """`Friday 4 December 2026`"""
    return date_format(moment.astimezone(zone), _("l j F Y"))


@register.filter
def clock_in(moment: datetime, zone) -> str:
    """`20:00` on a clock in `zone`."""
    return date_format(moment.astimezone(zone), "H:i")


@register.filter
def start_clock(event) -> str:
    """`20:00`; `02:30 (UTC+2)` when clocks are changed before the end, for that hour can come twice."""
    return _clock(event, event.start_time)


@register.filter
def end_clock(event) -> str:
    """When it ends, as `start_clock`."""
    return _clock(event, event.end_time)


def _clock(event, moment: datetime) -> str:
    clock = clock_in(moment, event.zone)
    return f"{clock} ({_offset(moment, event.zone)})" if event.changes_clocks else clock


def _offset(moment: datetime, zone) -> str:
    """`UTC+2`, `UTC-3:30`"""
    minutes = int((moment.astimezone(zone).utcoffset() or timedelta()).total_seconds() // 60)
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours}" + (f":{rest:02}" if rest else "")


@register.filter
def month_in(moment: datetime, zone) -> str:
    return date_format(moment.astimezone(zone), "M")


@register.filter
def date_in(moment: datetime, zone) -> int:
    return moment.astimezone(zone).day


@register.filter
def iso(moment: datetime) -> str:
    return moment.isoformat()


@register.filter
def grouped(code: str, size: int = 4) -> str:
    """`4F7KQ2M9` → `4F7K Q2M9`, easier to read aloud."""
    return " ".join(code[at : at + size] for at in range(0, len(code), size))
