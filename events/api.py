"""Events and their ticket types in the API: public to read, writable by staff."""

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError, RestrictedError
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import conditional_page
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.permissions import SAFE_METHODS
from rest_framework.response import Response

from accounts import second_factor
from accounts.changes import fields_of, record_change, record_removal
from accounts.history import record
from accounts.permissions import MayAct
from accounts.rate_limits import client_ip, hit
from accounts.roles import Ability, visible
from ticketsuma.api.schema import problems
from ticketsuma.api.viewsets import ApiViewSet, filled
from ticketsuma.errors import DomainError
from ticketsuma.exchange import in_sats

from .baskets import check_seats, fill_basket, read_event
from .catalogue_models import TicketType, lock_catalogue
from .catalogue_serializers import (
    BasketSerializer,
    QuoteSerializer,
    StaffTicketTypeSerializer,
    TicketTypeWriteSerializer,
)
from .models import Event, EventChanged
from .search import search
from .serializers import EventQuerySerializer, EventSerializer, EventWriteSerializer

SEE_EVENTS = (Ability.MANAGE_EVENTS, Ability.SEE_GUESTS, Ability.SEE_MONEY)
BASKET = (
    "sold_out", "sales_closed", "quantity_not_allowed", "unknown_ticket_type", "amount_not_allowed",
    "promo_code_refused",
)  # fmt: skip
CHANGING = ("event_changed", "several_prices", "currency_fixed")
STAFF = ("not_authenticated", "permission_denied", "second_factor_required")


class TicketTypeNeeded(DomainError):
    code = "ticket_type_needed"
    message = _(
        "Seats of this type were ordered, or it is the one that is sold where none is named. End its sale "
        "(is_active: false), or make another one the default, instead."
    )


class EventHasOrders(DomainError):
    code = "event_has_orders"
    message = _("Seats of this event were ordered. Hide it (is_active: false) or cancel it instead.")


@method_decorator(conditional_page, name="dispatch")
class EventViewSet(ApiViewSet):
    """Reads carry an ETag and answer 304; hidden events are there for their organizer's staff only."""

    permission_classes = [MayAct]
    needs = dict.fromkeys(["create", "update", "partial_update", "destroy"], Ability.MANAGE_EVENTS)
    lookup_value_regex = "[0-9]{1,18}"
    query = EventQuerySerializer
    serializer_class = EventWriteSerializer

    queryset = Event.objects.defer("search_key").select_related("organizer").prefetch_related("ticket_types")
    queryset = queryset.order_by("start_time", "pk")

    def get_queryset(self):
        events = super().get_queryset()
        if self.request.method not in SAFE_METHODS:
            return visible(self.request.user, events, Ability.MANAGE_EVENTS)
        if not self._is_staff():
            return events.public()
        return events.public() | visible(self.request.user, events, *SEE_EVENTS)

    def finalize_response(self, request, response, *args, **kwargs):
        response = super().finalize_response(request, response, *args, **kwargs)
        if request.method in SAFE_METHODS and response.status_code == 200:
            response.headers["Cache-Control"] = "private, no-cache" if self._is_staff() else "no-cache"
            response.headers["Vary"] = "Accept, Authorization, Origin"
        return response

    def filter_queryset(self, events):
        if self.action != "list":
            return events
        query = self.query(data=self.request.query_params.dict())
        query.is_valid(raise_exception=True)
        return narrow(events, **query.validated_data)

    @extend_schema(
        operation_id="list_events", tags=["events"], auth=[], parameters=[EventQuerySerializer],
        responses={200: EventSerializer(many=True)} | problems("invalid", "not_found"),
    )  # fmt: skip
    def list(self, request):
        """Events, soonest first. The ETag of an earlier answer in `If-None-Match` gets 304 while it holds."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response([filled(EventSerializer)(event) for event in page])

    @extend_schema(
        operation_id="get_event", tags=["events"], auth=[],
        responses={200: EventSerializer} | problems("not_found"),
    )  # fmt: skip
    def retrieve(self, request, pk=None):
        """One event; 304 as in the list."""
        return Response(filled(EventSerializer)(self.get_object()))

    @extend_schema(
        operation_id="create_event", tags=["staff"], request=EventWriteSerializer,
        responses={201: EventSerializer} | problems(*STAFF, body=True),
    )  # fmt: skip
    def create(self, request):
        """Put an event on sale."""
        return Response(self._save(self.get_serializer(data=request.data)), status=201)

    @extend_schema(
        operation_id="replace_event", tags=["staff"], request=EventWriteSerializer,
        responses={200: EventSerializer} | problems(*STAFF, "not_found", *CHANGING, body=True),
    )  # fmt: skip
    def update(self, request, pk=None, partial=False):
        """Change an event; orders keep the price they were placed at."""
        event = self.get_object()
        return Response(self._save(self.get_serializer(event, data=request.data, partial=partial)))

    @extend_schema(
        operation_id="change_event", tags=["staff"], request=EventWriteSerializer(partial=True),
        responses={200: EventSerializer} | problems(*STAFF, "not_found", *CHANGING, body=True),
    )  # fmt: skip
    def partial_update(self, request, pk=None):
        """Change some of an event; see PUT."""
        return self.update(request, pk=pk, partial=True)

    @extend_schema(
        operation_id="delete_event", tags=["staff"],
        responses={204: None} | problems(*STAFF, "not_found", "event_has_orders"),
    )  # fmt: skip
    def destroy(self, request, pk=None):
        """Delete an event nobody ever ordered seats of."""
        event = self.get_object()
        try:
            with transaction.atomic():
                record("delete", event)
                event.delete()
        except ProtectedError:
            raise EventHasOrders from None
        return Response(status=204)

    @extend_schema(
        operation_id="quote", tags=["buying"], auth=[], request=BasketSerializer,
        responses={200: QuoteSerializer} | problems(*BASKET, "not_found", body=True),
    )  # fmt: skip
    @action(detail=True, methods=["post"])
    def quote(self, request, pk=None):
        """What a basket costs now, by a promo code if you have one; nothing is held."""
        data = BasketSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        asked = data.validated_data
        if asked["promo_code"]:
            hit("PROMO_CODE_PER_IP", client_ip(request))
        event = read_event(**asked, pk=pk)
        if event is None:
            raise Http404
        basket = fill_basket(event, **asked)
        check_seats(event, basket)
        quote = {
            "event_id": event.pk, "lines": basket.lines, "quantity": basket.quantity,
            "currency": event.currency, "amount": basket.amount,
            "amount_sats": in_sats(basket.amount, event.currency),
        }  # fmt: skip
        return Response(filled(QuoteSerializer)(quote))

    def _save(self, serializer) -> dict:
        serializer.is_valid(raise_exception=True)
        try:
            with transaction.atomic():
                before = fields_of(serializer.instance)
                event = serializer.save()
                record_change(event, before)
        except IntegrityError:
            raise EventChanged from None
        event.refresh_from_db(fields=["seats_taken"])
        return filled(EventSerializer)(event)

    def _is_staff(self) -> bool:
        user = self.request.user
        return getattr(user, "is_staff", False) and not second_factor.is_missing_from_token(user)


class TicketTypeViewSet(ApiViewSet):
    """What an event sells, for its organizer's staff: also what is hidden or ended."""

    permission_classes = [MayAct]
    needs = dict.fromkeys(
        ["list", "create", "retrieve", "update", "partial_update", "destroy"], Ability.MANAGE_EVENTS
    )
    lookup_value_regex = "[0-9]{1,18}"
    queryset = TicketType.objects.none()
    serializer_class = StaffTicketTypeSerializer

    def get_queryset(self):
        events = Event.objects.filter(pk=self.kwargs["event_id"])
        self.event = get_object_or_404(visible(self.request.user, events, Ability.MANAGE_EVENTS))
        return TicketType.objects.filter(event=self.event).select_related("event").order_by("position", "pk")

    @extend_schema(
        operation_id="list_ticket_types", tags=["staff"],
        responses={200: StaffTicketTypeSerializer(many=True)} | problems(*STAFF, "not_found", "invalid"),
    )  # fmt: skip
    def list(self, request, event_id=None):
        """An event's ticket types, in the order in which they are shown."""
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        operation_id="get_ticket_type", tags=["staff"],
        responses={200: StaffTicketTypeSerializer} | problems(*STAFF, "not_found"),
    )  # fmt: skip
    def retrieve(self, request, event_id=None, pk=None):
        """One ticket type."""
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(
        operation_id="create_ticket_type", tags=["staff"], request=TicketTypeWriteSerializer,
        responses={201: StaffTicketTypeSerializer}
        | problems(*STAFF, "not_found", "event_changed", body=True),
    )  # fmt: skip
    def create(self, request, event_id=None):
        """Sell another type of ticket."""
        self.get_queryset()
        return Response(self._save(None, request.data), status=201)

    @extend_schema(
        operation_id="replace_ticket_type", tags=["staff"], request=TicketTypeWriteSerializer,
        responses={200: StaffTicketTypeSerializer}
        | problems(*STAFF, "not_found", "event_changed", body=True),
    )  # fmt: skip
    def update(self, request, event_id=None, pk=None, partial=False):
        """Change a ticket type; orders keep what they were placed at."""
        return Response(self._save(self.get_object(), request.data, partial=partial))

    @extend_schema(
        operation_id="change_ticket_type", tags=["staff"], request=TicketTypeWriteSerializer(partial=True),
        responses={200: StaffTicketTypeSerializer}
        | problems(*STAFF, "not_found", "event_changed", body=True),
    )  # fmt: skip
    def partial_update(self, request, event_id=None, pk=None):
        """Change some of a ticket type; see PUT."""
        return self.update(request, event_id=event_id, pk=pk, partial=True)

    @extend_schema(
        operation_id="delete_ticket_type", tags=["staff"],
        responses={204: None} | problems(*STAFF, "not_found", "ticket_type_needed"),
    )  # fmt: skip
    def destroy(self, request, event_id=None, pk=None):
        """Delete a type that nobody ever ordered, unless purchases without `items` are of it."""
        ticket_type = self.get_object()
        try:
            with transaction.atomic():
                lock_catalogue(self.event.pk)
                record_removal(ticket_type, self.event)
                ticket_type.delete()
        except (ProtectedError, RestrictedError):
            raise TicketTypeNeeded from None
        return Response(status=204)

    def _save(self, ticket_type: TicketType | None, data, partial: bool = False) -> dict:
        try:
            with transaction.atomic():
                lock_catalogue(self.event.pk)
                before = fields_of(ticket_type)
                context = {**self.get_serializer_context(), "event": self.event}
                serializer = TicketTypeWriteSerializer(
                    ticket_type, data=data, partial=partial, context=context
                )
                serializer.is_valid(raise_exception=True)
                becomes_default = serializer.validated_data.pop("is_default", False)
                saved = serializer.save(event=self.event)
                if becomes_default:
                    Event.objects.filter(pk=self.event.pk).update(default_type=saved)
                record_change(saved, before)
        except IntegrityError:
            raise EventChanged from None
        saved = self.get_queryset().get(pk=saved.pk)
        return self.get_serializer(saved).data


def narrow(events, *, upcoming="", free="", q="", ordering="", **bounds):
    """`events` without what the reader does not want to see."""
    now = timezone.now()
    if upcoming:
        events = events.upcoming(now) if upcoming == "true" else events.past(now)
        events = events.order_by("start_time", "pk")
    if free:
        events = events.filter(price_sats=0) if free == "true" else events.filter(price_sats__gt=0)
    lookups = {
        "price_min": "price_sats__gte", "price_max": "price_sats__lte",
        "starts_after": "start_time__gte", "starts_before": "start_time__lt",
    }  # fmt: skip
    events = search(events, q).filter(**{lookups[name]: bound for name, bound in bounds.items()})
    return events.order_by(ordering, "pk") if ordering else events
