"""Admin of doors without a net: which devices have a list, and what they brought back."""

from django.contrib import admin

from accounts.roles import Ability
from ticketsuma.admin.base import ReadOnlyAdmin

from .models import DoorList, OfflineScan


@admin.register(OfflineScan)
class OfflineScanAdmin(ReadOnlyAdmin):
    sees = (Ability.SEE_GUESTS,)
    event_path = "ticket.order.event"
    list_display = ["ticket", "outcome", "at", "first_at", "said_at", "merged_at", "by_name"]
    list_filter = ["outcome", "merged_at"]
    list_select_related = ["ticket__order__event"]
    search_fields = ["=ticket__order__code", "ticket__search_key__folded"]
    ordering = ["-merged_at"]


@admin.register(DoorList)
class DoorListAdmin(ReadOnlyAdmin):
    sees = (Ability.SEE_GUESTS,)
    event_path = "event"
    list_display = ["event", "by_name", "taken_at", "renewed_at"]
    list_select_related = ["event"]
    search_fields = ["event__search_key__folded", "=by_name"]
    ordering = ["-renewed_at"]
