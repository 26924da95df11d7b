"""Events in the API: anybody reads them, staff write them."""

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError, Q
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.http import conditional_page
from rest_framework import viewsets
from rest_framework.permissions import SAFE_METHODS, AllowAny, IsAdminUser
from rest_framework.response import Response

from ticketsuma.errors import DomainError

from .models import Event
from .serializers import EventQuerySerializer, EventSerializer, EventWriteSerializer

MOST_WORDS = 6


class EventHasOrders(DomainError):
    code = "event_has_orders"
    sentence = "Seats of this event were ordered. Hide it (is_active: false) or cancel it instead."


class EventChanged(DomainError):
    code = "event_changed"
    sentence = "Seats were sold meanwhile. Please look again."


@method_decorator(conditional_page, name="dispatch")
class EventViewSet(viewsets.ModelViewSet):
    """Reads carry an ETag and answer 304; hidden events are there for staff only."""

    lookup_value_regex = "[0-9]{1,18}"

    def get_permissions(self):
        return [AllowAny() if self.request.method in SAFE_METHODS else IsAdminUser()]

    def get_queryset(self):
        events = Event.objects.order_by("start_time", "pk")
        return events if self._is_staff() else events.public()

    def get_serializer_class(self):
        return EventSerializer if self.request.method in SAFE_METHODS else EventWriteSerializer

    def finalize_response(self, request, response, *args, **kwargs):
        response = super().finalize_response(request, response, *args, **kwargs)
        if request.method in SAFE_METHODS and response.status_code == 200:
            response.headers["Cache-Control"] = "private, no-cache" if self._is_staff() else "no-cache"
            response.headers["Vary"] = "Accept, Authorization, Origin"
        return response

    def filter_queryset(self, events):
        if self.action != "list":
            return events
        query = EventQuerySerializer(data=self.request.query_params)
        query.is_valid(raise_exception=True)
        return narrow(events, **query.validated_data)

    def create(self, request):
        return Response(self._save(self.get_serializer(data=request.data)), status=201)

    def update(self, request, pk=None, partial=False):
        event = self.get_object()
        return Response(self._save(self.get_serializer(event, data=request.data, partial=partial)))

    def destroy(self, request, pk=None):
        """Delete an event nobody ever ordered seats of."""
        try:
            self.get_object().delete()
        except ProtectedError:
            raise EventHasOrders from None
        return Response(status=204)

    def _save(self, serializer) -> dict:
        serializer.is_valid(raise_exception=True)
        try:
            with transaction.atomic():
                event = serializer.save()
        except IntegrityError:
            raise EventChanged from None
        event.refresh_from_db(fields=["seats_taken"])
        return EventSerializer(event).data

    def _is_staff(self) -> bool:
        return getattr(self.request.user, "is_staff", False)


def narrow(events, *, upcoming="", free="", q="", ordering="", **bounds):
    """`events` without what the reader does not want to see."""
    now = timezone.now()
    if upcoming:
        events = events.filter(end_time__gt=now) if upcoming == "true" else events.filter(end_time__lte=now)
    if free:
        events = events.filter(price_sats=0) if free == "true" else events.filter(price_sats__gt=0)
    for word in q.split()[:MOST_WORDS]:
        events = events.filter(
            Q(title__icontains=word) | Q(summary__icontains=word) | Q(organizer__icontains=word)
        )
    lookups = {
        "price_min": "price_sats__gte", "price_max": "price_sats__lte",
        "starts_after": "start_time__gte", "starts_before": "start_time__lt",
    }  # fmt: skip
    events = events.filter(**{lookups[name]: bound for name, bound in bounds.items()})
    return events.order_by(ordering, "pk") if ordering else events
