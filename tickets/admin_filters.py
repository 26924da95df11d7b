"""Filters of lists in the admin: by payment, by canceled event, by ticket type."""

from django.contrib import admin
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.roles import Ability, visible
from events.catalogue_models import TicketType
from events.models import Event
from payments.models import Payment
from ticketsuma.bidi import isolate


class PendingPaymentFilter(admin.SimpleListFilter):
    title = _("payment")
    parameter_name = "payment"

    def lookups(self, request, model_admin):
        return [
            ("pending", _("Pending")),
            *[(f"push-{push}", _("Request: %(state)s") % {"state": push.label}) for push in Payment.Push],
        ]

    def queryset(self, request, queryset):
        value = self.value() or ""
        if value == "pending":
            return queryset.filter(payment__status=Payment.Status.PENDING)
        if value.startswith("push-"):
            return queryset.filter(payment__push=value.removeprefix("push-"))
        return queryset


class CanceledEventFilter(admin.SimpleListFilter):
    title = _("canceled event")
    parameter_name = "event"

    def lookups(self, request, model_admin):
        events = visible(request.user, Event.objects.all(), Ability.SEE_MONEY)
        events = events.filter(canceled_at__isnull=False).order_by("-canceled_at")[:20]
        return [(event.pk, event.title) for event in events]

    def queryset(self, request, queryset):
        value = self.value() or ""
        if not value.isdecimal() or len(value) > 18:
            return queryset
        return queryset.filter(incoming_payment__payment__order__event=int(value))


class EventFilter(admin.SimpleListFilter):
    """The next events with orders, those just over, and the one that is asked for."""

    title = _("event")
    parameter_name = "event"
    path = "event"  # from a row
    most = 30

    def lookups(self, request, model_admin):
        events = visible(request.user, Event.objects.all(), *model_admin.sees).only("pk", "title", "end_time")
        now = timezone.now()
        shown = list(events.upcoming(now)[: self.most])
        shown += events.filter(end_time__lte=now).order_by("-end_time", "-pk")[: self.most // 3]
        if self._event_id is not None and self._event_id not in {each.pk for each in shown}:
            shown += events.filter(pk=self._event_id)
        return [(each.pk, isolate(each.title)) for each in shown]

    def queryset(self, request, queryset):
        return queryset if self._event_id is None else queryset.filter(**{self.path: self._event_id})

    @property
    def _event_id(self) -> int | None:
        value = self.value() or ""
        return int(value) if value.isdecimal() and len(value) <= 18 else None


class OrderEventFilter(EventFilter):
    """Of what belongs to an order."""

    path = "order__event"


class TypeFilter(admin.SimpleListFilter):
    """Named types of the next events, and the one that is asked for."""

    title = _("ticket type")
    parameter_name = "type"
    most = 50

    def lookups(self, request, model_admin):
        events = visible(request.user, Event.objects.upcoming(), Ability.SEE_GUESTS)
        soon = list(events.values_list("pk", flat=True)[: self.most])
        types = visible(request.user, TicketType.objects.exclude(name=""), Ability.SEE_GUESTS)
        types = types.select_related("event").order_by("event__start_time", "event", "position", "pk")
        shown = list(types.filter(event__in=soon)[: self.most])
        if self._type_id is not None and self._type_id not in {each.pk for each in shown}:
            shown += types.filter(pk=self._type_id)
        return [(each.pk, f"{isolate(each.event.title)}: {isolate(each.name)}") for each in shown]

    def queryset(self, request, queryset):
        return queryset if self._type_id is None else queryset.filter(line__type=self._type_id)

    @property
    def _type_id(self) -> int | None:
        value = self.value() or ""
        return int(value) if value.isdecimal() and len(value) <= 18 else None
