"""Admin actions on events: publish, take off the site, duplicate."""

from django import forms
from django.db.models import Max
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.roles import Ability
from ticketsuma.admin.actions import ActionForm, Done, StaffAction
from ticketsuma.bidi import isolate
from ticketsuma.zoned_fields import ZonedDateTimeField, tell_zone

from .duplicates import duplicate, starts_from
from .models import Event
from .publishing import checklist, publish, withdraw

MOST_COPIES = 52


class _EventAction(StaffAction):
    asks_again = False
    needs = (Ability.MANAGE_EVENTS,)

    def seen(self, event: Event) -> object:
        return event.version


class Publish(_EventAction):
    name = "publish"
    label = gettext_lazy("Publish")

    def is_possible(self, event: Event) -> bool:
        return not event.is_active and not event.is_canceled

    def preview(self, event: Event) -> list[str]:
        points = [f"{'✓' if one.is_good else '✗'} {one.says}" for one in checklist(event)]
        return [
            isolate(event.title),
            _("Everybody will see it, and its tickets are on sale."),
            *points,
        ]

    def run(self, event: Event, data: dict) -> str:
        publish(event)
        return _("It is published.")


class Withdraw(_EventAction):
    name = "withdraw"
    label = gettext_lazy("Make it a draft again")

    def is_possible(self, event: Event) -> bool:
        return event.is_active and not event.is_canceled

    def preview(self, event: Event) -> list[str]:
        return [
            isolate(event.title),
            _("Nobody new finds it or buys. Tickets that were sold stay good, and nobody is told."),
            _("Seats taken so far: %(count)s.") % {"count": event.seats_taken},
        ]

    def run(self, event: Event, data: dict) -> str:
        withdraw(event)
        return _("It is a draft again.")


class DuplicateForm(ActionForm):
    title = forms.CharField(
        label=gettext_lazy("Title"), max_length=160, widget=forms.TextInput(attrs={"dir": "auto"})
    )
    start_time = ZonedDateTimeField(label=gettext_lazy("Start"))
    count = forms.IntegerField(
        label=gettext_lazy("How many"), min_value=1, max_value=MOST_COPIES, initial=1,
        help_text=gettext_lazy("More than one makes a series: each has seats of its own."),
    )  # fmt: skip
    every = forms.TypedChoiceField(
        label=gettext_lazy("Repeated"), coerce=int, initial=7,
        choices=[
            (1, gettext_lazy("every day")), (7, gettext_lazy("every week")),
            (14, gettext_lazy("every two weeks")), (28, gettext_lazy("every four weeks")),
        ],
    )  # fmt: skip
    with_codes = forms.BooleanField(label=gettext_lazy("Its promo codes as well"), required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        tell_zone(self.fields.values(), self.row.timezone)
        _now, again = starts_from(self.row, self.row.start_time, 2, 7)
        self.initial |= {"title": self.row.title, "start_time": again} | {
            name: value for name, value in self.initial.items() if value
        }


class Duplicate(_EventAction):
    name = "duplicate"
    label = gettext_lazy("Duplicate")
    form = DuplicateForm

    def seen(self, event: Event) -> object:
        """The same form sent twice makes one: the second sees that there is a newer event."""
        newest = Event.objects.filter(organizer=event.organizer_id).aggregate(newest=Max("pk"))["newest"]
        return f"{event.version} {newest}"

    def preview(self, event: Event) -> list[str]:
        return [
            isolate(event.title),
            _("Makes drafts with the same texts, picture, ticket types and questions."),
            _("Orders, seats taken and the stream's address stay here."),
        ]

    def run(self, event: Event, data: dict) -> Done:
        starts = starts_from(event, data["start_time"], data["count"], data["every"])
        made = duplicate(event, starts, title=data["title"], with_codes=data["with_codes"])
        says = ngettext("%(count)s draft is made.", "%(count)s drafts are made.", len(made))
        one = reverse("admin:events_event_change", args=[made[0].pk])
        many = reverse("admin:events_event_changelist") + "?state=draft"
        return Done(says % {"count": len(made)}, one if len(made) == 1 else many)


PUBLISHING_ACTIONS = [Publish(), Withdraw(), Duplicate()]
