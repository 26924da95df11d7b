"""Paginator of lists that grow: a page costs the same however long its list is.

The rows of a page are found by their keys first, so that neither wide rows nor joins are read and thrown
away; what is longer than `COUNTED` is counted once a minute, not for each reader.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.core.paginator import EmptyPage, Page, PageNotAnInteger, Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property

COUNTED = 1000
COUNT_LASTS_SECONDS = 60


class GrowingPaginator(Paginator):
    """Pages of a queryset. `count` is exact, but of more than COUNTED rows it is up to a minute old.

    However old it is, `page()` answers every page that there is.
    """

    object_list: QuerySet[Any]

    @cached_property
    def count(self) -> int:
        rows = self._keys().order_by()  # in order, all of them would be sorted before they are cut
        name = _name_of(rows)
        if long := cache.get(name):
            return long
        few = rows[: COUNTED + 1].count()
        if few <= COUNTED:
            return few
        return cache.get_or_set(name, rows.count, COUNT_LASTS_SECONDS) or few

    def validate_number(self, number: Any) -> int:
        """Any number from 1 on: whether there is such a page, its rows say."""
        try:
            number = int(number)
        except (TypeError, ValueError):
            raise PageNotAnInteger(self.error_messages["invalid_page"]) from None
        if number < 1:
            raise EmptyPage(self.error_messages["min_page"])
        return number

    def page(self, number: Any):
        number = self.validate_number(number)
        start = (number - 1) * self.per_page
        keys = list(self._keys()[start : start + self.per_page + 1])
        if not keys and number > 1:
            raise EmptyPage(self.error_messages["no_results"])
        end = start + len(keys)
        self.__dict__.pop("num_pages", None)  # it follows from the count
        if len(keys) <= self.per_page:
            self.count = end
        else:
            self.count = max(self.count, end)
        return Page(self._rows(keys[: self.per_page]), number, self)

    def get_page(self, number: Any):
        """The page of this number, whatever it is: the first when it is no number, the last when too high."""
        try:
            return self.page(number)
        except PageNotAnInteger:
            return self.page(1)
        except EmptyPage:
            return self.page(self.num_pages)

    def _keys(self) -> QuerySet[Any]:
        return self.object_list.values_list("pk", flat=True)

    def _rows(self, keys: Sequence[Any]) -> list[Any]:
        """The rows of these keys, in their order; without what went meanwhile."""
        if not keys:
            return []
        found = {row.pk: row for row in self.object_list.filter(pk__in=keys).order_by()}
        return [found[key] for key in keys if key in found]


def _name_of(rows: QuerySet[Any]) -> str:
    """A name for what is counted: its statement, with moments to the minute, for most begin with now."""
    statement, values = rows.query.sql_with_params()
    rounded = [
        value.replace(second=0, microsecond=0) if isinstance(value, datetime) else value for value in values
    ]
    return "count-" + hashlib.sha256(repr((rows.db, statement, rounded)).encode()).hexdigest()
