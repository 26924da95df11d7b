"""What the admin's pages show of the shop. `{% load staff %}`"""

from django import template
from django.urls import reverse

from tickets.attention import Attention, needs_attention
from tickets.today import Sales, sales_today
from ticketsuma.money import format_msats

register = template.Library()
register.filter("msats", format_msats)


@register.simple_tag
def attention() -> list[Attention]:
    return needs_attention()


@register.simple_tag
def today() -> Sales:
    return sales_today()


@register.filter
def list_url(line: Attention) -> str:
    """Where the rows of this line are listed."""
    if not line.model:
        return ""
    url = reverse(f"admin:{line.model.replace('.', '_')}_changelist")
    return f"{url}?{line.query}" if line.query else url
