"""Times in the admin: in the time zone of their event, with the reader's own beside them."""

import functools
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import DateTimeField, Model
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from ticketsuma.templatetags.display import city
from ticketsuma.zoned_fields import zone_or_utc

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise


def words(moment: datetime | None, zone_name: str, *, seconds: bool = False) -> str | SafeString:
    """`2031-05-01 20:00 Lisbon`; `times.js` adds `= Thu 1 May, 21:00 your time` where that differs."""
    if moment is None:
        return "-"
    local = moment.astimezone(zone_or_utc(zone_name))
    return format_html(
        '<time datetime="{}">{} {}</time> '
        '<span class="yours" data-viewer-time="{}" data-zone="{}" data-text="{}" hidden></span>',
        moment.isoformat(), f"{local:%Y-%m-%d %H:%M:%S}" if seconds else f"{local:%Y-%m-%d %H:%M}",
        city(zone_name), moment.isoformat(), zone_name, _("= {time} your time"),
    )  # fmt: skip


def zone_of(row: Model, event_path: str | None) -> str:
    """The zone of the event to which `event_path` ("ticket.order.event", "" for the row itself) leads.

    UTC where there is none.
    """
    if event_path is None:
        return "UTC"
    for name in filter(None, event_path.split(".")):
        row = getattr(row, name)
    return row.timezone  # type: ignore[attr-defined]


@functools.cache  # the admin knows a column again by its identity
def moment_column(field: str, label: "str | StrPromise", event_path: str | None) -> Callable[[Model], str]:
    """A column for a moment of rows that belong to an event; see `zone_of`."""

    @admin.display(description=label, ordering=field)
    def moment(row: Model) -> str:  # its name is in the cells' class
        return words(getattr(row, field), zone_of(row, event_path))

    return moment


def with_moments(model: type[Model], names, event_path: str | None) -> list:
    """`names` of columns, in tuples too, with those of moments as `moment_column`."""
    moments = {field.name: field for field in model._meta.fields if isinstance(field, DateTimeField)}

    def column(name):
        if isinstance(name, (list, tuple)):
            return tuple(column(one) for one in name)
        if name in moments:
            return moment_column(name, moments[name].verbose_name, event_path)
        return name

    return [column(name) for name in names]
