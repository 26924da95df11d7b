"""The pages of reports and exports, in the admin, for whoever may see money or guests."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.history import record
from accounts.models import User
from accounts.roles import Ability, may, visible
from events.models import Event
from events.organizer_models import Organizer
from payments.models import Sweep
from ticketsuma.money import format_amount
from ticketsuma.replica import for_reports
from ticketsuma.templatetags.display import number

from . import figures
from .attendance import Attendance
from .attendance import attendance as read_attendance
from .charts import Bar, bars, steps_down
from .forms import ExportForm
from .funnel import Funnel
from .funnel import funnel as read_funnel
from .funnel import views as views_of
from .periods import Period, PeriodForm
from .scopes import Scope
from .tables import TABLES, Table
from .writing import download


def _event_of(request: HttpRequest, *abilities: Ability) -> Event | None:
    """The event that is asked for, None for all; Http404 for one that is not there, or another's."""
    return _chosen(request, "event", visible(request.user, Event.objects.all(), *abilities))


def _organizer_of(request: HttpRequest, *abilities: Ability) -> Organizer | None:
    """Likewise the organizer."""
    return _chosen(request, "organizer", visible(request.user, Organizer.objects.all(), *abilities))


def _chosen(request: HttpRequest, name: str, rows: QuerySet) -> Any:
    asked = request.GET.get(name) or request.POST.get(name) or ""
    if not asked:
        return None
    row = rows.filter(pk=int(asked)).first() if asked.isdecimal() and len(asked) <= 18 else None
    if row is None:
        raise Http404
    return row


def _zone(request: HttpRequest, event: Event | None) -> str:
    """By whose clocks days are counted where nobody says: the event's, else the newest event's."""
    if event:
        return event.timezone
    mine = visible(request.user, Event.objects.all(), Ability.SEE_MONEY, Ability.SEE_GUESTS)
    return mine.order_by("-pk").values_list("timezone", flat=True).first() or "UTC"


@dataclass(frozen=True)
class Figure:
    """A number at the head of the page, and how it compares with the period before."""

    name: str
    shown: str
    before: str
    change: str


def _figure(name: str, now: int, before: int, shown=number) -> Figure:
    change = f"{(now - before) / before:+.0%}" if before else ""
    return Figure(name, shown(now), shown(before), change)


@require_safe
def report(request: HttpRequest) -> HttpResponse:
    """Everything about a period, of one event (`?event=`) or of all that one may see."""
    if not may(request.user, Ability.SEE_MONEY):
        raise PermissionDenied
    event = _event_of(request, Ability.SEE_MONEY)
    form = PeriodForm(request.GET, default_zone=_zone(request, event))
    scope, period = Scope(request.user, event), form.period
    context = for_reports(partial(_figures, scope, period)) | {
        **admin.site.each_context(request), "title": _("Report"), "form": form, "period": period,
        "event": event, "events": visible(request.user, Event.objects.all(), Ability.SEE_MONEY).order_by(
            "-start_time").only("pk", "title")[:100],
        "exports": [table for table in TABLES.values() if may(request.user, table.needs)],
    }  # fmt: skip
    if event is None and may(request.user, Ability.OPERATE):
        balance = Sweep.objects.filter(name=Sweep.INCOMING).values_list("available_msats", flat=True).first()
        context["balance_msats"] = balance
    return TemplateResponse(request, "admin/reports/report.html", context)


def _figures(scope: Scope, period: Period, database: str) -> dict[str, Any]:
    sales = figures.sales(scope, period, database)
    total, before = sales.total, figures.sales_total(scope, period.before, database)
    way = read_funnel(scope, period, database)
    attendance = read_attendance(scope, database)
    return {
        "sales": sales,
        "heads": [
            _figure(_("Sats sold"), total.sats, before.sats),
            _figure(_("Orders"), total.orders, before.orders),
            _figure(_("Seats"), total.seats, before.seats),
            _figure(_("Given back"), total.given_back, before.given_back),
            _figure(_("Page views"), way.viewed, views_of(scope, period.before, database)),
        ],
        "amounts": [format_amount(minor, code) for code, minor in sorted(sales.amounts.items())],
        "sats_chart": _over_time(
            _("Sats sold over time"), period, [(day, sold.sats) for day, sold in sales.steps]
        ),
        "seats_chart": _over_time(
            _("Seats sold over time"), period, [(day, sold.seats) for day, sold in sales.steps]
        ),
        "funnel_steps": _steps_of(way),
        "funnel_chart": steps_down(_("From the page to the stream"), _steps_of(way)),
        "health": figures.health(scope, period, database),
        "money": figures.money(scope, period, database),
        "attendance": attendance,
    } | (_attendance_charts(attendance) if attendance else {})  # fmt: skip


def _attendance_charts(attendance: Attendance) -> dict[str, Any]:
    in_room = [Bar(f"{minute:+d} min", count) for minute, count in attendance.room.bars]
    return {
        "room_chart": bars(_("In the stream, by minute"), in_room),
        "arrivals_chart": bars(
            _("Arrivals by minute"), [Bar(f"{minute:+d} min", count) for minute, count in attendance.minutes]
        ),
    }


def _over_time(title: str, period: Period, steps: Sequence[tuple[Any, int]]):
    shape = "%d.%m." if period.is_by_day else "%m/%Y"
    return bars(title, [Bar(f"{day:{shape}}", value, f"{day}: {number(value)}") for day, value in steps])


def _steps_of(way: Funnel) -> list[Bar]:
    """Each with its part of the step before; views are counted since there is something that counts them."""
    rows = [
        (_("Page viewed"), way.viewed), (_("Seats held"), way.held), (_("Invoice shown"), way.invoiced),
        (_("Paid"), way.paid), (_("Came"), way.joined), (_("Stayed in the stream"), way.stayed),
    ]  # fmt: skip
    rows = rows if way.viewed else rows[1:]
    befores = [0, *(value for _label, value in rows)]
    return [
        Bar(label, value, f"{number(value)} · {value / before:.0%}" if before else number(value))
        for (label, value), before in zip(rows, befores, strict=False)
    ]


# -- exports --------------------------------------------------------------------------------------
@require_safe
def exports(request: HttpRequest) -> HttpResponse:
    """A form for each table that one may see, or for `?table=` alone: period, columns, kind of file."""
    asked = request.GET.get("table")
    tables = [table for table in TABLES.values() if asked in (None, table.name)]
    tables = [table for table in tables if may(request.user, table.needs)]
    if not tables:
        raise PermissionDenied
    event = _event_of(request, Ability.SEE_GUESTS, Ability.SEE_MONEY)
    organizer = _organizer_of(request, Ability.SEE_GUESTS, Ability.SEE_MONEY)
    zone = _zone(request, event)
    forms = [ExportForm(request.GET, table=table, default_zone=zone) for table in tables]
    context = {
        **admin.site.each_context(request), "title": _("Exports"), "forms": forms, "event": event,
        "organizer": organizer,
    }  # fmt: skip
    return TemplateResponse(request, "admin/reports/exports.html", context)


@require_POST
def export(request: HttpRequest, table: str) -> HttpResponse:
    """The file; who took it is in the history of its event, else its organizer, else of whoever took it."""
    chosen: Table | None = TABLES.get(table)
    if chosen is None:
        raise Http404
    if not may(request.user, chosen.needs):
        raise PermissionDenied
    event, organizer = _event_of(request, chosen.needs), _organizer_of(request, chosen.needs)
    form = ExportForm(request.POST, table=chosen, default_zone=_zone(request, event))
    if not form.is_valid():
        context = {
            **admin.site.each_context(request), "title": _("Exports"), "forms": [form], "event": event,
            "organizer": organizer,
        }  # fmt: skip
        return TemplateResponse(request, "admin/reports/exports.html", context, status=422)
    record("export_table", event or organizer or cast(User, request.user), said=chosen.name)
    rows = chosen.rows(Scope(request.user, event, organizer), form.period, form.columns)
    return download(
        f"{chosen.name}-{form.period.first}-{form.period.last}", rows, form.cleaned_data["format"]
    )
