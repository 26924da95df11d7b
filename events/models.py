"""Events: what is on sale, and how many seats are left."""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from ticketsuma.addresses import InvisibleSign, normalize_address
from ticketsuma.codes import new_code
from ticketsuma.constraint_messages import Check
from ticketsuma.errors import DomainError
from ticketsuma.kept_queries import Condition, KeptUpdate, Slot
from ticketsuma.money import MAX_SATS, SAT
from ticketsuma.search_keys import FoldedField, Searched
from ticketsuma.spans import SpanIndex
from ticketsuma.zoned_fields import time_zones

from .catalogue_models import (
    PromoCode,  # noqa: F401, Django finds it here
    SalesClosed,
    SoldOut,
    TicketType,
    add_default_type,
    set_only_price,
)
from .organizer_models import Invitation, Membership, Organizer  # noqa: F401, Django finds them here
from .priced import PRICES, Priced
from .querysets import EventQuerySet
from .question_models import Question  # noqa: F401, Django finds it here
from .schedule import Schedule
from .streams import StreamAddressValidator


class EventChanged(DomainError):
    code = "event_changed"
    message = _("It was changed meanwhile, or seats were sold. Please look again.")


def validate_timezone(name: str) -> None:
    if name not in time_zones():
        raise ValidationError(_("%(name)s is not a time zone."), params={"name": name})


def new_ical_uid() -> str:
    """A name for an event in everybody's calendar that no other installation makes (RFC 7986 5.3)."""
    return f"{uuid.uuid4()}@{settings.SITE_HOST.partition(':')[0]}"


class Event(Schedule, Priced, Searched):
    """Something live that people buy seats for. Times are UTC; `timezone` is where it takes place."""

    organizer_path = "organizer"
    hidden_in_history, told_in_history = {"stream_url"}, {"price"}

    title = models.CharField(
        _("title"), max_length=160, help_text=_("As it stands on the ticket: who or what, and no date.")
    )
    slug = models.SlugField(
        _("slug"), max_length=180, unique=True, blank=True,
        help_text=_("The end of its address; empty: made of the title. A former one keeps leading here."),
    )  # fmt: skip
    summary = models.CharField(
        _("summary"), max_length=300, blank=True, help_text=_("One sentence, for lists and shared links.")
    )
    description = models.TextField(_("description"), blank=True,
        help_text=_("Markdown: **bold**, *italic*, # heading, - list, [link](https://…). "
                    "“Preview the public page” below shows it."),
    )  # fmt: skip
    organizer = models.ForeignKey(
        Organizer, models.PROTECT, null=True, blank=True, related_name="events", verbose_name=_("organizer"),
        help_text=_("Whose event it is; empty: the shop's own."),
    )  # fmt: skip
    organizer_name = models.CharField(
        _("organizer's name"), max_length=120, blank=True, db_column="organizer",
        help_text=_("As it is shown with this event; empty: the organizer's own."),
    )  # fmt: skip
    contact_email = models.EmailField(
        _("contact e-mail"), blank=True, help_text=_("Shown on its page, for questions of guests.")
    )
    start_time = models.DateTimeField(_("start"), db_index=True)
    end_time = models.DateTimeField(_("end"), db_index=True)
    timezone = models.CharField(_("time zone"), max_length=64, default="UTC", validators=[validate_timezone])
    sales_end = models.DateTimeField(
        _("end of the sale"), null=True, blank=True, help_text=_("Empty: until the event ends.")
    )
    capacity = models.PositiveIntegerField(
        _("seats"), validators=[MinValueValidator(1), MaxValueValidator(1_000_000)],
        help_text=_("Of all ticket types together; never less than are taken."),
    )  # fmt: skip
    seats_taken = models.PositiveIntegerField(_("seats taken"), default=0, editable=False)
    max_per_order = models.PositiveSmallIntegerField(
        _("maximum seats per order"),
        default=10,
        validators=[MinValueValidator(1), MaxValueValidator(50)],
        help_text=_("Of all types together."),
    )
    default_type = models.ForeignKey(
        TicketType, models.RESTRICT, null=True, blank=True, editable=False, related_name="+",
        verbose_name=_("default type"),
    )  # fmt: skip
    stream_url = models.CharField(_("stream URL"),
        max_length=500, blank=True, validators=[StreamAddressValidator()],
        help_text=_("Shown to holders of a paid ticket only."),
    )  # fmt: skip
    replay_until = models.DateTimeField(_("replay until"),
        null=True, blank=True,
        help_text=_("Holders may watch it again until then, at the same address. Empty: no replay."),
    )  # fmt: skip
    cover = models.ImageField(
        _("picture"), upload_to="covers/", blank=True,
        help_text=_("Wide, at best 1600 × 800; JPEG, PNG or WebP up to 10 MB. Empty: a drawn poster."),
    )  # fmt: skip
    is_active = models.BooleanField(_("visible"), default=True, help_text=_("Visible and on sale."))
    canceled_at = models.DateTimeField(_("canceled"), null=True, blank=True, editable=False)
    refunds_when_moved = models.BooleanField(
        _("money back when moved"), default=True, db_default=True,
        help_text=_("When start or end change, holders may have their money back until it starts."),
    )  # fmt: skip
    refund_hours = models.PositiveSmallIntegerField(
        _("money back until hours before"), null=True, blank=True, validators=[MaxValueValidator(8760)],
        help_text=_("Until so many hours before the start buyers may give tickets back for their money; "
                    "0: until it starts. Empty: never. An order keeps what it was bought under."),
    )  # fmt: skip
    version = models.PositiveIntegerField(
        _("version"), default=0, db_default=0, editable=False,
        help_text=_("Raised by every change; calendars know by it which entry is newer."),
    )  # fmt: skip
    ical_uid = models.CharField(
        _("iCalendar UID"), max_length=200, default=new_ical_uid, db_default="", editable=False
    )
    kept_questions = models.JSONField(_("questions"), null=True, editable=False)  # see `question_models`
    search_key = FoldedField("title", "summary", "organizer_name", "description")
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    former_currency = ""  # as its form showed it
    has_codes = False  # as `offers.read_for_page` finds
    types_in_hand: list[TicketType] | None = None  # by whoever has just read what a basket needs

    objects = EventQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("event"), _("events")
        ordering = ["start_time", "pk"]
        indexes = [
            models.Index(fields=["id"], name="events_event_key_due", condition=Q(search_key="")),
            models.Index(  # lists read it alone, and of the rows, which are wide, one page's
                fields=["end_time", "start_time", "id", "price_sats"],
                name="events_event_listed", condition=Q(is_active=True)),
            SpanIndex(fields=["start_time", "end_time"], name="events_event_span"),  # what is on now
            models.Index(fields=["canceled_at"], name="events_event_off", condition=~Q(canceled_at=None)),
            models.Index(fields=["updated_at"], name="events_event_changed"),
        ]  # fmt: skip
        constraints = [
            Check(
                condition=Q(end_time__gt=F("start_time")), name="events_event_ends_after_start",
                at="end_time", says=_("The event must end after it starts.")),
            Check(
                condition=Q(seats_taken__gte=0) & Q(seats_taken__lte=F("capacity")),
                name="events_event_not_oversold", at="capacity", says=_("More seats than that are taken.")),
            Check(
                condition=Q(price_sats__gte=0) & Q(price_sats__lte=MAX_SATS),
                name="events_event_price_in_range", at="price_sats",
                says=_("The price is 0 or more, and less than all the bitcoin there is.")),
            Check(
                condition=Q(currency=SAT, price=None)
                | ~Q(currency=SAT) & Q(price__gte=0, price__lte=MAX_SATS),
                name="events_event_price_in_its_currency", at="currency",
                says=_("A price in another currency than sats is in its minor units.")),
            Check(
                condition=Q(max_per_order__gte=1), name="events_event_max_per_order_positive",
                at="max_per_order", says=_("An order has at least one seat.")),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.title

    def save(self, *args, **kwargs):
        """Save everything but `seats_taken` and `kept_questions`: a stale copy must not undo a sale.

        `version` rises; of two at once it rises twice. A slug that is given up keeps leading here. A new
        event gets its first ticket type; the price of the only one follows, of several each has its own.
        Raises CurrencyFixed.
        """
        self.fit_price()
        if not self.slug:
            self.slug = f"{slugify(self.title)[:160] or 'event'}-{new_code(5).lower()}"
        if self._state.adding:
            with transaction.atomic():  # what receivers write with it is there when it is
                super().save(*args, **kwargs)
                add_default_type(self)
            return
        names = kwargs.get("update_fields") or [
            field.name for field in self._meta.concrete_fields if not field.primary_key
        ]
        kwargs["update_fields"] = {*names, "version", "updated_at"} - {"seats_taken", "kept_questions"}
        with transaction.atomic():
            if PRICES & kwargs["update_fields"]:
                kwargs["update_fields"] |= PRICES
                has_other_currency = self.check_currency()
                if has_other_currency:
                    self.ticket_types.update(suggested_price=None)  # it was in the other one
                set_only_price(Event.objects.filter(pk=self.pk), self.lowest_price)
                if self.ticket_types.count() > 1 and not has_other_currency:
                    kwargs["update_fields"] -= PRICES
            self._keep_former_slug()
            before, self.version = self.version, F("version") + 1
            try:
                super().save(*args, **kwargs)
            except BaseException:
                self.version = before
                raise
        self.refresh_from_db(fields=["version", *PRICES])

    def get_absolute_url(self) -> str:
        return f"/events/{self.slug}"

    @property
    def shown_organizer(self) -> str:
        """Who organizes it, as buyers are told; empty where nobody said."""
        return self.organizer_name or (self.organizer.name if self.organizer else "")

    def clean_fields(self, exclude=None) -> None:
        try:
            self.contact_email = normalize_address(self.contact_email)
        except InvisibleSign as error:
            raise ValidationError({"contact_email": error.message}) from None
        super().clean_fields(exclude)

    def clean(self) -> None:
        """An address that led to another event leads there for ever; the currency of orders stays."""
        self.fit_price()
        if self.pk and self.currency_changes() and (hindrance := self.why_currency_stays()):
            raise ValidationError({"currency": hindrance})
        if self.slug and FormerSlug.objects.filter(slug=self.slug).exclude(event=self.pk).exists():
            raise ValidationError(
                {"slug": _("This was the address of another event, and still leads there.")}
            )

    def _keep_former_slug(self) -> None:
        former = Event.objects.filter(pk=self.pk).values_list("slug", flat=True).first()
        if former and former != self.slug:
            FormerSlug.objects.update_or_create(slug=former, defaults={"event": self})
            FormerSlug.objects.filter(slug=self.slug, event=self).delete()

    @property
    def uid(self) -> str:
        """Its name in calendars; events from before names were kept go on under the one they were given."""
        return self.ical_uid or f"event-{self.pk}@tickets-by-uma"

    @property
    def seats_left(self) -> int:
        return max(self.capacity - self.seats_taken, 0)

    @property
    def listed_types(self) -> list[TicketType]:
        """Those that anybody sees; prefetch `ticket_types` with many events."""
        return [each for each in self.ticket_types.all() if each.is_active and not each.is_hidden]

    @property
    def default_price(self) -> int:
        """Of a seat of the default type; load it with the event."""
        return self.lowest_price if self.default_type is None else self.default_type.price

    @property
    def most_seats(self) -> int:
        """Of one order: what staff allow, as far as there is money to pay them with."""
        return min(self.max_per_order, MAX_SATS // self.lowest_price if self.lowest_price else 50)

    @property
    def is_canceled(self) -> bool:
        return self.canceled_at is not None

    @property
    def is_past(self) -> bool:
        return self.end_time <= timezone.now()

    @property
    def is_live(self) -> bool:
        return self.start_time <= timezone.now() < self.end_time

    @property
    def sells(self) -> bool:
        """Whether tickets may be bought now, seats permitting."""
        closes = min(self.sales_end or self.end_time, self.end_time)
        return self.is_active and not self.is_canceled and closes > timezone.now()

    @property
    def is_sold_out(self) -> bool:
        return self.seats_left == 0

    @property
    def stream_opens_at(self) -> datetime:
        return self.start_time - timedelta(minutes=settings.STREAM_OPENS_MINUTES)

    @property
    def stream_is_open(self) -> bool:
        return self.stream_opens_at <= timezone.now() < self.end_time and not self.is_canceled

    @property
    def replay_is_open(self) -> bool:
        """Whether it is over and may still be watched."""
        if self.replay_until is None or self.is_canceled:
            return False
        return self.end_time <= timezone.now() < self.replay_until

    @property
    def shows_stream(self) -> bool:
        """Whether a ticket that admits opens the stream now, live or again."""
        return self.stream_is_open or self.replay_is_open

    def claim(
        self, quantity: int, *, within: Condition | None = None, types: Mapping[int, int] | None = None
    ) -> bool:
        """Take `quantity` seats, of the `types` by their ids; False when `within` alone forbids it.

        Conditional UPDATEs, one of the types and then one of the event, ask and take at once: whoever comes
        second sees the first one's seats, so the last seat is sold once. Call it last in a transaction, which
        must end when it refuses. `quantity` is without seats of types that open the replay alone. Raises
        `SoldOut` or `SalesClosed`.
        """
        if types:
            TicketType.objects.claim(types)
        now = timezone.now()
        if _take_seats(within, event=self.pk, currency=self.currency, seats=quantity, now=now):
            return True
        selling = Event.objects.selling(now).filter(pk=self.pk, currency=self.currency)
        if within and selling.filter(seats_taken__lte=F("capacity") - quantity).exists():
            return False
        raise SoldOut() if selling.exists() else SalesClosed()

    def release(self, quantity: int, types: Mapping[int, int] | None = None) -> None:
        """Give back what `claim` took; the database refuses to go below zero."""
        if types:
            TicketType.objects.release(types)
        Event.objects.filter(pk=self.pk).update(seats_taken=F("seats_taken") - quantity)


@KeptUpdate
def _take_seats():
    """Take `seats` of the event, if it sells `now` in that `currency` and has so many left."""
    seats = Slot("seats", models.PositiveIntegerField())
    selling = Event.objects.selling(Slot("now", models.DateTimeField()))
    selling = selling.filter(pk=Slot("event", Event._meta.pk), currency=Slot("currency", models.CharField()))
    return selling.filter(seats_taken__lte=F("capacity") - seats), {"seats_taken": F("seats_taken") + seats}


class FormerSlug(models.Model):
    """An address that an event once had, which may be printed somewhere: it leads to the event for ever."""

    organizer_path = "event__organizer"

    slug = models.SlugField(_("slug"), max_length=180, primary_key=True)
    event = models.ForeignKey(Event, models.CASCADE, related_name="former_slugs", verbose_name=_("event"))

    class Meta:
        verbose_name, verbose_name_plural = _("former slug"), _("former slugs")

    def __str__(self) -> str:
        return self.slug
