"""Stale forms: opened before somebody else saved the same row, they are shown again, not saved."""

import json
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin as AnyAdmin
else:
    AnyAdmin = object  # a mixin; mypy wants its base

MAX_SHOWN = 80


class UnstaleForm(forms.ModelForm):
    """For a row that several people may edit: the form carries what it showed when it was opened.

    What has changed since is said at its field, with what it was and is. What the editor did not touch
    then shows what it is now, so that pressing save once more undoes nobody's work.
    """

    changed_meanwhile: dict[str, tuple[str, str]]  # what each field showed, and shows now
    seen = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.says_nothing = False
        self.changed_meanwhile = {}
        self.arrange()
        if self.instance.pk is None:
            return
        now = {name: self._inputs(name) for name in self.fields if name in self.initial}
        self.initial["seen"] = json.dumps(now)
        if self.is_bound:
            self._compare(now)

    def arrange(self) -> None:
        """Prepare the fields, before they are asked what they show of `instance`."""

    def _inputs(self, name: str) -> dict[str, str]:
        """What the field's inputs hold when it shows the row: `{"start_time_0": "2031-05-01", …}`."""
        field, html_name = self.fields[name], self.add_prefix(name)
        value = field.prepare_value(self.get_initial_for_field(field, name))
        if isinstance(field.widget, forms.MultiWidget):
            widget: Any = field.widget
            pairs = zip(widget.widgets, widget.widgets_names, widget.decompress(value), strict=True)
            return {html_name + end: str(one.format_value(part) or "") for one, end, part in pairs}
        if isinstance(field.widget, forms.CheckboxInput):
            return {html_name: "on" if value else ""}
        return {html_name: str("" if value is None else value).replace("\r\n", "\n")}

    def _compare(self, now: dict[str, dict[str, str]]) -> None:
        try:
            seen = json.loads(self.data.get(self.add_prefix("seen")) or "null")
            then = {name: {**seen[name]} for name in now}
        except (ValueError, KeyError, TypeError):
            self.says_nothing = True
            return
        data = self.data.copy()  # type: ignore[attr-defined]
        for name, inputs in now.items():
            if then[name] == inputs:
                continue
            self.changed_meanwhile[name] = (_shown(then[name]), _shown(inputs))
            for html_name, value in inputs.items():
                posted = data.get(html_name, "").replace("\r\n", "\n")
                if posted == then[name].get(html_name, ""):  # untouched by this editor
                    data[html_name] = value
        data[self.add_prefix("seen")] = self.initial["seen"]
        self.data = data

    def clean(self):
        cleaned = super().clean()
        if self.says_nothing:
            says = _("Please open this form anew: it does not say what it showed.")
            raise ValidationError(says, code="stale")
        for name, (before, now) in self.changed_meanwhile.items():
            says = _("Somebody changed this meanwhile, from “%(before)s” to “%(now)s”. Nothing was saved.")
            self.add_error(name, ValidationError(says, code="stale", params={"before": before, "now": now}))
        return cleaned


def with_answer(data: Any, name: str, value: str) -> Any:
    """What was sent with a form, and `value` in its field `name`, as the form is shown again."""
    answered = data.copy()
    answered[name] = value
    return answered


def _shown(inputs: dict[str, str]) -> str:
    text = " ".join(inputs.values()) or "–"
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


class UnstaleAdmin(AnyAdmin):
    """For a ModelAdmin whose `form` is an UnstaleForm: it is shown with the form, and the row is locked.

    The lock lasts while a form is compared and saved, so of two who save at once the second is told.
    """

    def get_object(self, request, object_id, from_field=None):
        row = super().get_object(request, object_id, from_field)
        if row and request.method == "POST" and connection.in_atomic_block:
            self.model._base_manager.select_for_update().get(pk=row.pk)
            row = super().get_object(request, object_id, from_field)
        return row

    def get_fieldsets(self, request, obj=None):
        [(title, first), *others] = super().get_fieldsets(request, obj)
        if not self.has_change_permission(request, obj):
            return [(title, first), *others]
        return [(title, {**first, "fields": [*first["fields"], "seen"]}), *others]
