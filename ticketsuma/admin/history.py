"""History in the admin: who did what to a row, on its own page and in whole, and what its form changed."""

from typing import TYPE_CHECKING, Any

from django.contrib.admin.utils import unquote
from django.db.models import Model
from django.http import Http404
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from accounts.changes import fields_of, fields_of_all, record_change, record_removal
from accounts.history import HistoryEntry, record

from .event_times import zone_of

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin as _AnyAdmin
else:
    _AnyAdmin = object  # a mixin; mypy wants its base

MAX_ENTRIES = 500
MAX_ON_PAGE = 10


class KeepsHistory(_AnyAdmin):
    """For a ModelAdmin: what staff did to a row is in the history that services write, not in Django's log.

    Django's hangs on the account of whoever did it, and goes when they go. What its form changes is written
    here, its inlines' rows as well; what is said of those is told on its page.
    """

    change_form_template = "admin/change_form_with_history.html"
    event_path: str | None = None  # where a row's event is, by whose clocks its moments are told; None: UTC
    tells_history = True  # on its page; False: the page has it in another place

    # -- writing ----------------------------------------------------------------------------------
    def save_model(self, request, obj, form, change):
        form.before = fields_of(obj) if change else {}
        super().save_model(request, obj, form, change)

    def save_related(self, request, form, formsets, change):
        super().save_related(request, form, formsets, change)
        self.record_saved(form)

    def record_saved(self, form) -> None:
        """Write what `form` changed; `before` is what its row was."""
        record_change(form.instance, form.before)

    def save_formset(self, request, form, formset, change):
        before = fields_of_all(formset.model, [one.instance.pk for one in formset.initial_forms])
        for gone in getattr(formset, "deleted_forms", []):
            if gone.instance.pk is not None:
                record_removal(gone.instance, formset.instance)
        super().save_formset(request, form, formset, change)
        for row in formset.new_objects:
            record("add", row)
        for row, _names in formset.changed_objects:
            record_change(row, before[row.pk])

    def log_addition(self, request, obj, message):
        pass

    log_change = log_addition

    def log_deletions(self, request, queryset):
        for row in queryset:
            record("delete", row)

    # -- telling ----------------------------------------------------------------------------------
    def history_of(self, request, row: Model) -> list[HistoryEntry]:
        """What was done to `row` and to those of its inlines' rows that this person sees, newest first."""
        rows = [row]
        for inline in self.get_inline_instances(request, row):
            to_row: Any = inline.get_formset(request, row).fk
            rows += inline.get_queryset(request).filter(**{to_row.name: row})
        return list(HistoryEntry.objects.about(rows).order_by("-at", "-pk")[:MAX_ENTRIES])

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        if obj is not None and self.tells_history:
            context |= self._history(request, obj)
            context["entries"] = context["entries"][:MAX_ON_PAGE]
        return super().render_change_form(request, context, add, change, form_url, obj)

    def history_view(self, request, object_id, extra_context=None):
        row = self.get_object(request, unquote(object_id))
        if row is None or not self.has_view_or_change_permission(request, row):
            raise Http404
        context = {
            **self.admin_site.each_context(request), "opts": self.model._meta, "original": row,
            "title": _("History: %(row)s") % {"row": row}, **self._history(request, row),
        }  # fmt: skip
        return TemplateResponse(request, "admin/history.html", context)

    def _history(self, request, row: Model) -> dict:
        return {"entries": self.history_of(request, row), "zone": zone_of(row, self.event_path)}
