"""History: who did what to which row, append-only. Services write it in their own transaction."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.conf import settings
from django.db import models
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ticketsuma.conf.logging_config import scrub

from .history_words import ACTS, WAYS, told
from .roles import role_of, role_word

CHANGED = "…"  # in place of a value that the history must not hold


class AppendOnly(Exception):
    """Rows that are written once and never changed or deleted."""


class HistoryQuerySet(models.QuerySet):
    def about(self, rows: Iterable[models.Model]) -> "HistoryQuerySet":
        """What was done to these rows, oldest first."""
        wanted = models.Q(pk__in=[])
        for row in rows:
            wanted |= models.Q(row=row._meta.label_lower, row_id=str(row.pk))
        return self.filter(wanted).order_by("at", "pk")

    def _refuse(self, *args: Any, **kwargs: Any):
        raise AppendOnly

    update = delete = bulk_update = _refuse


class HistoryEntry(models.Model):
    """One act. Name and address of staff are copied; a buyer's are not: they may leave, and be forgotten.

    The database refuses changes as well (PostgreSQL also deletions), but for the actor's row going away.
    """

    at = models.DateTimeField(_("when"), default=timezone.now)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("actor"),
    )  # fmt: skip
    actor_name = models.CharField(_("actor's name"), max_length=120, blank=True)
    actor_email = models.CharField(_("actor's e-mail"), max_length=254, blank=True)
    role = models.CharField(
        _("role"), max_length=10, blank=True, default="", db_default="",
        help_text=_("In which staff acted; empty: the buyer, a command, or before roles were kept."),
    )  # fmt: skip
    via = models.CharField(_("source"), max_length=40, help_text=_("page, api, or a command's name."))
    act = models.CharField(_("action"), max_length=20)
    row = models.CharField(_("object type"), max_length=60)
    row_id = models.CharField(_("object id"), max_length=64)
    row_name = models.CharField(_("object name"), max_length=200, blank=True)
    details = models.JSONField(_("details"), default=dict, blank=True)

    objects = HistoryQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("history entry"), _("history")
        indexes = [
            models.Index(fields=["row", "row_id"], name="accounts_history_row"),
            models.Index(fields=["at"], name="accounts_history_at"),
        ]

    def __str__(self) -> str:
        return f"{self.who}: {self.says}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnly
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any):
        raise AppendOnly

    @property
    def who(self) -> str:
        """The actor as copied, with the role; else how it came about: `page`, `api`, `manage.py …`."""
        if not self.actor_email:
            return self.via
        return f"{self.actor_email} ({role_word(self.role)})" if self.role else self.actor_email

    @property
    def says(self) -> str:
        """The act and its details, for people."""
        return self.told()

    def told(self, zone_name: str = "UTC") -> str:
        """The same with moments by the clocks of `zone_name`."""
        return told(self.act, self.row, self.details, zone_name)

    @property
    def way(self) -> str:
        """By which way it was done, for people."""
        return str(WAYS.get(self.via, self.via))


# -- who acts ---------------------------------------------------------------------------------
_request: ContextVar[HttpRequest | None] = ContextVar("request that acts", default=None)
_command: ContextVar[str] = ContextVar("command that acts", default="")
_written: ContextVar[list | None] = ContextVar("entries written", default=None)


@contextmanager
def acting(request: HttpRequest) -> Iterator[None]:
    """What is done inside was asked for by the sender of `request`."""
    token = _request.set(request)
    try:
        yield
    finally:
        _request.reset(token)


@contextmanager
def by_command(name: str) -> Iterator[None]:
    """What is done inside was done by `manage.py name`."""
    token = _command.set(f"manage.py {name}")
    try:
        yield
    finally:
        _command.reset(token)


@contextmanager
def watch() -> Iterator[list]:
    """The entries that are written inside."""
    written: list = []
    token = _written.set(written)
    try:
        yield written
    finally:
        _written.reset(token)


def actor() -> Any:
    """The user who sent the request that is being answered; None for strangers and commands."""
    user = getattr(_request.get(), "user", None)
    return user if user is not None and user.is_authenticated else None


def record(act: str, row: models.Model, **details: Any) -> HistoryEntry | None:
    """Write that the one who acts did `act` to `row`; in the transaction of the act itself.

    What the shop does by itself (worker, webhooks) is told by the rows and not written: None. `details`
    are plain values, or [old, new]; never an address of a person, a token or a stream. What a button said
    may name one, and is kept without.
    """
    if act not in ACTS:
        raise ValueError(f"{act} is not an act the history knows")
    request, command = _request.get(), _command.get()
    if request is None and not command:
        return None
    user = actor()
    staff = user if user is not None and user.is_staff else None
    entry = HistoryEntry.objects.create(
        actor=user,
        actor_name=staff.name if staff else "",
        actor_email=staff.email if staff else "",
        role=role_of(staff, row) if staff else "",
        via=command or ("api" if request and request.path_info.startswith("/api/") else "page"),
        act=act,
        row=row._meta.label_lower,
        row_id=str(row.pk),
        row_name=getattr(row, "name_in_history", None) or str(row)[:200],
        details={name: scrub(value) if isinstance(value, str) else value for name, value in details.items()},
    )
    written = _written.get()
    if written is not None:
        written.append(entry)
    return entry
