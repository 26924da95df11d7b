"""Admin of orders and tickets, and the buttons on events and payments that touch orders."""

from typing import TYPE_CHECKING

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.roles import Ability, may
from events.admin import BaseEventAdmin
from events.code_actions import MakeCodes
from events.models import Event
from events.publishing import checklist
from events.publishing_actions import PUBLISHING_ACTIONS
from payments.admin import IncomingPaymentAdmin, RefundAdmin
from ticketsuma.admin.actions import JobAdmin, StaffActionsMixin
from ticketsuma.admin.base import ParkedFilter, ReadOnlyAdmin, sats_column
from ticketsuma.admin.event_times import words
from ticketsuma.codes import normalize_code
from ticketsuma.qr import qr_svg

from .admin_concerns import ConcernsForm
from .admin_filters import CanceledEventFilter, EventFilter, PendingPaymentFilter, TypeFilter
from .admin_find import FindsOne
from .admin_preview import PreviewsPage
from .answer_admin import AnswerAdmin, ShowsAnswers  # noqa: F401, Django looks for admins here
from .line_admin import OrderLineAdmin  # noqa: F401, likewise
from .models import (
    ORDER_CODE_LENGTH,
    TICKET_CODE_LENGTH,
    Announcement,
    CheckIn,
    EventChange,
    Order,
    Ticket,
    Viewer,
)
from .notes.marks import MarksNotes
from .organizer_admin import OrganizerAdmin  # noqa: F401, Django looks for admins here
from .staff.cancellation import cancel_progress
from .staff.money_actions import EVENT_ACTIONS, REFUND_ACTIONS
from .staff.order_actions import ORDER_ACTIONS
from .staff.sale_actions import SALE_ACTIONS
from .staff.ticket_actions import TICKET_ACTIONS
from .staff.timeline import OF_MONEY, OF_THE_HOOD, order_file, pay_url, timeline
from .staff.unmatched_actions import INCOMING_ACTIONS

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin as _AnyAdmin
else:
    _AnyAdmin = object  # a mixin; mypy wants its base


class FindsCodes(_AnyAdmin):
    """For a ModelAdmin: the codes in `code_fields` are found as people write them: `4f7k-q2m9`."""

    code_fields: tuple[str, ...] = ("ticket__ticket_code", "ticket__order__code")

    def get_search_results(self, request, queryset, search_term):
        code = normalize_code(search_term)
        if len(code) in (ORDER_CODE_LENGTH, TICKET_CODE_LENGTH) and code.isalnum():
            rows = self.model._base_manager.order_by()
            found = [rows.filter(**{name: code}).values("pk") for name in self.code_fields]
            if keys := list(found[0].union(*found[1:]).values_list("pk", flat=True)):
                return queryset.filter(pk__in=keys), False
        return super().get_search_results(request, queryset, search_term)


@admin.register(Order)
class OrderAdmin(MarksNotes, FindsOne, FindsCodes, JobAdmin):
    """One order on one page: its story, tickets, money and mails."""

    sees = (Ability.SEE_GUESTS,)
    staff_actions = ORDER_ACTIONS
    change_form_template = "admin/tickets/order/change_form.html"
    tells_history = False  # among what else happened
    event_path = "event"
    list_display = ["code", "guest", "amount", "quantity", "status", "created_at", "event", "push"]
    list_filter = [EventFilter, "status", PendingPaymentFilter, ParkedFilter, "created_at"]
    list_select_related = ["event", "payment"]
    code_fields = ("code", "tickets__ticket_code")
    search_fields = [
        "=code", "search_key__folded", "uma_address", "=payment__payer_uma", "=tickets__ticket_code",
        "=payment__invoices__payment_hash", "=payment__invoices__invoice_id",
        "=payment__incoming_payments__node_payment_id", "event__search_key__folded",
    ]  # fmt: skip
    search_help_text = _("Code, e-mail, name, UMA address, ticket code, payment hash or the node's id.")
    ordering = ["-created_at"]
    fieldsets = [
        (
            None,
            {
                "classes": ["facts"],
                "fields": [
                    ("code", "status", "amount", "quantity", "event", "refund_hours"),
                    ("name", "email", "buyer", "uma_address", "payment"),
                    ("created_at", "expires_at", "paid_at", "ended_at", "id"),
                ],
            },
        )
    ]

    amount = staticmethod(sats_column("amount_sats", _("amount")))

    @admin.display(description=_("guest"), ordering="name")
    def guest(self, order: Order) -> str:
        lines = filter(None, (order.name, order.email or order.uma_address, self.note_mark(order)))
        return (
            format_html_join("", '<span class="line" dir="auto">{}</span>', ((line,) for line in lines))
            or "-"
        )

    def get_object(self, request, object_id, from_field=None):
        order = super().get_object(request, object_id, from_field)
        return order and order_file(order.pk)

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        sees_money = may(request.user, Ability.SEE_MONEY, obj)
        operates = may(request.user, Ability.OPERATE)
        hidden = (set() if sees_money else OF_MONEY) | (set() if operates else OF_THE_HOOD)
        shown = [moment for moment in timeline(obj) if moment.kind not in hidden]
        context |= {"order": obj, "timeline": shown, "sees_money": sees_money, "operates": operates}
        manages = may(request.user, Ability.MANAGE_EVENTS, obj)
        context |= {"sees_code": manages, "pay_url": pay_url(obj) if manages else ""}
        context["pay_qr"] = qr_svg(context["pay_url"]) if context["pay_url"] else ""
        return super().render_change_form(request, context, add, change, form_url, obj)

    @admin.display(description=_("UMA request"), ordering="payment__push")
    def push(self, order: Order) -> str | Promise:
        return order.payment.get_push_display() if order.payment else _("free")


@admin.register(Ticket)
class TicketAdmin(ShowsAnswers, FindsCodes, StaffActionsMixin, ReadOnlyAdmin):
    """Tickets without their codes, which only their holders see; staff find one by typing it."""

    sees = (Ability.SEE_GUESTS,)
    staff_actions = TICKET_ACTIONS
    event_path = "order.event"
    list_display = [
        "__str__", "order_link", "type_name", "payment_state", "holder_name", "check_in_at", "voided_at",
    ]  # fmt: skip
    list_filter = [TypeFilter, "order__status", "created_at"]
    list_select_related = ["order__event", "order__payment", "check_in", "line__type"]
    code_fields = ("ticket_code", "order__code")
    search_fields = ["=ticket_code", "search_key__folded", "=order__code", "order__search_key__folded"]
    ordering = ["-created_at", "number"]
    fields = [
        "order",
        "number",
        "type_name",
        "payment_state",
        "holder_name",
        "holder_email",
        "answers",
        "check_in_at",
        "voided_at",
        "created_at",
        "id",
    ]

    @admin.display(description=_("order"), ordering="order__code")
    def order_link(self, ticket: Ticket) -> str:
        url = reverse("admin:tickets_order_change", args=[ticket.order_id])
        return format_html('<a href="{}">{}</a>', url, ticket.order.code)

    @admin.display(description=_("ticket type"), ordering="line__type")
    def type_name(self, ticket: Ticket) -> str:
        return ticket.type_name or "-"

    @admin.display(description=_("payment status"), ordering="order__status")
    def payment_state(self, ticket: Ticket) -> str:
        return ticket.order.get_status_display()

    @admin.display(description=_("checked in"), ordering="check_in__at")
    def check_in_at(self, ticket: Ticket):
        return words(ticket.check_in.at if ticket.is_used else None, ticket.order.event.timezone)


@admin.register(CheckIn)
class CheckInAdmin(FindsCodes, ReadOnlyAdmin):
    sees = (Ability.SEE_GUESTS,)
    event_path = "ticket.order.event"
    list_display = ["ticket", "event", "at", "by_name"]
    list_filter = ["at"]
    list_select_related = ["ticket__order__event"]
    search_fields = [
        "=ticket__ticket_code", "=ticket__order__code", "ticket__search_key__folded",
        "ticket__order__event__search_key__folded",
    ]  # fmt: skip
    ordering = ["-at"]

    @admin.display(description=_("event"))
    def event(self, check_in: CheckIn) -> str:
        return check_in.ticket.order.event.title


@admin.register(Viewer)
class ViewerAdmin(FindsCodes, ReadOnlyAdmin):
    """Who watches; the order's own button lets another device in."""

    sees = (Ability.SEE_GUESTS,)
    event_path = "ticket.order.event"
    list_display = fields = ["ticket", "since"]
    list_select_related = ["ticket__order__event"]
    search_fields = ["=ticket__order__code", "ticket__search_key__folded"]
    ordering = ["-since"]


@admin.register(Announcement)
class AnnouncementAdmin(ReadOnlyAdmin):
    sees = (Ability.MESSAGES,)
    event_path = "event"
    list_display = ["event", "title", "start_time"]
    list_select_related = ["event"]
    search_fields = ["title", "event__search_key__folded"]
    ordering = ["-start_time"]


@admin.register(EventChange)
class EventChangeAdmin(ReadOnlyAdmin):
    sees = (Ability.MESSAGES,)
    event_path = "event"
    list_display = ["event", "title", "start_time", "is_move", "at"]
    list_select_related = ["event"]
    search_fields = ["title", "event__search_key__folded"]
    ordering = ["-at"]


# -- what belongs to other apps, with buttons that reach orders ---------------------------------
@admin.register(Event)
class EventAdmin(PreviewsPage, StaffActionsMixin, BaseEventAdmin):
    staff_actions = [*PUBLISHING_ACTIONS, *SALE_ACTIONS, MakeCodes(), *EVENT_ACTIONS]
    form = ConcernsForm
    change_form_template = "admin/events/event/change_form.html"

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        context["has_door"] = obj is not None and may(request.user, Ability.DOOR, obj)
        context["sees_report"] = obj is not None and may(request.user, Ability.SEE_MONEY, obj)
        context["sees_orders"] = obj is not None and may(request.user, Ability.SEE_GUESTS, obj)
        context["progress"] = cancel_progress(obj) if obj and obj.is_canceled else None
        is_draft = obj is not None and not obj.is_active and not obj.is_canceled
        context["checklist"] = checklist(obj) if is_draft else []
        return super().render_change_form(request, context, add, change, form_url, obj)

    def get_fieldsets(self, request, obj=None):
        [(title, first), *others] = super().get_fieldsets(request, obj)
        if "seen" not in first["fields"]:
            return [(title, first), *others]
        return [(title, {**first, "fields": [*first["fields"], "concerns", "kept_cover"]}), *others]

    def delete_view(self, request, object_id, extra_context=None):
        """Say plainly what to do instead, where an event stays."""
        event = self.get_object(request, object_id)
        if not self.has_change_permission(request, event):
            raise PermissionDenied
        count = event.orders.count() if event else 0
        if not count:
            return super().delete_view(request, object_id, extra_context)
        says = ngettext(
            "It cannot be deleted, for its books are kept: %(count)s order is for it.",
            "It cannot be deleted, for its books are kept: %(count)s orders are for it.",
            count,
        ) % {"count": count}
        instead = _(
            "Cancel the event, and everybody gets the money back; or make it a draft again, and it is hidden."
        )
        messages.error(request, f"{says} {instead}")
        return redirect("admin:events_event_change", event.pk)

    def get_deleted_objects(self, objs, request):
        """What goes with an event (what was announced, former addresses) is no reason to keep it."""
        to_delete, counts, _others, protected = super().get_deleted_objects(objs, request)
        return to_delete, counts, set(), protected

    def has_delete_permission(self, request, obj=None) -> bool:
        """An event that ever took an order stays: cancel it instead."""
        return super().has_delete_permission(request, obj) and (obj is None or not obj.orders.exists())


IncomingPaymentAdmin.extend(actions=INCOMING_ACTIONS)
RefundAdmin.extend(actions=REFUND_ACTIONS, filters=(CanceledEventFilter,))
