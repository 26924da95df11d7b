"""State machines of rows, and rows that are jobs of the worker."""

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .errors import DomainError


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
        rows: models.Manager[Any] = type(self)._base_manager
        row = rows.filter(pk=self.pk, status=self.status)
        if not row.update(status=to, **changes):
            raise InvalidTransition()
        self.status = to
        for name, value in changes.items():
            setattr(self, name, value)
