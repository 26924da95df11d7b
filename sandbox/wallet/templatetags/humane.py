"""Template filters for numbers, times and reasons."""

from datetime import datetime

from django import template
from django.utils.html import format_html, format_html_join

register = template.Library()
REASONS = {
    "NO_ROUTE": "no way to the receiver was found.",
    "INVOICE_ALREADY_PAID": "this invoice was paid before.",
    "INVOICE_CANCELLED": "the receiver canceled this invoice.",
    "INVOICE_EXPIRED": "this invoice has expired.",
    "INSUFFICIENT_BALANCE": "there are not enough sats.",
    "TIMEOUT": "it took too long.",
}


@register.filter
def code(text: str) -> str:
    """`words` in backticks become code."""
    marked = enumerate(text.split("`"))
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", part) if i % 2 else part,) for i, part in marked)
    )


@register.filter
def sats(amount: int) -> str:
    return f"{amount:,}"


@register.filter
def humane_error(reason: str) -> str:
    return REASONS.get(reason, reason)


@register.filter
def hue(name: str) -> int:
    """A color of one's own, the same on every visit."""
    return sum((place + 3) * ord(letter) * 7 for place, letter in enumerate(name)) % 360


@register.filter
def moment(value: datetime, style: str = "full") -> str:
    """A time that the script turns into the reader's own time zone; UTC without script."""
    shown = value.strftime("%H:%M UTC" if style == "time" else "%d %b, %H:%M UTC")
    return format_html('<time datetime="{}" data-style="{}">{}</time>', value.isoformat(), style, shown)
