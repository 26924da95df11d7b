"""Serializers of an event's questions."""

from rest_framework import serializers

from .question_models import Question


class QuestionSerializer(serializers.ModelSerializer):
    """What is asked now, and how it is answered."""

    choices = serializers.ListField(
        child=serializers.CharField(), help_text="Of `choice` and `choices`: what may be answered."
    )
    asked = serializers.ChoiceField(
        Question.Asked.choices,
        help_text="`before`: with the purchase; `after`: of the order, later; `ticket`: of each ticket.",
    )
    kind = serializers.ChoiceField(
        Question.Kind.choices,
        help_text="`text`; `choice` of one; `choices`, any of them; `consent`, which is `yes`.",
    )
    ticket_type_id = serializers.IntegerField(
        allow_null=True, help_text="Asked of tickets of this type only; null: of all."
    )

    class Meta:
        model = Question
        fields = [
            "id", "label", "hint", "asked", "kind", "choices", "link", "is_required", "ticket_type_id",
        ]  # fmt: skip
        read_only_fields = fields
