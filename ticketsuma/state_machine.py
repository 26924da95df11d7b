"""State machines of rows, and rows that are jobs of the worker."""

import functools
from typing import Any, ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .errors import DomainError
from .kept_queries import KeptUpdate, Slot


class InvalidTransition(DomainError):
    code = "invalid_transition"
    message = _("That is no longer possible: it has changed in the meantime.")


class StateMachine(models.Model):
    """A row whose `status` moves only along `transitions`."""

    transitions: ClassVar[dict[str, set[str]]] = {}
    status: Any

    class Meta:
        abstract = True

    def advance(self, to: str, /, **changes) -> None:
        """Move to `to` and save `changes`, or raise `InvalidTransition`; `updated_at` moves along.

        One UPDATE compares the old status and sets the new one, so of two processes that hold
        the same row exactly one wins, on any database.
        """
        if to not in self.transitions.get(self.status, ()):
            raise InvalidTransition(f"{self._meta.label}: {self.status} → {to} is not a legal step.")
        if any(field.name == "updated_at" for field in self._meta.fields):  # update() leaves auto_now alone
            changes.setdefault("updated_at", timezone.now())
        step = _step(type(self), tuple(changes))
        if not step(row=self.pk, old_status=self.status, status=to, **changes):
            raise InvalidTransition()
        self.status = to
        for name, value in changes.items():
            setattr(self, name, value)


@functools.cache
def _step(model: type[StateMachine], changed: tuple[str, ...]) -> KeptUpdate:
    """Set the status of the `row` that has `old_status`, and what else is `changed`."""

    def make() -> tuple[models.QuerySet[Any, Any], dict[str, Any]]:
        field: Any = model._meta.get_field
        rows: models.Manager[Any] = model._base_manager
        old = rows.filter(pk=Slot("row", model._meta.pk), status=Slot("old_status", field("status")))
        return old, {name: Slot(name, field(name)) for name in ("status", *changed)}

    return KeptUpdate(make)
