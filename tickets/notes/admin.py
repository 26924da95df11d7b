"""Admin of notes: a button on orders; they are read among what happened, and marked in the list."""

from typing import Any

from django import forms
from django.contrib import admin
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from accounts.history import actor
from accounts.roles import Ability, may
from tickets.admin import OrderAdmin
from tickets.models import Order
from ticketsuma.admin.actions import ActionForm, StaffAction

from .models import MAX_NOTE
from .services import may_have_notes, write_note


class NoteForm(ActionForm):
    text = forms.CharField(
        label=_("Note"), max_length=MAX_NOTE, widget=forms.Textarea({"rows": 4, "dir": "auto"}),
        help_text=_("For staff. No page shows it to the guest, who gets it only on asking for all that is "
                    "kept about them. It cannot be changed, and goes when the guest is forgotten."),
    )  # fmt: skip


class WriteNote(StaffAction):
    """For whoever writes to guests or moves their money; those who only read, read notes as well."""

    needs = (Ability.SEE_GUESTS,)
    asks_again = False
    name = "note"
    label = _("Write a note")
    form = NoteForm

    def is_allowed(self, user: Any, row: Any) -> bool:
        works = may(user, Ability.MESSAGES, row) or may(user, Ability.MOVE_MONEY, row)
        return works and super().is_allowed(user, row)

    def is_possible(self, order: Order) -> bool:
        return may_have_notes(order)

    def preview(self, order: Order) -> list[str]:
        return [f"{note.by_name}: {note.text}" for note in order.notes.all()]

    def seen(self, order: Order) -> int:
        return order.notes.count()

    def run(self, order: Order, data: dict) -> str:
        write_note(order, data["text"], by=actor())
        return _now("The note is kept.")


class NotedFilter(admin.SimpleListFilter):
    """By what `MarksNotes` annotates."""

    title = _("note")
    parameter_name = "noted"

    def lookups(self, request, model_admin):
        return [("yes", _("With a note"))]

    def queryset(self, request, queryset):
        return queryset.filter(has_notes=True) if self.value() else queryset


OrderAdmin.extend(actions=[WriteNote()], filters=(NotedFilter,))
