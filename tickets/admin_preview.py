"""The button of an event's form that shows its public page before anything is saved."""

from typing import TYPE_CHECKING

from django.db import transaction
from django.http import HttpResponse

from events.models import Event
from ticketsuma.admin.stale_forms import with_answer

from .views.buying import preview

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin as _AnyAdmin
else:
    _AnyAdmin = object  # a mixin; mypy wants its base

PREVIEW = "_preview"  # the button's name


class PreviewsPage(_AnyAdmin):
    """For the ModelAdmin of events: types and questions are previewed with the event; files are not."""

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        if PREVIEW in request.POST:
            request.FILES.clear()  # a file would stay when everything else is undone
            request.POST = with_answer(request.POST, "kept_cover", "")
        return super().changeform_view(request, object_id, form_url, extra_context)

    def response_add(self, request, obj, post_url_continue=None):
        return self._preview(request, obj) or super().response_add(request, obj, post_url_continue)

    def response_change(self, request, obj):
        return self._preview(request, obj) or super().response_change(request, obj)

    def _preview(self, request, event: Event) -> HttpResponse | None:
        """The public page of what was typed, valid but not saved: everything is undone."""
        if PREVIEW not in request.POST:
            return None
        page = preview(request, event)
        transaction.set_rollback(True)  # of `changeform_view`
        return page
