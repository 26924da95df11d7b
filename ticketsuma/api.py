"""The API's addresses: what every app offers, and a JSON 404 for the rest."""

from django.urls import include, path, re_path
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.views import APIView

from accounts.api import UserViewSet
from events.api import EventViewSet
from tickets.api import MyTicketViewSet, OrderViewSet, PaymentViewSet, TicketViewSet
from tickets.people import export_person, forget_person


class Nothing(APIView):
    """Any address of the API that does not exist."""

    schema = None

    def initial(self, request, *args, **kwargs):
        raise NotFound


class PersonViewSet(UserViewSet):
    """Accounts, and what their orders have to say about them."""

    def destroy(self, request, pk=None):
        """Delete the account and the person in its orders; the orders stay."""
        forget_person(self.get_object())
        return Response(status=204)

    @action(detail=True, methods=["get"])
    def export(self, request, pk=None):
        """Everything the shop keeps about you."""
        return Response(export_person(self.get_object()))


router = SimpleRouter(trailing_slash=False)
router.register("events", EventViewSet, basename="api-event")
router.register("tickets", TicketViewSet, basename="api-ticket")
router.register("orders", OrderViewSet, basename="api-order")
router.register("payments", PaymentViewSet, basename="api-payment")
router.register("users", PersonViewSet, basename="api-user")
router.register(r"users/(?P<user_id>[0-9]{1,18})/tickets", MyTicketViewSet, basename="api-my-ticket")

urlpatterns = [
    path("", include(router.urls)),
    re_path("", Nothing.as_view()),
]
