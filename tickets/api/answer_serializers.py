"""Serializers of answers to an event's questions."""

from typing import Any

from rest_framework import serializers

from events.question_models import MAX_ANSWER, MAX_CHOICES
from tickets.models import Answer
from tickets.services.answers import Reply
from ticketsuma.api.fields import SingleLineField, StrictIntegerField, StrictSerializer

MAX_REPLIES = 500


class ReplySerializer(StrictSerializer):
    """An answer as it is sent."""

    question_id = StrictIntegerField(min_value=1, max_value=2**63 - 1)
    ticket_number = StrictIntegerField(
        min_value=0, max_value=50, default=0, help_text="Of which ticket it is asked; 0: of the order."
    )
    values = serializers.ListField(
        child=SingleLineField(max_length=MAX_ANSWER, allow_blank=True), max_length=MAX_CHOICES,
        help_text='One text or choice, several `choices`, `["yes"]` of a consent; `[]` answers nothing.',
    )  # fmt: skip

    def to_internal_value(self, data: Any) -> Any:
        said = super().to_internal_value(data)
        return Reply(said["question_id"], said["values"], said["ticket_number"])


class AnswerQuestionsSerializer(StrictSerializer):
    answers = serializers.ListField(child=ReplySerializer(), min_length=1, max_length=MAX_REPLIES)


class AnswerSerializer(serializers.ModelSerializer):
    """An answer as it is kept."""

    question_id = serializers.IntegerField()
    question = serializers.CharField(source="question.label", help_text="Its words.")
    ticket_number = serializers.IntegerField(help_text="0: of the order.")
    values = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = Answer
        fields = ["question_id", "question", "ticket_number", "values"]
        read_only_fields = fields
