"""Events in the API: anybody reads them."""

from rest_framework import mixins, viewsets

from .models import Event
from .serializers import EventSerializer


class EventViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    queryset = Event.objects.public().order_by("start_time", "pk")
    serializer_class = EventSerializer
    lookup_value_regex = "[0-9]{1,18}"
