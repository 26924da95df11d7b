"""Orders and tickets in the API; the same services as the pages'."""

import re
from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response

from accounts.permissions import MayAct
from accounts.rate_limits import client_ip, hit
from accounts.roles import Ability, visible
from events.baskets import read_event
from events.models import Event
from payments.uma.push import ensure_uma_invoice
from tickets.models import Order, Ticket
from tickets.receipts.api import ReceiptMixin
from tickets.services import orders
from tickets.services.check_ins import check_in, validate_code
from tickets.services.payment_lookup import check_now
from tickets.services.personal_data import orders_for_user
from tickets.services.prices import Expected
from tickets.services.refunds import give_refund_address
from tickets.services.viewers import join_for_pass
from ticketsuma.api.schema import header, problems
from ticketsuma.api.viewsets import ApiViewSet, filled
from ticketsuma.errors import DomainError

from .answers import AnsweringMixin
from .email import CorrectingMixin
from .serializers import (
    CheckedInSerializer,
    CheckInSerializer,
    JoinedSerializer,
    JoinSerializer,
    PaymentStatusSerializer,
    PurchaseRequestSerializer,
    PurchaseResponseSerializer,
    RefundAddressSerializer,
    TicketStatusSerializer,
    ValidateSerializer,
    ValidationSerializer,
)
from .shown import orders_to_show
from .voiding import ORDER_TOKEN, VoidingMixin

BUYING = (
    "not_found", "sold_out", "sales_closed", "quantity_not_allowed", "invalid_uma_address", "hold_limit",
    "free_limit", "invalid_idempotency_key", "idempotency_key_reused", "price_changed",
    "unknown_ticket_type", "amount_not_allowed", "promo_code_refused", "answer_refused",
    "questions_changed",
)  # fmt: skip
KEY = header(
    "Idempotency-Key",
    "The same key and body again answer the same order as it stands now. Any string of yours, best a random "
    "UUID: a guest's key that could be guessed counts only at the address it came from.",
    pattern=r"^[!-~]([ -~]{0,253}[!-~])?$",
)
REPLAYED = OpenApiParameter(
    "Idempotent-Replayed", {"type": "string", "const": "true"}, OpenApiParameter.HEADER, response=[201],
    description="There when this order was placed before, with the same Idempotency-Key.",
)  # fmt: skip
TICKET_TOKEN = header("Ticket-Token", "The ticket's token.", pattern=r"^[\x21-\x7e]+$")
UUID_PATTERN = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


class BadIdempotencyKey(DomainError):
    code = "invalid_idempotency_key"
    message = _("An Idempotency-Key is 1 to 255 printable ASCII characters.")
    status = 400
    field = "Idempotency-Key"


TOKEN_OR_NONE: Any = [{}, {"token": []}]  # the annotation of `extend_schema` knows names only


class TicketViewSet(ApiViewSet):
    permission_classes = [MayAct]
    needs = {"check_in": Ability.DOOR}
    queryset = Ticket.objects.select_related("order")
    lookup_value_regex = UUID_PATTERN

    @extend_schema(
        operation_id="purchase", tags=["buying"], auth=TOKEN_OR_NONE, parameters=[KEY, REPLAYED],
        request=PurchaseRequestSerializer,
        responses={201: PurchaseResponseSerializer} | problems(*BUYING, body=True),
    )  # fmt: skip
    @action(detail=False, methods=["post"])
    def purchase(self, request):
        """Hold seats and ask for the money. The same Idempotency-Key and body answer the same order."""
        data = self.read(PurchaseRequestSerializer)
        basket = {"items": data["items"], "promo_code": data["promo_code"]}
        event = read_event(**basket, pk=data["event_id"])
        if event is None:
            raise Http404
        order = orders.place_order(
            event=event,
            quantity=data["quantity"],
            **basket,
            answers=data["answers"],
            email=data["email"],
            name=data["name"],
            uma_address=data["uma_address"],
            buyer=request.user if request.user.is_authenticated else None,
            key=idempotency_key(request),
            ip=client_ip(request),
            expected=Expected.of_request(data, event.currency),
            signed=True,
        )
        if not order.is_replay:
            return Response(filled(PurchaseResponseSerializer)(order), status=201)
        if order.payment and order.payment.is_payable:
            ensure_uma_invoice(order.payment)
        order = orders_to_show().get(pk=order.pk)
        replayed = {"Idempotent-Replayed": "true"}
        return Response(filled(PurchaseResponseSerializer)(order), status=201, headers=replayed)

    @extend_schema(
        operation_id="ticket_status", tags=["buying"], auth=[],
        responses={200: TicketStatusSerializer} | problems("not_found"),
    )  # fmt: skip
    @action(detail=True, methods=["get"])
    def status(self, request, pk=None):
        """Whether a ticket is paid; for anybody who knows its id, so without code and invoice."""
        return Response(filled(TicketStatusSerializer)(self.get_object()))

    @extend_schema(
        operation_id="join", tags=["buying"], auth=[], parameters=[TICKET_TOKEN], request=JoinSerializer,
        responses={200: JoinedSerializer}
        | problems("not_found", "room_closed", "watched_elsewhere", body=True),
    )  # fmt: skip
    @action(detail=True, methods=["post"])
    def join(self, request, pk=None):
        """Take the ticket's place in the stream's room, and check in. One ticket is for one viewer."""
        asked = self.read(JoinSerializer)
        room_url, expires_at = join_for_pass(self._own_ticket(), take_over=asked["take_over"])
        return Response(filled(JoinedSerializer)({"room_url": room_url, "expires_at": expires_at}))

    def _own_ticket(self) -> Ticket:
        """The ticket of the address, when its token comes along."""
        tickets = Ticket.objects.select_related("order__event", "line").filter(pk=self.kwargs["pk"])
        try:
            return tickets.by_token(self.request.headers.get("Ticket-Token", ""))
        except Ticket.DoesNotExist:
            raise Http404 from None

    @extend_schema(
        operation_id="validate_ticket", tags=["door"], auth=[], request=ValidateSerializer,
        responses={200: ValidationSerializer} | problems(body=True),
    )  # fmt: skip
    @action(detail=False, methods=["post"])
    def validate(self, request):
        """Whether a code would be let in. Always 200: an unknown code is an answer, not an error."""
        data = self.read(ValidateSerializer)
        found = validate_code(data["ticket_code"], event_id=data.get("event_id"))
        if found.ticket is None:
            hit("UNKNOWN_CODE_PER_IP", client_ip(request))
        return Response(filled(ValidationSerializer)(found))

    @extend_schema(
        operation_id="check_in", tags=["staff"], request=CheckInSerializer,
        responses={200: CheckedInSerializer}
        | problems(
            "not_authenticated", "permission_denied", "second_factor_required", "not_found", "unknown_code",
            "wrong_event", "not_paid", "void", "event_canceled", "already_checked_in", "replay_only",
            body=True,
        ),
    )  # fmt: skip
    @action(detail=False, methods=["post"], url_path="check-in")
    def check_in(self, request):
        """Let somebody in, once; for staff of that door. 409 says why not, 404 that there is no such code."""
        data = self.read(CheckInSerializer)
        event = get_object_or_404(
            visible(request.user, Event.objects.all(), Ability.DOOR), pk=data["event_id"]
        )
        used = check_in(code=data["ticket_code"], event_id=event.pk, by=request.user, nonce=data["nonce"])
        return Response(filled(CheckedInSerializer)(used))


class OrderViewSet(VoidingMixin, CorrectingMixin, AnsweringMixin, ReceiptMixin, ApiViewSet):
    """One order, for whoever holds its token, and for its buyer."""

    queryset = Order.objects.none()
    serializer_class = PurchaseResponseSerializer
    lookup_value_regex = UUID_PATTERN

    def get_object(self) -> Order:
        orders = orders_to_show().filter(pk=self.kwargs["pk"])
        try:
            token = self.request.headers.get("Order-Token")
            if token is not None:
                return orders.by_token(token)
            if self.request.user.is_authenticated:
                return orders.filter(pk__in=orders_for_user(self.request.user).values("pk")).get()
        except Order.DoesNotExist:
            pass
        raise Http404

    @extend_schema(
        operation_id="get_order", tags=["buying"], auth=TOKEN_OR_NONE, parameters=[ORDER_TOKEN],
        responses={200: PurchaseResponseSerializer} | problems("not_found"),
    )  # fmt: skip
    def retrieve(self, request, pk=None):
        """The order as it stands now, in the purchase's shape."""
        return Response(filled(PurchaseResponseSerializer)(self.get_object()))

    @extend_schema(
        operation_id="cancel_order", tags=["buying"], auth=TOKEN_OR_NONE, parameters=[ORDER_TOKEN],
        request=None,
        responses={200: PurchaseResponseSerializer}
        | problems("not_found", "already_paid", "payment_in_flight", "invalid_transition"),
    )  # fmt: skip
    @action(detail=True, methods=["post"])
    def cancel(self, request, pk=None):
        """Give the seats back. 409 when the order is paid, or a payment may be on its way."""
        order = self.get_object()
        orders.cancel_order(order)
        return Response(filled(PurchaseResponseSerializer)(self.get_object()))

    @extend_schema(
        operation_id="check_order", tags=["buying"], auth=TOKEN_OR_NONE, parameters=[ORDER_TOKEN],
        request=None,
        responses={200: PurchaseResponseSerializer}
        | problems("not_found", "node_unreachable", "node_forbidden", "node_refused"),
    )  # fmt: skip
    @action(detail=True, methods=["post"])
    def check(self, request, pk=None):
        """Somebody says they paid: ask the node now, and answer the order as it is then."""
        check_now(self.get_object(), ip=client_ip(request))
        return Response(filled(PurchaseResponseSerializer)(self.get_object()))

    @extend_schema(
        operation_id="give_refund_address", tags=["buying"], auth=TOKEN_OR_NONE,
        parameters=[ORDER_TOKEN], request=RefundAddressSerializer,
        responses={200: PurchaseResponseSerializer}
        | problems("not_found", "invalid_uma_address", "nothing_to_refund", "invalid_transition", body=True),
    )  # fmt: skip
    @action(detail=True, methods=["post"], url_path="refund-address")
    def refund_address(self, request, pk=None):
        """Say where the money of this order that waits for an address shall go back to."""
        order = self.get_object()
        give_refund_address(order, address=self.read(RefundAddressSerializer)["uma_address"])
        return Response(filled(PurchaseResponseSerializer)(self.get_object()))


class PaymentViewSet(ApiViewSet):
    """The payments of one's own orders, by the id of any of their invoices, an old one too."""

    permission_classes = [IsAuthenticated]
    lookup_url_kwarg = "invoice_id"
    lookup_value_regex = "[A-Za-z0-9:_.-]{1,120}"

    @extend_schema(
        operation_id="payment_status", tags=["buying"],
        responses={200: PaymentStatusSerializer} | problems("not_authenticated", "not_found"),
    )  # fmt: skip
    @action(detail=True, methods=["get"])
    def status(self, request, invoice_id=None):
        """What became of a payment of yours."""
        orders = orders_for_user(request.user).filter(payment__invoices__invoice_id=invoice_id)
        orders = orders.select_related("payment").prefetch_related("tickets", "payment__invoices")
        return Response(filled(PaymentStatusSerializer)(get_object_or_404(orders)))


def idempotency_key(request) -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not re.fullmatch(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?", key):
        raise BadIdempotencyKey
    return key
