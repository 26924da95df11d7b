"""The form of an export."""

from django import forms
from django.utils.translation import gettext_lazy as _

from .periods import PeriodForm
from .tables import Column, Table
from .writing import FORMATS


class ExportForm(PeriodForm):
    """Which rows, which columns, and what kind of file; nothing chosen is everything, as CSV."""

    columns_chosen = forms.MultipleChoiceField(
        label=_("Columns"), required=False, widget=forms.CheckboxSelectMultiple,
        help_text=_("None ticked: all of them."),
    )  # fmt: skip
    format = forms.ChoiceField(label=_("File"), choices=FORMATS)

    def __init__(self, data, *, table: Table, default_zone: str):
        self.table = table
        sent = data.copy()
        sent.setdefault("format", FORMATS[0][0])
        super().__init__(sent, default_zone=default_zone, prefix=None, auto_id=f"id_{table.name}_%s")
        choices = [(column.name, column.label) for column in table.columns]
        self.fields["columns_chosen"].choices = choices  # type: ignore[attr-defined]
        shown = {"first": self.default.first, "last": self.default.last, "zone": default_zone}
        for name, value in shown.items():
            if not sent.get(name):
                sent[name] = f"{value}"
        self.data = sent

    @property
    def columns(self) -> list[Column]:
        """In the table's order."""
        chosen = self.cleaned_data["columns_chosen"]
        return [column for column in self.table.columns if not chosen or column.name in chosen]
