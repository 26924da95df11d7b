"""Admin action on events that makes many promo codes at once."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.roles import Ability
from ticketsuma.admin.actions import ActionForm, Done, StaffAction
from ticketsuma.amount_fields import AmountField, tell_currency
from ticketsuma.bidi import isolate
from ticketsuma.codes import new_code
from ticketsuma.templatetags.display import number
from ticketsuma.zoned_fields import ZonedDateTimeField, tell_zone

from .bulk_codes import LONGEST_PREFIX, MOST, RANDOM, make_codes
from .catalogue_models import PromoCode, TicketType
from .models import Event

MAX_USES = 2**31 - 1


class CodesForm(ActionForm):
    count = forms.IntegerField(label=gettext_lazy("How many codes"), min_value=1, max_value=MOST)
    begins_with = forms.CharField(
        label=gettext_lazy("Begin with"), required=False, max_length=LONGEST_PREFIX,
        validators=[RegexValidator(r"^[^\W_]+(-[^\W_]+)*\Z", gettext_lazy("Letters, digits and dashes."))],
        help_text=gettext_lazy("A word of yours; ten letters and digits that nobody guesses follow it."),
    )  # fmt: skip
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=PromoCode.Kind.choices)
    value = AmountField(
        label=gettext_lazy("Value"), initial=0, help_text=gettext_lazy("Percent, or money of each seat.")
    )
    max_uses = forms.IntegerField(
        label=gettext_lazy("Uses of each"), required=False, min_value=1, max_value=MAX_USES, initial=1,
        help_text=gettext_lazy("Orders; empty: any number."),
    )  # fmt: skip
    max_per_person = forms.IntegerField(
        label=gettext_lazy("Uses of each per person"),
        required=False,
        min_value=1,
        max_value=32767,
        help_text=gettext_lazy("Orders of one person; empty: any number."),
    )
    starts_at = ZonedDateTimeField(
        label=gettext_lazy("Good from"), required=False, help_text=gettext_lazy("Empty: at once.")
    )
    ends_at = ZonedDateTimeField(
        label=gettext_lazy("Good until"),
        required=False,
        help_text=gettext_lazy("Empty: as long as seats are sold."),
    )
    types = forms.ModelMultipleChoiceField(
        TicketType.objects.none(), label=gettext_lazy("For these types"), required=False,
        help_text=gettext_lazy("None chosen: for all that are not hidden."),
    )  # fmt: skip

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["types"].queryset = self.row.ticket_types.all()
        tell_zone(self.fields.values(), self.row.timezone)
        if self.data.get(self.add_prefix("kind")) in PromoCode.OF_MONEY:
            tell_currency(self.fields.values(), self.row.currency)

    def clean(self) -> dict[str, Any]:
        """As the form of one code: the rules are the database's."""
        data = super().clean() or self.cleaned_data
        rules = ("kind", "value", "max_uses", "max_per_person", "starts_at", "ends_at")
        if all(name in data for name in rules):
            said = {name: data[name] for name in rules}
            data["rules"] = PromoCode(event_id=self.row.pk, text=new_code(RANDOM), **said)
            try:
                data["rules"].full_clean(exclude={"text", "key"}, validate_unique=False)
            except ValidationError as refusal:
                self.add_error(None, refusal)
        return data


class MakeCodes(StaffAction):
    needs = (Ability.MANAGE_EVENTS,)
    asks_again = False
    name = "codes"
    label = gettext_lazy("Make many promo codes")
    form = CodesForm

    def preview(self, event: Event) -> list[str]:
        return [
            isolate(event.title),
            _("Up to %(most)s codes under the same rules; their list has a button for a CSV file.")
            % {"most": number(MOST)},
        ]

    def seen(self, event: Event) -> object:
        """Its currency, too: 500 sats off must not become 500 dollars off."""
        return f"{event.canceled_at} {event.currency}"

    def run(self, event: Event, data: dict) -> Done:
        codes = make_codes(data["rules"], data["count"], prefix=data["begins_with"], types=data["types"])
        url = f"{reverse('admin:events_promocode_changelist')}?event={event.pk}"
        url += f"&q={data['begins_with']}-" if data["begins_with"] else ""
        return Done(_("%(count)s codes are made.") % {"count": number(len(codes))}, url)
