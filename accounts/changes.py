"""Changes of rows by staff, for the history: the columns that differ, by admin or API."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import models

from .history import CHANGED, record

# Told as changed, without the values: too long, a file, or somebody's address.
_WITHOUT_VALUE = (models.TextField, models.FileField, models.EmailField)


def fields_of(row: models.Model | None) -> dict[str, Any]:
    """What the history compares of a row as it is saved; nothing of one that is not there yet."""
    if row is None or row.pk is None:
        return {}
    return fields_of_all(type(row), [row.pk]).get(row.pk, {})


def fields_of_all(model: type[models.Model], pks: Iterable[Any]) -> dict[Any, dict[str, Any]]:
    """The same of several, by their keys: the columns that forms may have, and the model's `told_in_history`.

    One query, and one for each many-to-many field.
    """
    also = getattr(model, "told_in_history", ())
    columns = [field for field in model._meta.concrete_fields if not field.primary_key]
    told = [field for field in columns if field.editable or field.name in also]
    rows = model._base_manager.filter(pk__in=list(pks))
    found = {row["pk"]: row for row in rows.values("pk", *(field.name for field in told))}
    for row in found.values():
        row.update({field.name: [] for field in model._meta.many_to_many})
    for field in model._meta.many_to_many:
        for pk, chosen in rows.exclude(**{field.name: None}).values_list("pk", field.name):
            found[pk][field.name] = sorted([*found[pk][field.name], chosen])
    return {
        pk: {name: _to_the_second(value) for name, value in row.items() if name != "pk"}
        for pk, row in found.items()
    }


def _to_the_second(value: Any) -> Any:
    """Forms know no parts of it."""
    return value.replace(microsecond=0) if isinstance(value, datetime) else value


def record_change(row: models.Model, before: dict[str, Any]) -> None:
    """Write that `row`, just saved, is another than `before` (`fields_of`); in the saving transaction.

    Columns in the model's `hidden_in_history` are told without their values; its `in_history(name, value)`
    says a value for people.
    """
    if not before:
        record("add", row)
        return
    after = fields_of(row)
    changed = {name: [before[name], after[name]] for name in after if before[name] != after[name]}
    if changed:
        record("change", row, **{name: _told(row, name, values) for name, values in changed.items()})


def record_removal(part: models.Model, whole: models.Model) -> None:
    """Write that `part`, which is about to be deleted, was one of `whole`, on whose page it is told."""
    record("delete", part)
    name = getattr(part, "name_in_history", None) or str(part)
    record("change", whole, **{part._meta.label_lower: [name, None]})


def _told(row: Any, name: str, values: list[Any]) -> Any:
    field = row._meta.get_field(name)
    if isinstance(field, _WITHOUT_VALUE) or name in getattr(row, "hidden_in_history", ()):
        return CHANGED
    if field.is_relation:
        return _names(field, values)
    say = getattr(row, "in_history", lambda _name, value: value)
    plain = [say(name, value) for value in values]
    return [value if isinstance(value, int | None) else str(value) for value in plain]


def _names(field: Any, values: list[Any]) -> list[str | None]:
    """Names in place of keys: of one row, or of several."""
    several = [value if isinstance(value, list) else [value] for value in values]
    rows = field.related_model._base_manager.in_bulk({pk for pks in several for pk in pks if pk is not None})
    named = {pk: getattr(row, "name_in_history", None) or str(row) for pk, row in rows.items()}
    return [", ".join(named.get(pk, f"#{pk}") for pk in pks if pk is not None) or None for pks in several]
