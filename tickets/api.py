"""Buying and holding tickets in the API; the same services as the pages'."""

import re

from django.db.models import Prefetch
from django.http import Http404
from django.shortcuts import get_object_or_404
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import IsAdminUser, IsAuthenticated
from rest_framework.response import Response

from accounts.limits import client_ip, spend
from events.models import Event
from payments.uma.request import ensure_uma_invoice
from ticketsuma.errors import DomainError

from . import services
from .door import check_in, validate_code
from .models import Order, Ticket
from .people import orders_of
from .serializers import (
    BoughtSerializer,
    CheckedInSerializer,
    CheckInSerializer,
    MyTicketSerializer,
    PaymentStatusSerializer,
    PurchaseSerializer,
    TicketStatusSerializer,
    ValidateSerializer,
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


class TicketViewSet(viewsets.GenericViewSet):
    queryset = Ticket.objects.select_related("order")
    lookup_value_regex = UUID_PATTERN

    def read(self, serializer_class) -> dict:
        serializer = serializer_class(data=self.request.data, context={"request": self.request})
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data

    @action(detail=False, methods=["post"])
    def purchase(self, request):
        """Hold seats and ask for the money. The same Idempotency-Key and body answer the same order."""
        data = self.read(PurchaseSerializer)
        order = services.place_order(
            event=get_object_or_404(Event.objects.public(), pk=data["event_id"]),
            quantity=data["quantity"],
            email=data["email"],
            name=data["name"],
            uma_address=data["uma_address"],
            buyer=request.user if request.user.is_authenticated else None,
            key=idempotency_key(request),
            ip=client_ip(request),
        )
        if order.payment and order.payment.is_payable:
            ensure_uma_invoice(order.payment)
        bought = BoughtSerializer(orders_to_show().get(pk=order.pk))
        return Response(bought.data, status=status.HTTP_201_CREATED)

    @action(detail=True, methods=["get"])
    def status(self, request, pk=None):
        """Whether a ticket is paid; for anybody who knows its id, so without code and invoice."""
        return Response(TicketStatusSerializer(self.get_object()).data)

    @action(detail=False, methods=["post"])
    def validate(self, request):
        """Whether a code would be let in. Always 200: an unknown code is an answer, not an error."""
        data = self.read(ValidateSerializer)
        found = validate_code(data["ticket_code"], event_id=data.get("event_id"))
        if found.ticket is None:
            spend("UNKNOWN_CODE_PER_IP", client_ip(request))
        return Response(ValidationSerializer(found).data)

    @action(detail=False, methods=["post"], url_path="check-in", permission_classes=[IsAdminUser])
    def check_in(self, request):
        """Let somebody in, once; for staff. 409 says why not, 404 that there is no such code."""
        data = self.read(CheckInSerializer)
        used = check_in(
            code=data["ticket_code"], event_id=data["event_id"], by=request.user, nonce=data["nonce"]
        )
        return Response(CheckedInSerializer(used).data)


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
                return orders.filter(pk__in=orders_of(self.request.user).values("pk")).get()
        except Order.DoesNotExist:
            pass
        raise Http404

    @action(detail=True, methods=["post"])
    def cancel(self, request, pk=None):
        """Give the seats back. 409 when the order is paid, or a payment may be on its way."""
        order = self.get_object()
        services.cancel_order(order)
        return Response(self.get_serializer(self.get_object()).data)


class MyTicketViewSet(mixins.ListModelMixin, viewsets.GenericViewSet):
    """The tickets of one person, newest first; for that person."""

    serializer_class = MyTicketSerializer
    permission_classes = [IsAuthenticated]

    def get_queryset(self):
        user = self.request.user
        if int(self.kwargs["user_id"]) != user.pk:
            raise Http404
        return (
            Ticket.objects.filter(order__in=orders_of(user))
            .select_related("order__event", "order__payment")
            .prefetch_related("order__payment__invoices")
            .order_by("-order__created_at", "order_id", "number")
        )


class PaymentViewSet(viewsets.GenericViewSet):
    """The payments of one's own orders, by the id of any of their invoices, an old one too."""

    permission_classes = [IsAuthenticated]
    lookup_url_kwarg = "invoice_id"
    lookup_value_regex = "[A-Za-z0-9:_.-]{1,120}"

    @action(detail=True, methods=["get"])
    def status(self, request, invoice_id=None):
        orders = orders_of(request.user).filter(payment__invoices__invoice_id=invoice_id)
        orders = orders.select_related("payment").prefetch_related("tickets", "payment__invoices")
        return Response(PaymentStatusSerializer(get_object_or_404(orders)).data)


def idempotency_key(request) -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not re.fullmatch(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?", key):
        raise BadIdempotencyKey
    return key
