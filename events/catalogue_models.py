"""Models of an event's catalogue: the types of tickets it sells, and promo codes."""

import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import Case, Exists, F, FilteredRelation, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ticketsuma.codes import normalize_code
from ticketsuma.constraint_messages import Check, Unique
from ticketsuma.errors import DomainError
from ticketsuma.kept_queries import KeptUpdate, Slot
from ticketsuma.money import MAX_SATS, SAT, format_amount, in_major
from ticketsuma.querysets import DatedQuerySet

if TYPE_CHECKING:
    from .models import Event

MAX_TYPES = 50  # of one event


class SoldOut(DomainError):
    """`ticket_type` is the one of which there are too few, where it is not the event's own seats."""

    code = "sold_out"
    message = _("Sorry, there are not enough seats left.")
    ticket_type: "TicketType | None" = None

    @classmethod
    def of(cls, ticket_type: "TicketType") -> "SoldOut":
        says = _("Sorry, of “%(type)s” there are not enough left.")
        error = cls(says % {"type": ticket_type.shown_name} if ticket_type.name else None)
        error.ticket_type = ticket_type
        return error


class SalesClosed(DomainError):
    code = "sales_closed"
    message = _("Tickets for this event are no longer on sale.")


class PromoCodeRefused(DomainError):
    """The code is not known here, or not good now; of another event it is not known."""

    code = "promo_code_refused"
    message = _("We do not know this code.")
    status = 409
    field = "promo_code"


class Admits(models.TextChoices):
    """The parts of an event that a ticket opens."""

    BOTH = "both", _("Event and replay")
    LIVE = "live", _("The event")
    REPLAY = "replay", _("The replay")


class TicketTypeQuerySet(DatedQuerySet):
    def selling(self, now):
        return self.filter(
            Q(sales_start=None) | Q(sales_start__lte=now), Q(sales_end=None) | Q(sales_end__gt=now),
            is_active=True,
        )  # fmt: skip

    def has_left(self, now, seats):
        return self.selling(now).filter(Q(capacity=None) | Q(capacity__gte=F("seats_taken") + seats))

    def listed(self):
        """Those that anybody sees, on sale or not."""
        return self.filter(is_active=True, is_hidden=False)

    def with_code(self, typed: str):
        """Each with the `code` of its event that was `typed`, if any, whether it is for some types only
        (`code_is_picky`), and whether it is for this one by name (`is_named`).
        """
        chosen = PromoCode.types.through.objects.filter(promocode=OuterRef("code"))
        of_event = Q(event__promo_codes__key=code_key(typed))
        found: models.QuerySet[Any] = self.annotate(
            code=FilteredRelation("event__promo_codes", condition=of_event)
        )
        return found.select_related("event", "code").annotate(
            code_is_picky=Exists(chosen), is_named=Exists(chosen.filter(tickettype=OuterRef("pk")))
        )

    def _locked_in_order(self, seats: Mapping[int, int]):
        locked = self.filter(pk__in=seats).order_by("pk").select_for_update(no_key=True)
        return self.filter(pk__in=locked.values("pk"))

    def claim(self, seats: Mapping[int, int]) -> None:
        """Take so many seats of each type, by its id; raises SoldOut or SalesClosed.

        One conditional UPDATE for all of them. Of several, the rows are locked in the order of their ids, so
        that of two orders that want the same types none waits for the other in a circle.
        """
        now = timezone.now()
        if len(seats) == 1:
            ((pk, count),) = seats.items()
            taken = _take_of_one(type=pk, seats=count, now=now)
        else:
            wanted = seats_wanted(seats)
            free = self._locked_in_order(seats).has_left(now, wanted)
            taken = free.update(seats_taken=F("seats_taken") + wanted)
        if taken == len(seats):
            return
        refused: Any = self.filter(pk__in=seats).order_by("pk")
        for ticket_type in refused:
            if not ticket_type.sells:
                raise SalesClosed(ticket_type.why_closed)
            if ticket_type.has_fewer_than(seats[ticket_type.pk]):
                raise SoldOut.of(ticket_type)
        raise SoldOut  # what was taken came back only now

    def release(self, seats: Mapping[int, int]) -> None:
        """Give so many seats of each type back; the database refuses to go below zero."""
        rows = self.filter(pk__in=seats) if len(seats) == 1 else self._locked_in_order(seats)
        rows.update(seats_taken=F("seats_taken") - seats_wanted(seats))


@KeptUpdate
def _take_of_one():
    """Take `seats` of the `type`, if it is on sale `now` and has so many left."""
    now, seats = Slot("now", models.DateTimeField()), Slot("seats", models.PositiveIntegerField())
    rows = TicketType.objects.filter(pk=Slot("type", TicketType._meta.pk)).has_left(now, seats)
    return rows, {"seats_taken": F("seats_taken") + seats, "updated_at": now}


def seats_wanted(seats: Mapping[int, int]) -> Any:
    """SQL for the seats that are wanted of the row's type."""
    if len(seats) == 1:
        return next(iter(seats.values()))
    return Case(*(When(pk=pk, then=Value(count)) for pk, count in seats.items()))


class TicketType(models.Model):
    """One kind of seat that an event sells: its price, how many of them, when, and what it opens.

    A seat is taken from its type and from the event; a type that opens the replay alone takes none of the
    event's. Prices are in the minor unit of the event's currency.
    """

    organizer_path = "event__organizer"

    class Pricing(models.TextChoices):
        FIXED = "fixed", _("Fixed price")
        AT_LEAST = "at_least", _("Pay what you want, at least")
        FREE = "free", _("Free")

    event = models.ForeignKey(
        "events.Event", models.CASCADE, related_name="ticket_types", verbose_name=_("event")
    )
    name = models.CharField(_("name"), max_length=80, blank=True, help_text=_("Needed once there are two."))
    description = models.CharField(
        _("description"), max_length=300, blank=True, help_text=_("One line below its name.")
    )
    position = models.PositiveSmallIntegerField(
        _("position"), default=0, help_text=_("Lower ones are shown first.")
    )
    pricing = models.CharField(
        _("pricing"),
        max_length=8,
        choices=Pricing,
        default=Pricing.FIXED,
        help_text=_("Who says what a seat costs."),
    )
    price = models.PositiveBigIntegerField(
        _("price"), default=0, validators=[MaxValueValidator(MAX_SATS)],
        help_text=_("One seat; of “pay what you want” the least."),
    )  # fmt: skip
    suggested_price = models.PositiveBigIntegerField(
        _("suggested price"), null=True, blank=True, validators=[MaxValueValidator(MAX_SATS)],
        help_text=_("For “pay what you want”."),
    )  # fmt: skip
    capacity = models.PositiveIntegerField(
        _("seats"), null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(1_000_000)],
        help_text=_("Of this type at most; empty: as many as the event has."),
    )  # fmt: skip
    seats_taken = models.PositiveIntegerField(_("seats taken"), default=0, editable=False)
    sales_start = models.DateTimeField(_("start of the sale"), null=True, blank=True)
    sales_end = models.DateTimeField(
        _("end of the sale"), null=True, blank=True, help_text=_("Empty: as the event's.")
    )
    min_per_order = models.PositiveSmallIntegerField(
        _("minimum per order"),
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(50)],
        help_text=_("Of an order that has any of this type."),
    )
    max_per_order = models.PositiveSmallIntegerField(
        _("maximum per order"), null=True, blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(50)], help_text=_("Empty: as the event's."),
    )  # fmt: skip
    tax_basis_points = models.PositiveSmallIntegerField(
        _("tax rate"), null=True, blank=True, validators=[MaxValueValidator(10_000)],
        help_text=_("Of the tax that the price includes, in hundredths of a percent; empty: none is told."),
    )  # fmt: skip
    is_hidden = models.BooleanField(
        _("hidden"), default=False, help_text=_("Shown to whoever has a promo code for it.")
    )
    admits = models.CharField(
        _("admits to"),
        max_length=6,
        choices=Admits,
        default=Admits.BOTH,
        help_text=_("What its tickets open; the replay alone takes none of the event's seats."),
    )
    is_active = models.BooleanField(_("active"), default=True, help_text=_("On sale within its times."))
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    # What `with_code` finds.
    code: "PromoCode | None" = None
    code_is_picky = is_named = False

    objects = TicketTypeQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("ticket type"), _("ticket types")
        ordering = ["position", "pk"]
        constraints = [
            Unique(
                fields=["event", "name"], name="events_tickettype_name_once",
                says=_("There is a ticket type of this name already.")),
            Check(
                condition=Q(capacity=None) | Q(seats_taken__lte=F("capacity")),
                name="events_tickettype_not_oversold", at="capacity",
                says=_("More seats than that are taken.")),
            Check(
                condition=Q(seats_taken__gte=0), name="events_tickettype_seats_not_negative",
                at="seats_taken", says=_("No fewer seats than none are taken.")),
            Check(
                condition=Q(price__gte=0, price__lte=MAX_SATS), name="events_tickettype_price_in_range",
                at="price", says=_("The price is 0 or more, and less than all the bitcoin there is.")),
            Check(
                condition=~Q(pricing="free") | Q(price=0), name="events_tickettype_free_costs_nothing",
                at="price", says=_("What is free costs 0.")),
            Check(
                condition=Q(suggested_price=None)
                | Q(pricing="at_least", suggested_price__gte=F("price"), suggested_price__lte=MAX_SATS),
                name="events_tickettype_suggestion_fits", at="suggested_price",
                says=_("A suggestion is for “pay what you want”, and not below the least.")),
            Check(
                condition=Q(sales_start=None) | Q(sales_end=None) | Q(sales_end__gt=F("sales_start")),
                name="events_tickettype_sale_ends_after_start", at="sales_end",
                says=_("The sale must end after it starts.")),
            Check(
                condition=Q(min_per_order__gte=1)
                & (Q(max_per_order=None) | Q(max_per_order__gte=F("min_per_order"))),
                name="events_tickettype_order_bounds", at="max_per_order",
                says=_("The maximum is no less than the minimum, which is 1 or more.")),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.shown_name

    def save(self, *args, **kwargs):
        """Save everything but `seats_taken`; the event's `version` and lowest price follow."""
        with transaction.atomic():
            if not self._state.adding:
                names = kwargs.get("update_fields") or [
                    field.name for field in self._meta.concrete_fields if not field.primary_key
                ]
                kwargs["update_fields"] = {*names, "updated_at"} - {"seats_taken"}
            super().save(*args, **kwargs)
            follow_prices(self.event_id)

    def delete(self, *args, **kwargs):
        with transaction.atomic():
            gone = super().delete(*args, **kwargs)
            follow_prices(self.event_id)
        return gone

    def in_history(self, name: str, value: Any) -> Any:
        """Prices are told in the event's currency, which is loaded."""
        is_price = name in ("price", "suggested_price") and value is not None
        return f"{in_major(value, self.currency)} {self.currency}" if is_price else value

    @property
    def shown_name(self) -> str:
        return self.name or gettext("Ticket")

    @property
    def currency(self) -> str:
        """Of its event, which is loaded."""
        return self.event.currency

    @property
    def asks_for_amount(self) -> bool:
        """Whether buyers say what they pay."""
        return self.pricing == self.Pricing.AT_LEAST

    @property
    def seats_left(self) -> int | None:
        """Of this type, if it is bounded; the event may have fewer."""
        return None if self.capacity is None else max(self.capacity - self.seats_taken, 0)

    @property
    def seats_to_sell(self) -> int:
        """Of this type and of its event, which is loaded; the replay has as many as the type has."""
        event = self.event.seats_left if self.takes_event_seats else self.event.capacity
        return event if self.seats_left is None else min(self.seats_left, event)

    def has_fewer_than(self, seats: int) -> bool:
        return self.seats_left is not None and self.seats_left < seats

    @property
    def takes_event_seats(self) -> bool:
        return self.admits != Admits.REPLAY

    @property
    def status(self) -> str:
        """One of on_sale, sold_out, not_yet, sales_closed; of the type alone, not of its event."""
        now = timezone.now()
        if not self.is_active or (self.sales_end and self.sales_end <= now):
            return "sales_closed"
        if self.sales_start and self.sales_start > now:
            return "not_yet"
        return "sold_out" if self.seats_left == 0 else "on_sale"

    @property
    def sells(self) -> bool:
        """Whether it is on sale now, seats permitting."""
        return self.status in ("on_sale", "sold_out")

    @property
    def why_closed(self) -> str | None:
        if not self.name:
            return None
        if self.status == "not_yet":
            return gettext("“%(type)s” is not on sale yet.") % {"type": self.name}
        return gettext("“%(type)s” is no longer on sale.") % {"type": self.name}

    @property
    def is_for_code(self) -> bool:
        """Whether `code` is for it: by name, or as one for all that are not hidden."""
        if self.code is None:
            return False
        return self.is_named or not (self.code_is_picky or self.is_hidden)

    @property
    def is_cheaper_by_code(self) -> bool:
        """Where buyers say what they pay, a code takes nothing off that."""
        return self.is_for_code and not self.asks_for_amount

    @property
    def is_locked(self) -> bool:
        return self.is_hidden and not self.is_for_code


def default_type_of(event: "Event") -> TicketType:
    """The type that a purchase without items is of; made now for an event that came without one.

    (Written by the version before, or past the shop.)
    """
    if event.default_type is None:
        return add_default_type(event)
    event.default_type.event = event
    return event.default_type


def add_default_type(event: "Event") -> TicketType:
    """Give `event` its first type, at its price. Of two at once the second finds it."""
    from .models import Event

    with transaction.atomic():
        locked = (
            Event.objects.select_for_update(of=("self",), no_key=True)
            .select_related("default_type")
            .get(pk=event.pk)
        )
        ticket_type = locked.default_type
        if ticket_type is None:
            [ticket_type] = TicketType.objects.bulk_create(
                [TicketType(event=locked, price=locked.lowest_price)]
            )
            Event.objects.filter(pk=event.pk).update(default_type=ticket_type)
    ticket_type.event, event.default_type = event, ticket_type
    return ticket_type


def follow_prices(event_id: int) -> None:
    """An event's price is the lowest that anybody sees; call it where a type is changed.

    The event is locked first, so that of two changes at once the second counts the first one's, too.
    """
    from .models import Event

    Event.objects.select_for_update(no_key=True).filter(pk=event_id).values("pk").first()
    lowest = TicketType.objects.filter(event=event_id).listed().order_by("price").values("price")[:1]
    price = Coalesce(Subquery(lowest), F("price"), F("price_sats"))
    now = timezone.now()
    of_event = Event.objects.filter(pk=event_id)
    if not of_event.filter(currency=SAT).update(price_sats=price, updated_at=now):
        of_event.update(price=price, updated_at=now)
        models.QuerySet.update(of_event.filter(price=0), price_sats=0)
        models.QuerySet.update(
            of_event.filter(price__gt=0, price_sats=0), price_sats=1
        )  # until it is reckoned


def note_change(event_id: int) -> None:
    """Raise an event's `version`: its page, which is kept, shows a field for codes where there are some."""
    from .models import Event

    Event.objects.filter(pk=event_id).update(updated_at=timezone.now())


def set_only_price(events: models.QuerySet, price: int) -> None:
    """The price of the only type of each of `events`; of several each has its own."""
    others = TicketType.objects.filter(event=OuterRef("event")).exclude(pk=OuterRef("pk"))
    only = TicketType.objects.filter(~Exists(others), event__in=events.order_by().values("pk"))
    fixed = Case(When(Q(pricing="free") & ~Q(price=price), then=Value("fixed")), default=F("pricing"))
    suggested = Case(When(suggested_price__gte=price, then=F("suggested_price")))
    only.exclude(price=price).update(price=price, pricing=fixed, suggested_price=suggested)


def lock_catalogue(event_id: int) -> None:
    """Lock what sales of an event lock, in their order: codes and types, then the event.

    For whoever changes several of them in one transaction. As sales do, it lets others refer to the rows.
    """
    from .models import Event

    for rows in (PromoCode.objects.filter(event=event_id), TicketType.objects.filter(event=event_id)):
        list(rows.order_by("pk").select_for_update(no_key=True).values("pk"))
    Event.objects.select_for_update(no_key=True).filter(pk=event_id).values("pk").first()


# -- promo codes --------------------------------------------------------------------------------
def code_key(typed: str) -> str:
    """By what codes are compared: `Früh-BIRD 20` → `FRÜHB1RD20`."""
    return normalize_code(unicodedata.normalize("NFKC", typed).casefold())


class PromoCodeQuerySet(models.QuerySet["PromoCode"]):
    def claim(self, code: "PromoCode", *conditions: Q) -> None:
        """Use `code` once more, while it may be; raises PromoCodeRefused. One conditional UPDATE."""
        free = self.filter(Q(max_uses=None) | Q(max_uses__gt=F("uses")), *conditions, pk=code.pk)
        if not free.update(uses=F("uses") + 1):
            raise PromoCodeRefused(_("This code has been used as often as it may be."))

    def good(self, now):
        return self.filter(
            Q(starts_at=None) | Q(starts_at__lte=now), Q(ends_at=None) | Q(ends_at__gt=now), is_active=True
        )

    def release(self, code_id: int) -> None:
        """A use is given back; the database refuses to go below zero."""
        self.filter(pk=code_id).update(uses=F("uses") - 1)


class PromoCode(models.Model):
    """A word that makes an order of one event cheaper, or shows what is hidden; each order uses it once.

    `uses` counts the orders that hold seats or are paid. Percent and amounts are of each seat it is for.
    """

    organizer_path = "event__organizer"
    hidden_in_history = {"text"}

    class Kind(models.TextChoices):
        PERCENT = "percent", _("Percent off")
        AMOUNT = "amount", _("Amount off each seat")
        PRICE = "price", _("Fixed price of a seat")
        UNLOCK = "unlock", _("Shows hidden types only")

    OF_MONEY = (Kind.AMOUNT, Kind.PRICE)  # what `value` is, in minor units

    event = models.ForeignKey(
        "events.Event", models.CASCADE, related_name="promo_codes", verbose_name=_("event")
    )
    text = models.CharField(
        _("code"), max_length=40, help_text=_("As guests type it; capitals and spaces do not matter.")
    )
    key = models.CharField(_("compared as"), max_length=60, editable=False)
    kind = models.CharField(
        _("kind"), max_length=7, choices=Kind, default=Kind.PERCENT, help_text=_("What it does to the price.")
    )
    value = models.PositiveBigIntegerField(
        _("value"), default=0, help_text=_("Percent, or money of each seat.")
    )
    max_uses = models.PositiveIntegerField(
        _("uses at most"), null=True, blank=True, help_text=_("Orders; empty: any number.")
    )
    uses = models.PositiveIntegerField(_("uses"), default=0, editable=False)
    max_per_person = models.PositiveSmallIntegerField(
        _("uses per person at most"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Orders of one person; empty: any number."),
    )
    starts_at = models.DateTimeField(_("from"), null=True, blank=True)
    ends_at = models.DateTimeField(_("until"), null=True, blank=True)
    types = models.ManyToManyField(
        TicketType, blank=True, related_name="promo_codes", verbose_name=_("for these types"),
        help_text=_("None chosen: for all that are not hidden."),
    )  # fmt: skip
    is_active = models.BooleanField(_("active"), default=True, help_text=_("Good within its times."))
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = PromoCodeQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("promo code"), _("promo codes")
        ordering = ["text", "pk"]
        constraints = [
            Unique(
                fields=["event", "key"], name="events_promocode_once",
                says=_("There is a code that reads the same.")),
            Check(condition=~Q(key=""), name="events_promocode_not_empty", at="text",
                  says=_("A code has letters or digits.")),
            Check(
                condition=Q(uses__gte=0) & (Q(max_uses=None) | Q(uses__lte=F("max_uses"))),
                name="events_promocode_not_overused", at="max_uses",
                says=_("It has been used more often than that.")),
            Check(
                condition=Q(kind="percent", value__gte=1, value__lte=100)
                | Q(kind="amount", value__gte=1, value__lte=MAX_SATS)
                | Q(kind="price", value__gte=0, value__lte=MAX_SATS)
                | Q(kind="unlock", value=0),
                name="events_promocode_value_fits", at="value",
                says=_("1 to 100 percent, an amount of 1 or more, or 0 where it only unlocks.")),
            Check(
                condition=Q(max_per_person=None) | Q(max_per_person__gte=1),
                name="events_promocode_per_person", at="max_per_person", says=_("At least 1.")),
            Check(
                condition=Q(starts_at=None) | Q(ends_at=None) | Q(ends_at__gt=F("starts_at")),
                name="events_promocode_ends_after_start", at="ends_at",
                says=_("It must end after it begins.")),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.text

    def save(self, *args, **kwargs):
        """Save everything but `uses`: a stale copy must not give uses back. The event's `version` follows."""
        self.key = code_key(self.text)
        if not self._state.adding:
            names = kwargs.get("update_fields") or [
                field.name for field in self._meta.concrete_fields if not field.primary_key
            ]
            kwargs["update_fields"] = {*names} - {"uses"}
        with transaction.atomic():
            super().save(*args, **kwargs)
            note_change(self.event_id)

    def clean_fields(self, exclude=None) -> None:
        super().clean_fields(exclude)
        self.key = code_key(self.text)

    def validate_constraints(self, exclude=None) -> None:
        """Of its key and event too, though no form has the one, and that of a known code not the other."""
        super().validate_constraints({*(exclude or ())} - {"key", "event" if self.event_id else "key"})

    @property
    def name_in_history(self) -> str:
        """Whoever reads the history need not have the code."""
        return f"#{self.pk}"

    def in_history(self, name: str, value: Any) -> Any:
        is_money = name == "value" and self.kind in self.OF_MONEY
        return f"{in_major(value, self.event.currency)} {self.event.currency}" if is_money else value

    @property
    def major_value(self) -> int | Decimal:
        """Percent, or money in whole units of its event's currency; its event is loaded."""
        return in_major(self.value, self.event.currency) if self.kind in self.OF_MONEY else self.value

    @property
    def shown_value(self) -> str:
        if self.kind == self.Kind.UNLOCK:
            return "–"
        return (
            format_amount(self.value, self.event.currency)
            if self.kind in self.OF_MONEY
            else f"{self.value} %"
        )

    def check_good(self) -> None:
        """Raise PromoCodeRefused when it is not good now; `claim` decides whether a use is left."""
        now = timezone.now()
        if not self.is_active:
            raise PromoCodeRefused
        if self.starts_at and self.starts_at > now:
            raise PromoCodeRefused(_("This code is not good yet."))
        if self.ends_at and self.ends_at <= now:
            raise PromoCodeRefused(_("This code is no longer good."))
        if self.max_uses is not None and self.uses >= self.max_uses:
            raise PromoCodeRefused(_("This code has been used as often as it may be."))

    def discount_of(self, price: int, quantity: int) -> int:
        """What it takes off `quantity` seats at `price`, at most all; a part of a sat stays with the shop."""
        match self.kind:
            case self.Kind.PERCENT:
                return price * quantity * self.value // 100
            case self.Kind.AMOUNT:
                return min(self.value, price) * quantity
            case self.Kind.PRICE:
                return max(price - self.value, 0) * quantity
        return 0
