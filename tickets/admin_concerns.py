"""The form of an event, which says before it saves whom a change concerns."""

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Count, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from events.forms import EventForm
from ticketsuma.admin.stale_forms import with_answer

from .admin_preview import PREVIEW
from .announcement_models import TOLD
from .models import Order


class ConcernsForm(EventForm):
    """Asks once more where ticket holders will be mailed: the same form sent again is the answer."""

    concerns = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean(self):
        data = super().clean()
        if self.errors or PREVIEW in self.data or self.instance.pk is None:
            return data
        changed = [name for name in TOLD if name in data and data[name] != self._was(name)]
        if not changed or self.instance.is_canceled or data["end_time"] <= timezone.now():
            return data
        mark = " ".join(f"{name}={data[name]}" for name in changed)
        if self.data.get("concerns") != mark and (says := self._who(changed)):
            self.data = with_answer(self.data, "concerns", mark)
            raise ValidationError(says, code="concerns")
        return data

    def _was(self, name: str):
        """As the form can say it: its times have no parts of a second."""
        was = getattr(self.instance, name)
        return was.replace(microsecond=0) if name.endswith("_time") else was

    def _who(self, changed: list[str]) -> str:
        """Whom it concerns, and what they may do; empty when nobody has bought."""
        paid = Order.objects.filter(event=self.instance.pk, status=Order.Status.PAID)
        found = paid.aggregate(orders=Count("pk"), seats=Sum("quantity"))
        if not found["orders"]:
            return ""
        labels = ", ".join(str(self.fields[name].label).lower() for name in changed)
        facts = {"what": labels, "orders": found["orders"], "seats": found["seats"]}
        says = _(
            "Nothing is saved yet. You change: %(what)s. That concerns %(seats)s seats of %(orders)s orders, "
            "whose holders will be told by mail."
        )
        money = _("They may have their money back until it starts.")
        moves = {"start_time", "end_time"} & {*changed}
        press = _("Save once more to do it.")
        if moves and self.cleaned_data.get("refunds_when_moved", self.instance.refunds_when_moved):
            return f"{says % facts} {money} {press}"
        return f"{says % facts} {press}"
