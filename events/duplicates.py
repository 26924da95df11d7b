"""Duplicates of an event, and series: the same evening again, each with seats of its own."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import models, transaction

from accounts.changes import record_change

from .catalogue_models import PromoCode, TicketType
from .models import Event
from .question_models import Question

# What is of one event alone: counted, made by the row itself, or, as the stream, to be said anew.
_OWN = {
    "id", "slug", "seats_taken", "default_type", "canceled_at", "version", "ical_uid", "kept_questions",
    "search_key", "created_at", "updated_at", "stream_url", "is_active",
}  # fmt: skip
_OWN_OF_TYPE = {"id", "event", "seats_taken", "created_at", "updated_at"}
_OWN_OF_CODE = {"id", "event", "uses", "created_at", "starts_at", "ends_at"}
_OWN_OF_QUESTION = {"id", "event", "ticket_type"}
_AT_ONCE = 500  # rows in a statement


def starts_from(event: Event, first: datetime, count: int, days: int) -> list[datetime]:
    """`count` starts, `days` apart by the clocks of the event's zone; UTC."""
    local = first.astimezone(event.zone)
    naive = [local.replace(tzinfo=None) + timedelta(days=days * number) for number in range(count)]
    return [each.replace(tzinfo=event.zone).astimezone(UTC) for each in naive]


def duplicate(
    event: Event, starts: Iterable[datetime], *, title: str = "", with_codes: bool = False
) -> list[Event]:
    """A draft for each of `starts`, with the types and questions of `event`; codes when asked, unused.

    A copy lasts as long; its sale, its types' and its replay end as far from the start by the clocks of its
    zone. It has no stream address: holders of another evening know that one. All are made, or none.
    """
    with transaction.atomic():
        return [_copy(event, start, title or event.title, with_codes) for start in starts]


def _copy(event: Event, start: datetime, title: str, with_codes: bool) -> Event:
    shift = _Shift(event, start)
    values = _values(event, _OWN)
    values |= {
        "title": title,
        "start_time": start,
        "end_time": start + (event.end_time - event.start_time),
        "sales_end": shift(event.sales_end),
        "replay_until": shift(event.replay_until),
    }
    copy = Event(is_active=False, **values)
    copy.save()
    types: dict[int, TicketType] = {}
    for each in event.ticket_types.order_by("position", "pk"):
        is_default = each.pk == event.default_type_id
        made = copy.default_type if is_default and copy.default_type else TicketType(event=copy)
        for name, value in _values(each, _OWN_OF_TYPE).items():
            setattr(made, name, value)
        made.sales_start, made.sales_end = shift(each.sales_start), shift(each.sales_end)
        made.save()
        types[each.pk] = made
    for question in event.questions.order_by("position", "pk"):
        kind = types.get(question.ticket_type_id or 0)
        Question(event=copy, ticket_type=kind, **_values(question, _OWN_OF_QUESTION)).save()
    if with_codes:
        _copy_codes(event, copy, types, shift)
    record_change(copy, {})
    return copy


def _copy_codes(event: Event, copy: Event, types: Mapping[int, TicketType], shift: "_Shift") -> None:
    """In a few statements: an event may have thousands, and a series is of 52."""
    codes = list(event.promo_codes.prefetch_related("types").order_by("pk"))
    made = PromoCode.objects.bulk_create(
        [
            PromoCode(
                event=copy,
                starts_at=shift(code.starts_at),
                ends_at=shift(code.ends_at),
                **_values(code, _OWN_OF_CODE),
            )
            for code in codes
        ],
        batch_size=_AT_ONCE,
    )
    through = PromoCode.types.through
    through.objects.bulk_create(
        [
            through(promocode=new, tickettype=types[each.pk])
            for code, new in zip(codes, made, strict=True)
            for each in code.types.all()
        ],
        batch_size=_AT_ONCE,
    )


def _values(row: models.Model, own: set[str]) -> dict[str, Any]:
    names = [field.name for field in row._meta.concrete_fields if field.name not in own]
    return {name: getattr(row, name) for name in names}


class _Shift:
    """Moves a moment as the start was moved, by the clocks of the event's zone: 18:00 stays 18:00."""

    def __init__(self, event: Event, start: datetime):
        self.zone = event.zone
        self.by = self._clock(start) - self._clock(event.start_time)

    def _clock(self, moment: datetime) -> datetime:
        return moment.astimezone(self.zone).replace(tzinfo=None)

    def __call__(self, moment: datetime | None) -> datetime | None:
        if moment is None:
            return None
        return (self._clock(moment) + self.by).replace(tzinfo=self.zone).astimezone(UTC)
