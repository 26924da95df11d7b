"""Error reports to Sentry: off without SENTRY_DSN; what a report may hold is listed, all else is cut.

Reports are made of lines of the log at ERROR or worse, with their traceback: no integration looks at
requests, so no address, header, cookie, body, user, query or local variable is ever gathered.
"""

import re
from typing import Any

from django.conf import settings

from ticketsuma import __version__

from .logging_config import scrub

# BOLT11s, tokens, codes, hashes and keys; the id of a row (UUID) opens nothing and stays.
_OPENS = re.compile(r"[A-Za-z0-9+/_=.:%$-]{20,}")
_ROW = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}:?")
_URL = re.compile(r"\b(?:https?|postgres(?:ql)?|redis|smtp\S*?)://\S+", re.IGNORECASE)
_FRAME = ("filename", "function", "module", "lineno", "in_app")


def start() -> None:
    """Called once a process, when the apps are ready; a report is sent by a thread of its own."""
    if not settings.SENTRY_DSN:
        return
    import sentry_sdk
    from sentry_sdk.integrations.logging import LoggingIntegration

    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        release=__version__,
        environment=settings.SITE_HOST,
        default_integrations=False,
        integrations=[LoggingIntegration(level=None)],
        before_send=allowed,
        max_breadcrumbs=0,
        include_local_variables=False,
        include_source_context=False,
        send_default_pii=False,
        auto_session_tracking=False,
        send_client_reports=False,
        server_name="",
    )


def cut(text: object) -> str:
    """The text without addresses of people, URLs, and anything long enough to open something."""
    kept = scrub(_URL.sub("[url]", str(text)))
    return _OPENS.sub(lambda run: run[0] if _ROW.fullmatch(run[0]) else "[cut]", kept)[:2000]


def allowed(event: Any, _hint: Any) -> Any:
    """Of a report: when, where and what went wrong, in words that are cut. Nothing else leaves."""
    import structlog

    said = event.get("logentry") or {}
    bound = structlog.contextvars.get_contextvars()
    return {
        **{
            name: event[name]
            for name in ("event_id", "timestamp", "level", "logger", "release", "environment", "platform")
            if name in event
        },
        "logentry": {"message": cut(said.get("formatted") or said.get("message") or "")},
        "tags": {"request_id": bound["request_id"]} if "request_id" in bound else {},
        "exception": {
            "values": [_exception(one) for one in (event.get("exception") or {}).get("values", [])]
        },
    }


def _exception(one: dict[str, Any]) -> dict[str, Any]:
    frames = (one.get("stacktrace") or {}).get("frames", [])
    return {
        "type": one.get("type"),
        "module": one.get("module"),
        "value": cut(one.get("value") or ""),
        "stacktrace": {
            "frames": [{name: frame[name] for name in _FRAME if name in frame} for frame in frames]
        },
    }
