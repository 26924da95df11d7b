"""Roles: abilities of staff, by organizer. Every staff page, act and API answer asks `may` or `visible`.

Operators (ADMIN_EMAILS) may everything, everywhere. Others have the role of their membership of an organizer
(`events.Membership`), for the rows of that organizer: a model says by `organizer_path` how its rows lead
there ("event__organizer"; "" for the organizer itself). Rows of a model without one are the operators', and
so are those that lead to no organizer.

Nothing is kept from one request to the next: a role that is taken away counts at once. Within a request the
memberships are read once, for the user that the request loaded.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from django.db import models
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

Rows = TypeVar("Rows", bound=QuerySet[Any, Any])


class Ability(StrEnum):
    MANAGE_EVENTS = "manage_events"
    SEE_GUESTS = "see_guests"
    SEE_MONEY = "see_money"
    MOVE_MONEY = "move_money"
    DOOR = "door"
    MESSAGES = "messages"
    TEAM = "team"
    OPERATE = "operate"  # what belongs to no organizer: node, jobs, accounts, limits


class Role(models.TextChoices):
    OWNER = "owner", _("Owner")
    MANAGER = "manager", _("Manager")
    FINANCE = "finance", _("Finance")
    DOOR = "door", _("Door")
    READER = "reader", _("Reader")


OPERATOR = "operator"  # in the history, beside the values of Role

ABILITIES: dict[str, frozenset[Ability]] = {
    Role.OWNER: frozenset(Ability) - {Ability.OPERATE},
    Role.MANAGER: frozenset(
        {Ability.MANAGE_EVENTS, Ability.SEE_GUESTS, Ability.DOOR, Ability.MESSAGES}
    ),
    Role.FINANCE: frozenset({Ability.SEE_GUESTS, Ability.SEE_MONEY, Ability.MOVE_MONEY}),
    Role.DOOR: frozenset({Ability.DOOR}),
    Role.READER: frozenset({Ability.SEE_GUESTS, Ability.SEE_MONEY}),
}  # fmt: skip


@dataclass(frozen=True)
class Grant:
    """One membership: the role, and the only events it is for (None: all of the organizer's)."""

    organizer_id: int
    role: str
    event_ids: frozenset[int] | None = None

    def covers(self, row: models.Model) -> bool:
        path = _path(type(row))
        if path is None:
            return False
        organizer = _follow(row, path)
        if organizer is None or organizer.pk != self.organizer_id:
            return False
        if self.event_ids is None:
            return True
        to_event = _path_to_event(type(row))
        event = None if to_event is None else _follow(row, to_event)
        return event is not None and event.pk in self.event_ids


def grants_of(user: Any) -> list[Grant]:
    """The memberships of `user`, in one statement; none of somebody shut out or with an unproven mailbox."""
    if not user.is_authenticated or not user.is_active:
        return []
    known = user.__dict__.get("_grants")
    if known is None:
        known = user.__dict__["_grants"] = _read_grants(user)
    return known


def _read_grants(user: Any) -> list[Grant]:
    if user.pk is None:
        return []
    events: dict[tuple[int, str], set[int]] = {}
    for organizer_id, role, event_id in user.memberships.values_list("organizer_id", "role", "events"):
        chosen = events.setdefault((organizer_id, role), set())
        if event_id is not None:
            chosen.add(event_id)
    if not events or not user.has_verified_email:
        return []
    return [
        Grant(organizer_id, role, frozenset(chosen) if role == Role.DOOR else None)
        for (organizer_id, role), chosen in events.items()
    ]


def may(user: Any, ability: Ability, row: models.Model | None = None) -> bool:
    """Whether `user` has `ability` for `row`; without a row, whether for any there might be."""
    if user.is_superuser:
        return True
    grants = [grant for grant in grants_of(user) if ability in ABILITIES.get(grant.role, ())]
    return bool(grants) if row is None else any(grant.covers(row) for grant in grants)


def visible(user: Any, rows: Rows, *abilities: Ability) -> Rows:
    """Those of `rows` for which `user` has any of `abilities`."""
    if user.is_superuser:
        return rows
    path, to_event = _path(rows.model), _path_to_event(rows.model)
    if path is None:
        return rows.none()
    grants = [grant for grant in grants_of(user) if ABILITIES.get(grant.role, frozenset()) & {*abilities}]
    whole = [grant.organizer_id for grant in grants if grant.event_ids is None]
    chosen = [pk for grant in grants for pk in grant.event_ids or ()]
    seen = Q(**{f"{path or 'pk'}__in": whole})
    if chosen and to_event is not None:
        seen |= Q(**{f"{to_event or 'pk'}__in": chosen})
    return rows.filter(seen)


def role_of(user: Any, row: models.Model) -> str:
    """In which role `user` acts on `row`, for the history; "" for somebody who is no staff there."""
    if user.is_superuser:
        return OPERATOR
    return next((grant.role for grant in grants_of(user) if grant.covers(row)), "")


def role_word(role: str) -> str:
    """A role of the history, for people."""
    return str(_("Operator") if role == OPERATOR else Role(role).label).lower()


# -- from a row to its organizer --------------------------------------------------------------
def _path(model: type[models.Model]) -> str | None:
    return getattr(model, "organizer_path", None)


def _path_to_event(model: type[models.Model]) -> str | None:
    """ "event" of "event__organizer"; "" for events themselves, None where no event is on the way."""
    if model._meta.label_lower == "events.event":
        return ""
    before, _dunder, last = (_path(model) or "").rpartition("__")
    return before if last == "organizer" and before.endswith("event") else None


def _follow(row: Any, path: str) -> Any:
    for name in filter(None, path.split("__")):
        row = getattr(row, name, None)  # a reverse one-to-one without a row raises an AttributeError
    return row
