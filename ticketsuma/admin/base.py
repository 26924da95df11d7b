"""Base classes of the admin: read-only rows, amounts and states as text."""

import functools
import unicodedata
from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.db.models import Field, Model, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.roles import Ability, may, visible
from ticketsuma.jobs.models import Job, failing
from ticketsuma.money import MSATS_PER_SAT, format_amount, format_msats
from ticketsuma.paginator import GrowingPaginator

from .event_times import with_moments
from .history import KeepsHistory

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin as _AnyAdmin
    from django.utils.functional import _StrPromise as StrPromise
else:
    _AnyAdmin = object  # a mixin; mypy wants its base

OPERATE = Ability.OPERATE
LEASE = {field.name for field in Job._meta.fields}


class ByRole(_AnyAdmin):
    """For a ModelAdmin or an inline: who sees and changes its rows is asked of `accounts.roles`, nobody else.

    `sees` and `changes` are abilities of which one is enough. A class that names none is nobody's.
    """

    sees: tuple[Ability, ...] = ()
    changes: tuple[Ability, ...] = ()

    def has_view_permission(self, request, obj=None) -> bool:
        return any(may(request.user, ability, obj) for ability in (*self.sees, *self.changes))

    def has_change_permission(self, request, obj=None) -> bool:
        return any(may(request.user, ability, obj) for ability in self.changes)

    has_delete_permission = has_change_permission

    def has_add_permission(self, request, obj=None) -> bool:
        return any(may(request.user, ability, obj) for ability in self.changes)

    def has_module_permission(self, request) -> bool:
        return self.has_view_permission(request)

    def get_queryset(self, request):
        if not (self.sees or self.changes):
            return super().get_queryset(request).none()
        return visible(request.user, super().get_queryset(request), *self.sees, *self.changes)

    def get_view_on_site_url(self, obj=None) -> str | None:
        """Django's way to a row's own page asks nobody whether they may see it, so there is none."""
        return None

    def get_field_queryset(self, db, db_field, request):
        """What a form offers of other rows is what their own pages show this person."""
        related = db_field.remote_field.model
        if not self.admin_site.is_registered(related):
            return related._default_manager.none()
        return self.admin_site.get_model_admin(related).get_queryset(request)


class ReadOnly(ByRole):
    """For a ModelAdmin or an inline whose rows only services write."""

    def has_add_permission(self, request, obj=None) -> bool:
        return False

    def has_change_permission(self, request, obj=None) -> bool:
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        return False


class ReadOnlyAdmin(ReadOnly, KeepsHistory, admin.ModelAdmin):
    """Shows every column of a row; changes come by the services' buttons, never by a form."""

    paginator = GrowingPaginator
    show_full_result_count = False
    list_per_page = 50
    actions = None

    def get_fieldsets(self, request, obj=None):
        """A row's facts beside each other, as many as fit."""
        if self.fieldsets:
            [(title, facts)] = self.fieldsets
            return [(title, {**facts, "fields": self._told(facts["fields"])})]
        return [(None, {"classes": ["facts"], "fields": [self.get_fields(request, obj)]})]

    def get_fields(self, request, obj=None):
        """What the model says of itself first, then how the worker fares with it, and last its id."""
        columns = sorted(
            self.model._meta.concrete_fields, key=lambda field: (field.name == "id", field.name in LEASE)
        )
        return self._told(self._for(request, self.fields or [_shown(field) for field in columns]))

    def get_search_results(self, request, queryset, search_term):
        """Rows that have each word in one of `search_fields`; those that begin with `=` are the whole field.

        Each field is looked up by itself, with its index: Django's one OR over all joins reads every table.
        Wide letters are as good as narrow ones, in every column; names have keys (`search_key`).
        """
        for word in unicodedata.normalize("NFKC", search_term).split() if self.search_fields else []:
            rows = self.model._base_manager.order_by()
            found = [rows.filter(**_lookup(field, word)).values("pk") for field in self.search_fields]
            queryset = queryset.filter(pk__in=found[0].union(*found[1:]))
        return queryset, False

    def get_list_display(self, request):
        return self._told(self._for(request, super().get_list_display(request)))

    def get_list_filter(self, request):
        return [one for one in self.list_filter if one is not ParkedFilter or may(request.user, OPERATE)]

    def _for(self, request, columns) -> list:
        """How the worker fares with a row is the operators'."""
        return [one for one in columns if one not in LEASE or may(request.user, OPERATE)]

    def _told(self, names) -> list:
        return with_moments(self.model, names, self.event_path)

    def get_readonly_fields(self, request, obj=None):
        return flatten_fieldsets(self.get_fieldsets(request, obj))


class ReadOnlyInline(ReadOnly, admin.TabularInline):
    extra = 0
    template = "admin/read_only_inline.html"


class ParkedFilter(admin.SimpleListFilter):
    """Work that the worker gave up after its last attempt, or that has been failing for minutes."""

    title = _("failing jobs")
    parameter_name = "parked"

    def lookups(self, request, model_admin):
        return [("yes", _("Given up")), ("failing", _("Failing for minutes"))]

    def queryset(self, request, queryset: QuerySet) -> QuerySet:
        match self.value():
            case "yes":
                return queryset.filter(parked_at__isnull=False)
            case "failing":
                return failing(queryset)
        return queryset


def _lookup(search_field: str, word: str) -> dict[str, Any]:
    if search_field.startswith("="):
        return {f"{search_field[1:]}__in": {word, word.upper(), word.lower()}}
    if search_field.endswith("__folded"):
        return {search_field: word}
    return {f"{search_field}__icontains": word}


def _shown(field: Field) -> str | Callable[[Model], str]:
    """A field as a page shows it: amounts are readable."""
    return sats_column(field.name, field.verbose_name) if field.name.endswith("sats") else field.name


@functools.cache  # the admin knows a column again by its identity
def amount_column(
    field: str, label: "str | StrPromise", currency: str, ordering: str = ""
) -> Callable[[Model], str]:
    """A column for an amount in minor units of the `currency` that the row, or one it leads to, has."""

    @admin.display(description=label, ordering=ordering or field)
    def amount(row: Model) -> str:  # its name is in the cells' class
        value = getattr(row, field)
        return "-" if value is None else format_amount(value, attrgetter(currency)(row))

    return amount


@functools.cache
def sats_column(field: str, label: "str | StrPromise") -> Callable[[Model], str]:
    """A column for an amount whose name ends in `_sats` or `_msats`."""
    unit = 1 if field.endswith("_msats") else MSATS_PER_SAT

    @admin.display(description=label, ordering=field)
    def amount(row: Model) -> str:  # its name is in the cells' class
        value = getattr(row, field)
        return "-" if value is None else format_msats(value * unit)

    return amount
