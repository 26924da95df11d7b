"""Changes of events by staff, for the history: the fields that differ, by admin or API."""

from typing import Any

from accounts.history import CHANGED, record

from .models import Event

# Kept by nobody but the row: counted by sales, or made by the row itself.
_NOT_TOLD = {
    "id",
    "seats_taken",
    "created_at",
    "updated_at",
    "version",
    "ical_uid",
    "search_key",
    "default_type_id",
    "kept_questions",
}
# Told as changed, without the values: secret, or too long.
_WITHOUT_VALUE = {"stream_url", "description", "cover", "contact_email"}


def fields_of(event: Event | None) -> dict[str, Any]:
    """What the history compares; nothing of an event that is not there yet. One query."""
    row = Event.objects.filter(pk=event.pk).values().first() if event and event.pk else None
    return {name: value for name, value in (row or {}).items() if name not in _NOT_TOLD}


def record_change(event: Event, before: dict[str, Any]) -> None:
    """Write that `event`, just saved, is another than `before` (`fields_of`); in the saving transaction."""
    if not before:
        record("add", event)
        return
    after = fields_of(event)
    changed = {name: [before[name], after[name]] for name in after if before[name] != after[name]}
    if changed:
        record("change", event, **{name: _told(name, values) for name, values in changed.items()})


def _told(name: str, values: list[Any]) -> Any:
    if name in _WITHOUT_VALUE:
        return CHANGED
    return [value if isinstance(value, int | None) else str(value) for value in values]
