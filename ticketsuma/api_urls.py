"""URLs of the API: those of every app, its description, and a JSON 404 for the rest."""

import functools

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import include, path, re_path
from django.views.decorators.http import conditional_page, require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.views import APIView

from accounts.api import OWN, BaseUserViewSet
from accounts.history import record
from accounts.serializers import ProofSerializer
from events.api import EventViewSet, TicketTypeViewSet
from tickets.api.my_tickets import MyTicketViewSet
from tickets.api.viewsets import OrderViewSet, PaymentViewSet, TicketViewSet
from tickets.push.api import DeviceViewSet
from tickets.reports.api import ExportViewSet
from tickets.services.data_export import export_person
from tickets.services.personal_data import erase_personal_data

from .api.schema import problems


class ApiNotFound(APIView):
    """Any address of the API that does not exist."""

    schema = None

    def initial(self, request, *args, **kwargs):
        raise NotFound


class UserViewSet(BaseUserViewSet):
    """Accounts, and what their orders have to say about them."""

    @extend_schema(
        operation_id="delete_user", tags=["accounts"], request=ProofSerializer,
        responses={204: None} | problems(*OWN, "wrong_password", "staff_stay", body=True),
    )  # fmt: skip
    def destroy(self, request, pk=None):
        """Delete the account and the person in its orders; the orders stay. Staff cannot.

        The body holds `current_password`, as that of the export.
        """
        erase_personal_data(self.proven())
        return Response(status=204)

    @extend_schema(
        operation_id="export_user", tags=["accounts"], request=ProofSerializer,
        responses={200: OpenApiTypes.OBJECT} | problems(*OWN, "wrong_password", body=True),
    )  # fmt: skip
    @action(detail=True, methods=["post"])
    def export(self, request, pk=None):
        """Everything the shop keeps about you."""
        user = self.proven()
        record("export", user)
        return Response(export_person(user))


@functools.cache
def openapi() -> dict:
    """The OpenAPI document of this program; docs/openapi.yaml is its copy."""
    return SchemaGenerator().get_schema(request=None, public=True)


@require_safe
@conditional_page
def schema(request: HttpRequest) -> JsonResponse:
    return JsonResponse(openapi(), headers={"Cache-Control": "public, max-age=300"})


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """Swagger, from our own files."""
    return render(request, "api_docs.html")


router = SimpleRouter(trailing_slash=False)
router.register("events", EventViewSet, basename="api-event")
router.register(
    r"events/(?P<event_id>[0-9]{1,18})/ticket-types", TicketTypeViewSet, basename="api-ticket-type"
)
router.register("tickets", TicketViewSet, basename="api-ticket")
router.register("orders", OrderViewSet, basename="api-order")
router.register("exports", ExportViewSet, basename="api-export")
router.register("payments", PaymentViewSet, basename="api-payment")
router.register("devices", DeviceViewSet, basename="api-device")
router.register("users", UserViewSet, basename="api-user")
router.register(r"users/(?P<user_id>[0-9]{1,18})/tickets", MyTicketViewSet, basename="api-my-ticket")

urlpatterns = [
    path("schema", schema, name="api_schema"),
    path("docs", docs, name="api_docs"),
    path("", include(router.urls)),
    re_path("", ApiNotFound.as_view()),
]
