"""Ticket types in the admin, as inlines of their event; what is sold of each."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.forms.formsets import DELETION_FIELD_NAME
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from accounts.roles import Ability
from ticketsuma.admin.base import ByRole, ReadOnlyAdmin, amount_column
from ticketsuma.admin.stale_forms import UnstaleForm
from ticketsuma.amount_fields import AmountField, PercentField, tell_currency
from ticketsuma.money import SAT
from ticketsuma.templatetags.display import number
from ticketsuma.zoned_fields import ZonedDateTimeField, tell_zone

from .catalogue_models import MAX_TYPES, TicketType


class ZonedForm(UnstaleForm):
    """Its moments are typed by the clocks of the event, its amounts in the event's currency."""

    def __init__(self, *args, zone: str = "UTC", **kwargs):
        self.zone = zone
        super().__init__(*args, **kwargs)

    def arrange(self) -> None:
        tell_zone(self.fields.values(), self.zone)


class TicketTypeForm(ZonedForm):
    price = AmountField(
        label=capfirst(_("price")), help_text=_("One seat; of “pay what you want” the least.")
    )
    suggested_price = AmountField(
        label=capfirst(_("suggested price")), required=False, help_text=_("For “pay what you want”.")
    )
    tax_basis_points = PercentField(
        label=capfirst(_("tax rate in %")), required=False,
        help_text=_("Of the tax that the price includes, such as 19 or 7.5: receipts tell it. Empty: none."),
    )  # fmt: skip
    sales_start = ZonedDateTimeField(
        label=capfirst(_("start of the sale")), required=False, help_text=_("Empty: at once.")
    )
    sales_end = ZonedDateTimeField(
        label=capfirst(_("end of the sale")), required=False, help_text=_("Empty: as the event's.")
    )

    class Meta:
        model = TicketType
        exclude: list[str] = []

    def __init__(
        self, *args, currency: str = SAT, former_currency: str = SAT, is_converted: bool = False, **kwargs
    ):
        self.former_currency, self.is_converted = former_currency, is_converted
        super().__init__(*args, **kwargs)
        tell_currency(self.fields.values(), currency, is_shown=False)

    def arrange(self) -> None:
        super().arrange()
        tell_currency(self.fields.values(), self.former_currency)

    def has_changed(self) -> bool:
        """What is typed is in the currency that is chosen on the same page."""
        return super().has_changed() or self.is_converted

    def clean_capacity(self) -> int | None:
        """The database refuses to oversell; here it is said at the field, with what to do instead."""
        capacity, taken = self.cleaned_data["capacity"], self.instance.seats_taken
        if capacity is not None and capacity < taken:
            says = _("%(taken)s are taken already. To sell no more of them, take away the tick at “Active”.")
            raise ValidationError(says, params={"taken": taken})
        return capacity

    def refuse_deletion(self) -> None:
        """What was sold stays, and so does the first type: say what to do instead."""
        row: TicketType = self.instance
        if is_deleted(self) and row.pk and (row.pk == row.event.default_type_id or row.lines.exists()):
            says = _(
                "“%(name)s” cannot be deleted: seats of it were ordered, or it is the event's first type."
                " Take away the tick at “Active” instead, and nobody can buy it any more."
            )
            raise ValidationError(says, params={"name": row})


def is_deleted(form: forms.BaseForm) -> bool:
    return bool(getattr(form, "cleaned_data", {}).get(DELETION_FIELD_NAME))


class TicketTypeFormSet(forms.BaseInlineFormSet):
    def get_form_kwargs(self, index) -> dict[str, Any]:
        event = self.instance
        former = event.former_currency or event.currency
        return super().get_form_kwargs(index) | {
            "zone": event.timezone, "currency": event.currency, "former_currency": former,
            "is_converted": former != event.currency and self.initial_form_count() > 1,
        }  # fmt: skip

    def clean(self) -> None:
        super().clean()
        kept = [form for form in self.forms if not is_deleted(form)]
        names = [form.cleaned_data.get("name") for form in kept if getattr(form, "cleaned_data", None)]
        if len(names) > 1 and not all(names):
            raise ValidationError(_now("With several ticket types each needs a name: buyers choose by it."))
        if len(names) > MAX_TYPES:
            raise ValidationError(_now("An event has at most %(most)s ticket types.") % {"most": MAX_TYPES})


class TicketTypeInline(ByRole, admin.StackedInline):
    """What the event sells; an event with one type is shown as if there were none."""

    sees = (Ability.SEE_GUESTS, Ability.SEE_MONEY)
    changes = (Ability.MANAGE_EVENTS,)
    model = TicketType
    form = TicketTypeForm
    formset = TicketTypeFormSet
    fk_name = "event"
    extra = 0
    classes = ["types"]
    readonly_fields = ["sold"]
    fields = [
        ("name", "position", "is_active", "is_hidden"), "description",
        ("pricing", "price", "suggested_price"), "tax_basis_points", ("capacity", "sold"),
        ("sales_start", "sales_end"),
        ("min_per_order", "max_per_order", "admits"), "seen",
    ]  # fmt: skip

    def get_formset(self, request, obj=None, **kwargs):
        """Django asks each form whether its row may go; its own words name only what is in the way."""
        formset = super().get_formset(request, obj, **kwargs)
        formset.form.hand_clean_DELETE = TicketTypeForm.refuse_deletion
        return formset

    def get_fields(self, request, obj=None):
        return [name for name in self.fields if name != "seen" or self.has_change_permission(request, obj)]

    @admin.display(description=_("seats taken"))
    def sold(self, ticket_type: TicketType) -> str:
        """The number, and the way to those tickets."""
        if not ticket_type.seats_taken:
            return "0"
        url = f"{reverse('admin:tickets_ticket_changelist')}?type={ticket_type.pk}"
        return format_html('<a href="{}">{}</a>', url, number(ticket_type.seats_taken))


@admin.register(TicketType)
class TicketTypeAdmin(ReadOnlyAdmin):
    """Every type of every event, to be found; they are written on their event's page."""

    sees = (Ability.SEE_GUESTS, Ability.SEE_MONEY)
    event_path = "event"
    list_display = [
        "shown_name", "event", amount_column("price", _("price"), "event.currency"), "seats_taken",
        "capacity", "is_active",
    ]  # fmt: skip
    list_select_related = ["event"]
    search_fields = ["name", "event__search_key__folded"]
    ordering = ["-pk"]
