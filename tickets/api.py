"""Buying and holding tickets in the API; the same services as the pages'."""

import re

from django.db.models import Prefetch
from django.http import Http404
from django.shortcuts import get_object_or_404
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.response import Response

from events.models import Event
from payments.uma.request import ensure_uma_invoice
from ticketsuma.errors import DomainError

from . import services
from .door import validate_code
from .models import Order, Ticket
from .serializers import (
    BoughtSerializer,
    PurchaseSerializer,
    TicketCodeSerializer,
    TicketStatusSerializer,
    ValidationSerializer,
)

UUID_PATTERN = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


class BadIdempotencyKey(DomainError):
    code = "invalid_idempotency_key"
    sentence = "An Idempotency-Key is 1 to 255 printable ASCII characters."
    status = 400
    field = "Idempotency-Key"


def orders_to_show():
    """Orders with everything `BoughtSerializer` reads: three queries, however many there are."""
    tickets = Ticket.objects.select_related("order__event")
    return Order.objects.select_related("event", "payment").prefetch_related(
        Prefetch("tickets", tickets), "payment__invoices"
    )


class TicketViewSet(mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    queryset = Ticket.objects.select_related("order")
    lookup_value_regex = UUID_PATTERN

    def get_serializer_class(self):
        return {"purchase": PurchaseSerializer, "validate": TicketCodeSerializer}.get(
            self.action, TicketStatusSerializer
        )

    @action(detail=False, methods=["post"])
    def purchase(self, request):
        """Hold seats and ask for the money. The same Idempotency-Key and body answer the same order."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = serializer.validated_data
        order = services.place_order(
            event=get_object_or_404(Event.objects.public(), pk=data["event_id"]),
            quantity=data["quantity"],
            email=data["email"],
            name=data["name"],
            uma_address=data["uma_address"],
            buyer=request.user if request.user.is_authenticated else None,
            key=idempotency_key(request),
        )
        if order.payment and order.payment.is_payable:
            ensure_uma_invoice(order.payment)
        bought = BoughtSerializer(orders_to_show().get(pk=order.pk))
        return Response(bought.data, status=status.HTTP_201_CREATED)

    @action(detail=True, methods=["get"])
    def status(self, request, pk=None):
        """Whether a ticket is paid; for anybody who knows its id, so without code and invoice."""
        return Response(self.get_serializer(self.get_object()).data)

    @action(detail=False, methods=["post"])
    def validate(self, request):
        """Whether a code would be let in. Always 200: an unknown code is an answer, not an error."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = serializer.validated_data
        found = validate_code(data["ticket_code"], event_id=data.get("event_id"))
        return Response(ValidationSerializer(found).data)


class OrderViewSet(mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """One order, for whoever holds its token, and for its buyer."""

    serializer_class = BoughtSerializer
    lookup_value_regex = UUID_PATTERN

    def get_object(self) -> Order:
        orders = orders_to_show().filter(pk=self.kwargs["pk"])
        try:
            if token := self.request.headers.get("Order-Token"):
                return orders.by_token(token)
            if self.request.user.is_authenticated:
                return orders.get(buyer=self.request.user)
        except Order.DoesNotExist:
            pass
        raise Http404

    @action(detail=True, methods=["post"])
    def cancel(self, request, pk=None):
        """Give the seats back. 409 when the order is paid, or a payment may be on its way."""
        order = self.get_object()
        services.cancel_order(order)
        return Response(self.get_serializer(self.get_object()).data)


def idempotency_key(request) -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not re.fullmatch(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?", key):
        raise BadIdempotencyKey
    return key
