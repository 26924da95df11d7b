"""The API's addresses: what every app offers, and a JSON 404 for the rest."""

from django.urls import include, path, re_path
from rest_framework.exceptions import NotFound
from rest_framework.routers import SimpleRouter
from rest_framework.views import APIView

from events.api import EventViewSet
from tickets.api import OrderViewSet, TicketViewSet


class Nothing(APIView):
    """Any address of the API that does not exist."""

    schema = None

    def initial(self, request, *args, **kwargs):
        raise NotFound


router = SimpleRouter(trailing_slash=False)
router.register("events", EventViewSet, basename="api-event")
router.register("tickets", TicketViewSet, basename="api-ticket")
router.register("orders", OrderViewSet, basename="api-order")

urlpatterns = [
    path("", include(router.urls)),
    re_path("", Nothing.as_view()),
]
