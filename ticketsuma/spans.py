"""Spans of time, `[begin, end)` of two columns: PostgreSQL finds those that hold a moment by an index.

One index of begins and another of ends cannot: each says half of it, which is half of the table.
"""

from datetime import datetime
from typing import Any

from django.contrib.postgres.indexes import GistIndex
from django.db import connections
from django.db.models import BooleanField, F, Func, Index, Q, QuerySet, Value


class SpanIndex(Index):
    """Index(fields=[begin, end], name=…); on PostgreSQL of the span from one to the other."""

    def create_sql(self, model, schema_editor, using="", **options):
        if schema_editor.connection.vendor != "postgresql":
            return super().create_sql(model, schema_editor, using=using, **options)
        of_spans = GistIndex(_span(*self.fields), name=self.name)
        return of_spans.create_sql(model, schema_editor, **options)


def holding(rows: QuerySet[Any], begin: str, end: str, moment: datetime) -> QuerySet[Any]:
    """Those of `rows` with begin <= moment < end."""
    if connections[rows.db].vendor != "postgresql":
        return rows.filter(Q(**{f"{begin}__lte": moment, f"{end}__gt": moment}))
    return rows.filter(
        Func(_span(begin, end), Value(moment), template="(%(expressions)s)", arg_joiner=" @> ",
             output_field=BooleanField())
    )  # fmt: skip


def _span(begin: str, end: str) -> Func:
    return Func(F(begin), F(end), function="tstzrange")
