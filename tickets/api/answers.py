"""Answers to an event's questions in the API, given or changed after the purchase."""

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.response import Response

from tickets.models import Order
from tickets.services.answers import save_answers
from ticketsuma.api.schema import problems
from ticketsuma.api.viewsets import filled

from .answer_serializers import AnswerQuestionsSerializer
from .serializers import PurchaseResponseSerializer
from .voiding import OWN


class AnsweringMixin:
    """For the viewset of orders."""

    @extend_schema(
        operation_id="answer_questions", request=AnswerQuestionsSerializer,
        responses={200: PurchaseResponseSerializer}
        | problems("not_found", "answer_refused", "answers_closed", body=True),
        **OWN,
    )  # fmt: skip
    @action(detail=True, methods=["post"])
    def answers(self, request, pk=None):
        """Answer questions of the order or its tickets, until the event starts. What is not named stays."""
        order: Order = self.get_object()
        save_answers(order, self.read(AnswerQuestionsSerializer)["answers"])
        return Response(filled(PurchaseResponseSerializer)(self.get_object()))
