"""The form of a scheduled export."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.history import actor
from accounts.models import User
from accounts.roles import may
from events.models import Event
from tickets.reports.tables import TABLES
from tickets.reports.writing import FORMATS
from ticketsuma.admin.stale_forms import UnstaleForm
from ticketsuma.zoned_fields import zone_choices

from .models import ScheduledExport
from .services import why_not


class ScheduledExportForm(UnstaleForm):
    """It begins with organizer and table; the rest is asked once they are known."""

    table = forms.ChoiceField(
        label=_("Table"), help_text=_("Its recipients must have the right to see it."),
        choices=lambda: [(table.name, table.label) for table in TABLES.values()],
    )  # fmt: skip

    class Meta:
        model = ScheduledExport
        fields = ["organizer", "table", "event", "columns", "format", "every", "hour", "timezone",
                  "recipients", "is_active"]  # fmt: skip

    def arrange(self) -> None:
        fields: dict[str, Any] = self.fields
        if "columns" not in fields:
            return
        schedule = self.instance
        columns = [(column.name, column.label) for column in schedule.of.columns]
        fields["columns"] = forms.MultipleChoiceField(
            label=_("Columns"), required=False, widget=forms.CheckboxSelectMultiple, choices=columns,
            help_text=_("None ticked: all of them."),
        )  # fmt: skip
        events = Event.objects.filter(organizer=schedule.organizer_id)
        fields["event"].queryset = events.order_by("-start_time")
        team, me = Q(memberships__organizer=schedule.organizer_id), actor()
        people = User.objects.filter(team | Q(pk=me.pk if me else None), is_active=True)
        fields["recipients"].queryset = people.distinct().order_by("email")
        fields["recipients"].help_text = ScheduledExport._meta.get_field("recipients").help_text
        fields["recipients"].widget = forms.CheckboxSelectMultiple(choices=fields["recipients"].choices)
        fields["format"] = forms.ChoiceField(label=_("File"), choices=FORMATS)
        fields["timezone"] = forms.ChoiceField(label=_("Time zone"), choices=zone_choices())
        hours = [(hour, f"{hour:02}:00") for hour in range(24)]
        fields["hour"] = forms.TypedChoiceField(label=_("Hour"), coerce=int, choices=hours)

    def clean(self):
        data = super().clean()
        me = actor()
        if data.get("table") and data.get("organizer"):
            needs = TABLES[data["table"]].needs
            if me is None or not may(me, needs, data["organizer"]):
                raise ValidationError({"table": _("You may not see this table yourself.")})
        if "recipients" in data:
            without = [one.email for one in data["recipients"] if why_not(one, self._as_chosen(data))]
            if without:
                says = _("Without the right to see it: %(who)s") % {"who": ", ".join(without)}
                self.add_error("recipients", says)
            elif data.get("is_active") and not data["recipients"]:
                self.add_error("recipients", _("Choose somebody to mail it to."))
        return data

    def _as_chosen(self, data: dict[str, Any]) -> ScheduledExport:
        """With the event that was chosen, which is one of the organizer's."""
        known = self.instance
        return ScheduledExport(table=known.table, organizer=known.organizer, event=data.get("event"))
