"""Admin of order lines: what was sold of each ticket type, and its frozen price."""

from django.contrib import admin

from accounts.roles import Ability
from ticketsuma.admin.base import ReadOnlyAdmin

from .models import OrderLine


@admin.register(OrderLine)
class OrderLineAdmin(ReadOnlyAdmin):
    sees = (Ability.SEE_GUESTS,)
    event_path = "order.event"
    list_display = ["order", "type", "quantity", "price", "discount"]
    list_select_related = ["order__event", "type"]
    search_fields = ["=order__code", "type__name"]
    ordering = ["-pk"]
