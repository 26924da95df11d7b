"""Forms with which staff write messages to guests."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from ticketsuma.admin.stale_forms import UnstaleForm

from .models import Message, Translation

DAY = 24 * 60
MOMENTS = [
    ("", _("At once, when it is sent")),
    (-7 * DAY, _("A week before the start")),
    (-3 * DAY, _("3 days before the start")),
    (-DAY, _("A day before the start")),
    (-3 * 60, _("3 hours before the start")),
    (-2 * 60, _("2 hours before the start")),
    (-60, _("An hour before the start")),
    (-30, _("Half an hour before the start")),
    (-15, _("A quarter of an hour before the start")),
    (60, _("An hour after the start")),
    (3 * 60, _("3 hours after the start")),
    (DAY, _("A day after the start")),
    (3 * DAY, _("3 days after the start")),
    (7 * DAY, _("A week after the start")),
]


class MessageForm(UnstaleForm):
    """Of a message; to whom and when are asked once its event is known."""

    class Meta:
        model = Message
        fields = ["event", "kind", "subject", "text", "guests", "ticket_type", "question", "answer",
                  "minutes_from_start"]  # fmt: skip

    def arrange(self) -> None:
        if "ticket_type" in self.fields:
            types: Any = self.fields["ticket_type"]
            types.queryset = self.instance.event.ticket_types.all()
            types.label_from_instance = lambda one: one.shown_name
            questions: Any = self.fields["question"]
            questions.queryset = self.instance.event.questions.all()
            for field in (types, questions):
                field.widget.can_view_related = False
        if "minutes_from_start" in self.fields:
            self.fields["minutes_from_start"] = forms.TypedChoiceField(
                label=_("When"), required=False, choices=MOMENTS, coerce=int, empty_value=None,
                help_text=_("It moves with the event."),
            )  # fmt: skip


class TranslationForm(UnstaleForm):
    class Meta:
        model = Translation
        fields = ["language", "subject", "text"]


def moment_words(minutes: int | None) -> str:
    """When a message goes out, for people."""
    known = {value or 0: words for value, words in MOMENTS}
    return str(known.get(minutes or 0, _("%(minutes)s minutes from the start") % {"minutes": minutes}))
