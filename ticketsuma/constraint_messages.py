"""Form errors for database constraints, at the field they are about."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.functional import Promise


class Said:
    """Mixin for a constraint: a form answers with `says`, at the field `at` where there is one.

    Migrations do not see the words: other words make no other database.
    """

    def __init__(self, *args: Any, at: str = "", says: str | Promise = "", **kwargs: Any):
        super().__init__(*args, violation_error_message=says or None, **kwargs)  # type: ignore[call-arg]
        self.at, self.says = at, says

    def deconstruct(self):
        _path, args, kwargs = super().deconstruct()
        kwargs.pop("violation_error_message", None)
        plain = next(base for base in type(self).__mro__ if base.__module__.startswith("django."))
        return f"django.db.models.{plain.__name__}", args, kwargs

    def __eq__(self, other):
        return isinstance(other, models.BaseConstraint) and self.deconstruct() == other.deconstruct()

    __hash__ = None  # type: ignore[assignment]  # as Django's own

    def clone(self):
        _path, args, kwargs = self.deconstruct()
        return type(self)(*args, at=self.at, says=self.says, **kwargs)

    def validate(self, *args: Any, **kwargs: Any) -> None:
        try:
            super().validate(*args, **kwargs)  # type: ignore[misc]
        except ValidationError as refusal:
            raise (ValidationError({self.at: refusal}) if self.at else refusal) from None


class Check(Said, models.CheckConstraint):
    pass


class Unique(Said, models.UniqueConstraint):
    pass
