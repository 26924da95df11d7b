"""QuerySet of events: what is public, to come, past or on sale."""

from datetime import datetime
from fractions import Fraction

from django.db import models
from django.db.models import Exists, F, Func, OuterRef, Q, Subquery, Value
from django.db.models.functions import Cast, Ceil, Coalesce, Least
from django.utils import timezone

from ticketsuma.money import MAX_SATS, SAT
from ticketsuma.search_keys import SearchedQuerySet
from ticketsuma.spans import holding

from .catalogue_models import TicketType, set_only_price


class EventQuerySet(SearchedQuerySet):
    def update(self, **changes) -> int:
        """Change the rows and raise their `version`; a sale (`seats_taken` alone) changes no event.

        The only type of an event follows its price.
        """
        if set(changes) <= {"seats_taken", "default_type"}:
            return models.QuerySet.update(self, **changes)
        if isinstance(changes.get("price_sats"), int):
            set_only_price(self.filter(currency=SAT), changes["price_sats"])
        return super().update(**{"version": F("version") + 1} | changes)

    update.alters_data = True  # type: ignore[attr-defined]

    def keep_worth(self, currency: str, sats_per_unit: Fraction) -> None:
        """Note about what prices in `currency` come to: lists sort by it. No event changes by that."""
        bounded = Least(Ceil(F("price") * float(sats_per_unit)), float(MAX_SATS))
        worth = Cast(bounded, models.BigIntegerField())
        priced = self.filter(currency=currency).exclude(price_sats=worth)
        models.QuerySet.update(priced, price_sats=worth)

    def public(self):
        """What anybody may see; canceled events stay visible so that people learn of it."""
        return self.filter(is_active=True)

    def with_price_range(self):
        """Each with `costs_more`: whether somebody may pay more than its lowest price."""
        more = Q(price__gt=Coalesce(OuterRef("price"), OuterRef("price_sats"))) | Q(pricing="at_least")
        types = TicketType.objects.listed().filter(more, event=OuterRef("pk"))
        return self.annotate(costs_more=Exists(types))

    def upcoming(self, now: datetime | None = None):
        """Soonest first. None began before the first that is still on, so the index of beginnings is read
        from there: from its start, all that is over would be read before the first row.
        """
        now = now or timezone.now()
        live = holding(self.model._base_manager.using(self.db).order_by(), "start_time", "end_time", now)
        # Coalesce inside: a bare MIN would be looked for along that index, from its start.
        first = live.annotate(first=Func(Coalesce("start_time", now), function="MIN")).values("first")
        begin = Coalesce(Subquery(first, output_field=models.DateTimeField()), Value(now))
        return self.filter(end_time__gt=now, start_time__gte=begin).order_by("start_time", "pk")

    def past(self, now: datetime | None = None):
        """Latest first; what is over has begun, which the index of beginnings knows."""
        now = now or timezone.now()
        return self.filter(end_time__lte=now, start_time__lt=now).order_by("-start_time", "-pk")

    def selling(self, now: datetime):
        return self.filter(
            Q(sales_end__isnull=True) | Q(sales_end__gt=now),
            end_time__gt=now, is_active=True, canceled_at__isnull=True,
        )  # fmt: skip
