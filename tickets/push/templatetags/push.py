"""Template tag: the question whether this device wants to be told."""

from typing import Any

from django import template

from tickets.models import Order
from tickets.push.keys import public_key
from tickets.push.models import Kind

register = template.Library()


@register.inclusion_tag("push/ask.html")
def push_question(order: Order) -> dict[str, Any]:
    """For the order's page; push.js shows it once the order is paid."""
    return {"order": order, "push_key": public_key(), "push_kinds": Kind.choices}
