"""Marks of notes in the list of orders."""

from typing import TYPE_CHECKING, Any

from django.db.models import Exists, OuterRef
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .models import Note

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin as _AnyAdmin
else:
    _AnyAdmin = object  # a mixin; mypy wants its base


class MarksNotes(_AnyAdmin):
    """For the ModelAdmin of orders."""

    def get_queryset(self, request):
        notes = Note.objects.filter(order=OuterRef("pk"))
        return super().get_queryset(request).annotate(has_notes=Exists(notes))

    def note_mark(self, order: Any) -> str | Promise:
        return _("✎ note") if order.has_notes else ""
