"""Scopes: the rows that a report or an export is about, for whoever asks."""

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from accounts.roles import Ability, visible
from events.models import Event
from events.organizer_models import Organizer


@dataclass(frozen=True)
class Scope:
    """What `user` may see, of an `event`, an `organizer` or all; without a user (a command) everything."""

    user: Any = None
    event: Event | None = None
    organizer: Organizer | None = None

    def rows(self, model: Any, database: str, ability: Ability, event: str) -> QuerySet[Any, Any]:
        """Rows of `model`, whose event is at the end of the path `event`."""
        rows = model.objects.using(database)
        if self.user is not None:
            rows = visible(self.user, rows, ability)
        if self.organizer is not None:
            rows = rows.filter(**{f"{event}__organizer": self.organizer.pk})
        return rows if self.event is None else rows.filter(**{event: self.event.pk})
