"""Forms of ticket holders."""

from collections.abc import Sequence

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.forms import PersonEmailField, PersonNameField
from tickets.models import Ticket
from tickets.services.holders import Holder

from .orders import DescribedForm


class HolderForm(DescribedForm):
    holder_name = PersonNameField(label=_("Name on the ticket"), required=False)
    holder_email = PersonEmailField(
        label=_("E-mail of its holder"), required=False,
        help_text=_("The ticket goes there as well, with its PDF and an entry for the calendar."),
    )  # fmt: skip

    def __init__(self, data=None, *, ticket: Ticket, **kwargs):
        self.ticket = ticket
        initial = {"holder_name": ticket.holder_name, "holder_email": ticket.holder_email}
        super().__init__(data, initial=initial, **kwargs)

    @property
    def holder(self) -> Holder:
        return Holder(self.ticket, self.cleaned_data["holder_name"], self.cleaned_data["holder_email"])


class HoldersForm(DescribedForm):
    """A name and an address for each ticket of an order that may still change hands."""

    def __init__(self, data=None, *, tickets: Sequence[Ticket], **kwargs):
        super().__init__(data, **kwargs)
        self.tickets = tickets
        for ticket in tickets:
            for part, kind in (("name", PersonNameField), ("email", PersonEmailField)):
                self.fields[f"{part}_{ticket.number}"] = kind(
                    label=_("Name") if part == "name" else _("E-mail"), required=False,
                    initial=getattr(ticket, f"holder_{part}"),
                )  # fmt: skip
        for field in self.fields.values():
            field.widget.attrs.setdefault("class", "input")

    @property
    def rows(self) -> list[tuple[Ticket, forms.BoundField, forms.BoundField]]:
        return [(each, self[f"name_{each.number}"], self[f"email_{each.number}"]) for each in self.tickets]

    @property
    def holders(self) -> list[Holder]:
        said = self.cleaned_data
        return [
            Holder(each, said[f"name_{each.number}"], said[f"email_{each.number}"]) for each in self.tickets
        ]
