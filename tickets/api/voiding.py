"""Single tickets of an order in the API: a new link, a seat given back, all links anew."""

from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.response import Response

from tickets.models import Ticket
from tickets.offline_door.statements import code_of
from tickets.services.giving_back import give_back
from tickets.services.voiding import ReplacedAlready, replace_links, replace_ticket
from ticketsuma.api.schema import header, problems
from ticketsuma.api.viewsets import filled

from .serializers import (
    GiveBackSerializer,
    OneTicketSerializer,
    PurchaseResponseSerializer,
    ReplaceTicketSerializer,
)

ORDER_TOKEN = header(
    "Order-Token", "The order's token; or be signed in as its buyer.", pattern=r"^[\x21-\x7e]+$"
)
ENDING_TOKEN = header(
    "Order-Token", "The token that shall end: sent again, it opens nothing.", pattern=r"^[\x21-\x7e]+$"
)
OWN: Any = {"tags": ["buying"], "auth": [{}, {"token": []}], "parameters": [ORDER_TOKEN]}
BROKEN = ("not_found", "not_voidable", "invalid_transition")


class VoidingMixin:
    """For the viewset of orders."""

    @extend_schema(
        operation_id="replace_ticket", request=ReplaceTicketSerializer,
        responses={200: PurchaseResponseSerializer} | problems(*BROKEN, body=True), **OWN,
    )  # fmt: skip
    @action(detail=True, methods=["post"], url_path="replace-ticket")
    def replace_ticket(self, request, pk=None):
        """Give one ticket a new code and a new link; whoever holds the old ones is out at once."""
        ticket, asked = self._one_ticket(ReplaceTicketSerializer)
        if ticket.admits and ticket.ticket_code != code_of(asked["ticket_code"]):
            raise ReplacedAlready
        replace_ticket(ticket)
        return self._as_it_is()

    @extend_schema(
        operation_id="void_ticket", request=GiveBackSerializer,
        responses={200: PurchaseResponseSerializer} | problems(*BROKEN, "give_back_changed", body=True),
        **OWN,
    )  # fmt: skip
    @action(detail=True, methods=["post"], url_path="void-ticket")
    def void_ticket(self, request, pk=None):
        """Give one seat back: it is on sale again, and its ticket opens nothing. Until `refundable_until` its
        price comes back, later nothing does."""
        ticket, asked = self._one_ticket(GiveBackSerializer)
        give_back(ticket.order, [ticket.pk], expected_sats=asked.get("back_sats"))
        return self._as_it_is()

    @extend_schema(
        operation_id="replace_links", request=None,
        responses={204: None} | problems("not_found", "no_mailbox", "invalid_transition"),
        **OWN | {"auth": [{}], "parameters": [ENDING_TOKEN]},
    )  # fmt: skip
    @action(detail=True, methods=["post"], url_path="replace-links")
    def replace_links(self, request, pk=None):
        """End the order's token and those of its tickets; the new links go to the buyer's mailbox only."""
        if "Order-Token" not in request.headers:
            raise Http404
        replace_links(self.get_object())
        return Response(status=204)

    def _one_ticket(self, kind: type[OneTicketSerializer]) -> tuple[Ticket, dict]:
        """The ticket that the body names, and all that it says."""
        order = self.get_object()  # type: ignore[attr-defined]
        asked = self.read(kind)  # type: ignore[attr-defined]
        tickets = Ticket.objects.select_related("order__event", "check_in")
        return get_object_or_404(tickets, order=order, pk=asked["ticket_id"]), asked

    def _as_it_is(self) -> Response:
        return Response(filled(PurchaseResponseSerializer)(self.get_object()))  # type: ignore[attr-defined]
