"""Correction of an order's e-mail in the API."""

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.response import Response

from accounts.rate_limits import client_ip
from tickets.models import Order
from tickets.services.email_corrections import correct_email
from ticketsuma.api.schema import problems
from ticketsuma.api.viewsets import filled

from .serializers import CorrectEmailSerializer, PurchaseResponseSerializer
from .shown import orders_to_show
from .voiding import OWN


class CorrectingMixin:
    """For the viewset of orders."""

    @extend_schema(
        operation_id="correct_email", request=CorrectEmailSerializer,
        responses={200: PurchaseResponseSerializer}
        | problems("not_found", "email_fixed", "hold_limit", "free_limit", body=True),
        **OWN,
    )  # fmt: skip
    @action(detail=True, methods=["post"], url_path="email")
    def correct_email(self, request, pk=None):
        """Correct a mistyped e-mail, until 24 hours after paying. What was mailed is mailed again, there.

        When something went to the earlier address, the order and its tickets have new tokens and codes.
        """
        order: Order = self.get_object()
        asked = self.read(CorrectEmailSerializer)
        correct_email(order, email=asked["email"], ip=client_ip(request))
        return Response(filled(PurchaseResponseSerializer)(orders_to_show().get(pk=pk)))
