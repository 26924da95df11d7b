"""Serializers of events. The stream's address is write-only."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.roles import Ability, may, visible
from ticketsuma.api.fields import (
    AwareDateTimeField,
    QueryIntegerField,
    SingleLineField,
    StrictBooleanField,
    StrictCharField,
    StrictEmailField,
    StrictIntegerField,
    StrictMixin,
)
from ticketsuma.api.viewsets import filled
from ticketsuma.errors import DomainError
from ticketsuma.money import MAX_SATS, SAT, validate_currency
from ticketsuma.zoned_fields import time_zones

from .catalogue_models import lock_catalogue
from .catalogue_serializers import TicketTypeSerializer
from .models import Event, EventChanged, Organizer
from .question_models import asked_now
from .question_serializers import QuestionSerializer
from .streams import StreamAddressValidator

MAX_CAPACITY = 1_000_000
YES_NO = [("true", "yes"), ("false", "no")]
ORDERINGS = ["start_time", "-start_time", "price_sats", "-price_sats", "title", "-title"]


class SeveralPrices(DomainError):
    code = "several_prices"
    message = _("This event has several ticket types, and each has its own price: change it there.")


class EventSerializer(serializers.ModelSerializer):
    """What anybody may know about an event."""

    event_id = serializers.IntegerField(source="pk", read_only=True)
    url = serializers.SerializerMethodField(help_text="The event's page.")
    cover = serializers.SerializerMethodField(help_text="Address of its picture, or null.")
    organizer = serializers.CharField(
        source="shown_organizer", read_only=True, help_text="Its name, as shown; may be empty."
    )
    organizer_id = serializers.IntegerField(
        read_only=True, allow_null=True, help_text="Whose event it is; null: the shop's own."
    )
    contact_email = serializers.CharField(read_only=True, help_text="May be empty.")
    seats_left = serializers.IntegerField(read_only=True)
    status = serializers.SerializerMethodField()
    replay_until = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="Until then holders may watch it again; null: no replay."
    )
    price_sats = serializers.IntegerField(
        read_only=True,
        help_text="One seat, in satoshis; 0 is free. Of several types, the lowest. Of prices in another "
        "currency about what it comes to; what it is, is agreed when seats are held.",
    )
    price = serializers.IntegerField(
        source="lowest_price", read_only=True, help_text="The same in the minor unit of `currency`."
    )
    currency = serializers.CharField(read_only=True, help_text="`SAT`, or a code of ISO 4217.")
    ticket_types = TicketTypeSerializer(many=True, source="listed_types", read_only=True)
    questions = serializers.SerializerMethodField(help_text="What is asked now.")
    refund_hours = serializers.IntegerField(
        read_only=True, allow_null=True,
        help_text="Until so many hours before the start tickets may be given back for money; null: never.",
    )  # fmt: skip

    class Meta:
        model = Event
        fields = [
            "id", "event_id", "title", "slug", "summary", "description", "organizer", "organizer_id",
            "contact_email", "start_time", "end_time", "timezone", "sales_end", "capacity", "seats_left",
            "max_per_order", "price_sats", "price", "currency", "ticket_types", "questions", "status",
            "is_active", "url", "cover", "replay_until", "canceled_at", "refunds_when_moved", "refund_hours",
            "version", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(QuestionSerializer(many=True))
    def get_questions(self, event: Event) -> Any:
        return [filled(QuestionSerializer)(question) for question in asked_now(event)]

    def get_url(self, event: Event) -> str:
        return settings.SITE_URL + event.get_absolute_url()

    def get_cover(self, event: Event) -> str | None:
        return settings.SITE_URL + event.cover.url if event.cover else None

    def get_status(self, event: Event) -> str:
        """One of on_sale, sold_out, sales_closed, past, canceled."""
        if event.is_canceled:
            return "canceled"
        if event.is_past:
            return "past"
        if not event.sells:
            return "sales_closed"
        return "sold_out" if event.is_sold_out else "on_sale"


class EventWriteSerializer(StrictMixin, serializers.ModelSerializer):
    """What staff may say about an event. Seats taken are nobody's to set."""

    title = SingleLineField(max_length=160)
    summary = SingleLineField(max_length=300, required=False, allow_blank=True)
    description = StrictCharField(max_length=20_000, required=False, allow_blank=True, help_text="Markdown.")
    organizer = SingleLineField(
        source="organizer_name", max_length=120, required=False, allow_blank=True,
        help_text="The name shown with it; empty: its organizer's own.",
    )  # fmt: skip
    organizer_id = StrictIntegerField(
        min_value=1, max_value=2**63 - 1, required=False, allow_null=True,
        help_text="Whose event it is; needed by who works for several. An event stays with its organizer.",
    )  # fmt: skip
    contact_email = StrictEmailField(required=False, allow_blank=True)
    start_time = AwareDateTimeField()
    end_time = AwareDateTimeField(help_text="After the start.")
    timezone = SingleLineField(
        max_length=64, required=False, help_text="Where it takes place, as Europe/Berlin."
    )
    sales_end = AwareDateTimeField(required=False, allow_null=True, help_text="null: until the event ends.")
    capacity = StrictIntegerField(min_value=1, max_value=MAX_CAPACITY, help_text="Seats.")
    max_per_order = StrictIntegerField(min_value=1, max_value=50, required=False)
    price_sats = StrictIntegerField(
        min_value=0, max_value=MAX_SATS, required=False,
        help_text="One seat, in satoshis; 0 is free. Only where `currency` is `SAT`.",
    )  # fmt: skip
    currency = SingleLineField(
        max_length=3, required=False, validators=[validate_currency],
        help_text="`SAT`, or a code of ISO 4217. With another one comes a price. It stays with its orders.",
    )  # fmt: skip
    price = StrictIntegerField(
        min_value=0, max_value=MAX_SATS, required=False,
        help_text="One seat, in the minor unit of `currency`; 0 is free.",
    )  # fmt: skip
    stream_url = SingleLineField(
        max_length=500, required=False, allow_blank=True, write_only=True,
        validators=[StreamAddressValidator()], help_text="https only; shown to admitted holders only.",
    )  # fmt: skip
    replay_until = AwareDateTimeField(
        required=False, allow_null=True,
        help_text="Holders may watch it again until then, at the same address. null: no replay.",
    )  # fmt: skip
    is_active = StrictBooleanField(required=False, help_text="Visible and on sale.")
    refunds_when_moved = StrictBooleanField(
        required=False,
        help_text="Once start or end changed, holders may have their money back until it starts.",
    )
    refund_hours = StrictIntegerField(
        min_value=0, max_value=8760, required=False, allow_null=True,
        help_text="Until so many hours before the start tickets may be given back for money; null: never. "
        "Orders keep what they were bought under.",
    )  # fmt: skip
    version = StrictIntegerField(
        min_value=0, max_value=2**31 - 1, required=False, write_only=True,
        help_text="As you read it: where it has changed since, nothing is written (409 `event_changed`).",
    )  # fmt: skip

    class Meta:
        model = Event
        fields = [
            "title", "summary", "description", "organizer", "organizer_id", "contact_email", "start_time",
            "end_time", "timezone", "sales_end", "capacity", "max_per_order", "price_sats", "currency",
            "price", "stream_url", "replay_until", "is_active", "refunds_when_moved", "refund_hours",
            "version",
        ]  # fmt: skip

    def validate_timezone(self, name: str) -> str:
        if name not in time_zones():
            raise serializers.ValidationError(_("That is not a time zone."))
        return name

    def validate_stream_url(self, url: str) -> str:
        if "@" in url:
            raise serializers.ValidationError(_("No user names in addresses."))
        return url

    def validate(self, data: dict) -> dict:
        times: Iterator[Any] = (
            data.get(name, getattr(self.instance, name, None))
            for name in ("start_time", "end_time", "replay_until")
        )
        start, end, replay_until = times
        if end <= start:
            raise serializers.ValidationError({"end_time": _("The event must end after it starts.")})
        if self.instance is None and end <= timezone.now():
            raise serializers.ValidationError({"end_time": _("The event would be over already.")})
        if replay_until and replay_until <= end:
            raise serializers.ValidationError({"replay_until": _("The replay ends after the event does.")})
        if self.instance and data.get("capacity", self.instance.capacity) < self.instance.seats_taken:
            raise serializers.ValidationError({"capacity": _("More seats than that are taken.")})
        return self._with_organizer(self._with_price(data))

    def _with_price(self, data: dict) -> dict:
        """One price, in the column of its currency; a new event and a new currency have one."""
        currency = data.get("currency", self.instance.currency if self.instance else SAT)
        said = [name for name in ("price_sats", "price") if name in data]
        if len(said) == 2:
            raise serializers.ValidationError({"price_sats": _("Say one of `price` and `price_sats`.")})
        if said == ["price_sats"] and currency != SAT:
            says = _("This event is priced in %(currency)s: say its `price`.")
            raise serializers.ValidationError({"price_sats": says % {"currency": currency}})
        if not said:
            if not self.partial or (self.instance and currency != self.instance.currency):
                name = "price_sats" if currency == SAT else "price"
                raise serializers.ValidationError({name: _("This field is required.")}, code="required")
            return data
        if currency == SAT:
            data["price_sats"], data["price"] = data[said[0]], None
        return data

    def _with_organizer(self, data: dict) -> dict:
        """A foreign organizer and one that is not there are refused alike."""
        user = self.context["request"].user
        theirs = visible(user, Organizer.objects.filter(closed_at=None), Ability.MANAGE_EVENTS)
        given = data.pop("organizer_id", None if may(user, Ability.OPERATE) else ...)
        if self.instance is not None:
            if given not in (None, ..., self.instance.organizer_id):
                raise serializers.ValidationError({"organizer_id": _("An event stays with its organizer.")})
            return data
        if given is ...:
            given = theirs[0].pk if len(theirs[:2]) == 1 else None
        if given is None and may(user, Ability.OPERATE):
            return data  # the shop's own
        organizer = theirs.filter(pk=given).first()
        if organizer is None:
            raise serializers.ValidationError({"organizer_id": _("Say whose event it is.")})
        return {"refunds_when_moved": organizer.refunds_when_moved} | data | {"organizer": organizer}

    def create(self, data: dict) -> Event:
        data.pop("version", None)
        return super().create(data)

    def update(self, event: Event, data: dict) -> Event:
        """Write what was sent and nothing else: a stale copy must not undo what others did meanwhile.

        Under the row's lock, so in a transaction. Raises EventChanged when the sender's `version` is older,
        SeveralPrices when it is not for the event to say.
        """
        lock_catalogue(event.pk)
        now = Event.objects.values_list("version", flat=True).get(pk=event.pk)
        if data.pop("version", now) != now:
            raise EventChanged
        wanted = data.get("price_sats") if data.get("price") is None else data["price"]
        is_priced_anew = wanted not in (None, event.lowest_price)
        is_priced_anew |= data.get("currency", event.currency) != event.currency
        if is_priced_anew and event.ticket_types.count() > 1:
            raise SeveralPrices
        for name, value in data.items():
            setattr(event, name, value)
        event.save(update_fields=[*data, "updated_at"])
        return event


class EventQuerySerializer(serializers.Serializer):
    """How a list of events may be narrowed and sorted."""

    upcoming = serializers.ChoiceField(YES_NO, required=False, help_text="true: not over yet; false: over.")
    free = serializers.ChoiceField(YES_NO, required=False)
    q = serializers.CharField(
        max_length=100, required=False, help_text="Words of it; accents and case are one."
    )
    price_min = QueryIntegerField(required=False, max_value=MAX_SATS, help_text="Least sats for one seat.")
    price_max = QueryIntegerField(required=False, max_value=MAX_SATS, help_text="Most sats for one seat.")
    starts_after = AwareDateTimeField(required=False, help_text="Starts at or after this moment.")
    starts_before = AwareDateTimeField(required=False, help_text="Starts before this moment.")
    ordering = serializers.ChoiceField(ORDERINGS, required=False, help_text="- turns the order around.")
