"""Admin of order lines: what was sold of each ticket type, and its frozen price."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from accounts.roles import Ability
from ticketsuma.admin.base import ReadOnlyAdmin, amount_column

from .models import OrderLine

AMOUNTS = [
    amount_column("price", _("price of a seat"), "order.currency"),
    amount_column("discount", _("discount"), "order.currency"),
]


@admin.register(OrderLine)
class OrderLineAdmin(ReadOnlyAdmin):
    sees = (Ability.SEE_GUESTS,)
    event_path = "order.event"
    list_display = ["order", "type", "quantity", *AMOUNTS]
    list_select_related = ["order__event", "order__payment", "type"]
    search_fields = ["=order__code", "type__name"]
    ordering = ["-pk"]
