"""Answers in the admin, to read: all of them, and those of one order or ticket."""

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.roles import Ability
from ticketsuma.admin.base import ReadOnlyAdmin

from .models import Answer, Ticket


@admin.register(Answer)
class AnswerAdmin(ReadOnlyAdmin):
    """Also the list of what an event's guests answered: search for the event or the question."""

    sees = (Ability.SEE_GUESTS,)
    event_path = "order.event"
    list_display = ["question", "answer", "order", "ticket", "event"]
    list_filter = ["question__kind"]
    list_select_related = ["order__event", "question"]
    search_fields = ["=order__code", "question__label", "order__event__search_key__folded"]
    ordering = ["-pk"]
    fields = ["question", "answer", "order", "ticket", "updated_at"]

    @admin.display(description=_("answer"))
    def answer(self, answer: Answer) -> str:
        return answer.shown

    @admin.display(description=_("ticket"))
    def ticket(self, answer: Answer) -> str:
        return str(answer.ticket_number or "-")

    @admin.display(description=_("event"))
    def event(self, answer: Answer) -> str:
        return answer.order.event.title


class ShowsAnswers:
    """For the ModelAdmin of tickets."""

    @admin.display(description=_("answers"))
    def answers(self, ticket: Ticket) -> SafeString | str:
        answers = Answer.objects.filter(order=ticket.order_id, ticket_number=ticket.number)
        said = ((each.question.label, each.shown) for each in answers.select_related("question"))
        return format_html_join("", "<bdi>{}</bdi> <b><bdi>{}</bdi></b><br>", said) or "-"
