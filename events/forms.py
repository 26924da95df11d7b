"""Forms with which staff write events."""

from datetime import UTC, datetime

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from ticketsuma.admin.stale_forms import UnstaleForm, with_answer
from ticketsuma.amount_fields import AmountField, tell_currency
from ticketsuma.money import SAT, currency_choices, is_currency
from ticketsuma.zoned_fields import ZonedDateTimeField, other_moment, zone_choices, zone_or_utc

from .covers import keep_cover, kept_cover, redraw_cover
from .models import Event, Organizer

MOMENTS = ("start_time", "end_time", "sales_end", "replay_until")


class EventForm(UnstaleForm):
    """Its moments are typed by the clocks of the time zone chosen beside them.

    A picture that was chosen with a form that is wrong elsewhere is kept, and its name in `kept_cover`.
    """

    kept_cover = forms.CharField(required=False, widget=forms.HiddenInput)

    currency = forms.ChoiceField(
        label=_("Currency"), choices=currency_choices, initial=SAT, required=False,
        help_text=_("Of all its prices. It stays once seats were ordered."),
    )  # fmt: skip
    price_sats = AmountField(
        label=_("Price"),
        help_text=_("One seat; 0 is free. Of several types: the lowest price that is shown."),
    )
    timezone = forms.ChoiceField(
        label=_("Time zone"), choices=zone_choices, initial="UTC", help_text=_("Where it takes place.")
    )
    start_time = ZonedDateTimeField(label=_("Start"))
    end_time = ZonedDateTimeField(label=_("End"))
    sales_end = ZonedDateTimeField(
        label=capfirst(_("end of the sale")), required=False, help_text=_("Empty: until the event ends.")
    )
    replay_until = ZonedDateTimeField(
        label=capfirst(_("replay until")), required=False,
        help_text=_("Holders may watch it again until then, at the same address. Empty: no replay."),
    )  # fmt: skip

    class Meta:
        model = Event
        exclude: list[str] = []

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.is_bound:
            self._set_zone(self.data.get(self.add_prefix("timezone")))
            self._set_currency(self.data.get(self.add_prefix("currency")) or self.instance.currency)

    def _set_currency(self, currency: str) -> None:
        if is_currency(currency):
            tell_currency(self.fields.values(), currency, is_shown=not self.is_bound)

    def arrange(self) -> None:
        """A moment is two inputs under one label: each says which it is to those who do not see it."""
        self._set_zone(self.instance.timezone)
        tell_currency(self.fields.values(), self.instance.currency)
        self.initial["price_sats"] = self.instance.lowest_price if self.instance.pk else None
        self.instance.former_currency = self.instance.currency
        for name in {"title", "summary", "description", "organizer_name"} & {*self.fields}:
            self.fields[name].widget.attrs["dir"] = "auto"
        for field in self._moments():
            for part, word in zip(field.widget.widgets, (_("Date"), _("Time")), strict=True):
                part.attrs["aria-label"] = f"{field.label}: {word}"

    def _moments(self) -> list[forms.Field]:
        """None on the page of who may look and not write."""
        return [self.fields[name] for name in MOMENTS if name in self.fields]

    def _set_zone(self, name: str | None) -> None:
        for field in self._moments():
            field.widget.zone = zone_or_utc(name)

    def clean_currency(self) -> str:
        """A page of before does not say it."""
        return self.cleaned_data["currency"] or self.instance.currency

    def clean_capacity(self) -> int:
        """The database refuses to oversell; here it is said at the field."""
        capacity = self.cleaned_data["capacity"]
        if capacity < self.instance.seats_taken:
            taken = self.instance.seats_taken
            raise ValidationError(_("%(taken)s seats are taken already.") % {"taken": taken})
        return capacity

    def clean_cover(self):
        """A new picture is drawn anew; an untouched one stays, and so does one chosen a moment ago."""
        upload = self.cleaned_data["cover"]
        if "cover" in self.changed_data:
            return redraw_cover(upload) if upload else upload
        return kept_cover(self.data.get("kept_cover", "")) or upload

    def full_clean(self) -> None:
        super().full_clean()
        chosen = getattr(self, "cleaned_data", {}).get("cover")
        if self.is_bound and self.errors and isinstance(chosen, ContentFile):
            self.data = with_answer(self.data, "kept_cover", keep_cover(chosen))
            self["cover"].help_text = _("The picture you chose is kept: it need not be chosen again.")

    def clean(self):
        """Of an hour that comes twice it is the time it was; else the first that lies after the start."""
        data = super().clean() or self.cleaned_data
        if "price_sats" in data:
            is_sats = data.get("currency", self.instance.currency) == SAT
            self.instance.price = None if is_sats else data["price_sats"]
        for name in MOMENTS:
            if moment := data.get(name):
                moment = self._which(name, moment, data.get("start_time"))
                data[name] = moment.astimezone(UTC)
        until, end = data.get("replay_until"), data.get("end_time")
        if until and end and until <= end:
            self.add_error("replay_until", _("The replay ends after the event does."))
        return data

    def _which(self, name: str, moment: datetime, start: datetime | None) -> datetime:
        later = other_moment(moment)
        was = getattr(self.instance, name)
        if was and was.replace(microsecond=0) == later.astimezone(UTC):
            return later
        is_too_soon = start and moment.astimezone(UTC) <= start
        return later if name == "end_time" and is_too_soon else moment


class OrganizerForm(UnstaleForm):
    class Meta:
        model = Organizer
        exclude: list[str] = []

    def arrange(self) -> None:
        for name in {"name", "description", "legal_name", "legal_address"} & {*self.fields}:
            self.fields[name].widget.attrs["dir"] = "auto"

    def clean_logo(self):
        upload = self.cleaned_data["logo"]
        return redraw_cover(upload) if upload and "logo" in self.changed_data else upload
