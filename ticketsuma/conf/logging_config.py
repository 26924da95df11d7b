"""Logging: one line an event, readable in development, JSON in production, with the request's id."""

import logging
import logging.config
import re

import structlog
from structlog.typing import EventDict, Processor

# An e-mail or UMA address, also percent-encoded: mail servers and wallets repeat them when they refuse.
_ADDRESS = re.compile(r"[^\s\"'`<>()\[\]{},;:=\\/|]+(?:@|%40)[^\W_][\w.-]*(?::\d+)?")
# The link of a connected wallet: whoever has it may spend (NIP-47).
_WALLET_LINK = re.compile(r"nostr[+ ]?(?:%2B)?walletconnect[^\s\"'<>]*", re.IGNORECASE)
# PostgreSQL adds the row that broke a rule, or the statement with its values; both until the error's end.
_DETAILS = re.compile(
    r"^(DETAIL|CONTEXT|LINE \d+):.*?(?=\n\nThe above exception|\n\nDuring handling|\Z)",
    re.DOTALL | re.MULTILINE,
)


class PathRedactingFilter(logging.Filter):
    """Log filter: names the route of a refused request instead of its address, which may hold a token.

    On the handler, not on a logger: refused forms and hosts are told by loggers of their own.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        if request is None or not isinstance(record.args, tuple):
            return True
        match = getattr(request, "resolver_match", None)
        route = match.route if match else "no route"
        record.args = tuple(route if arg == request.path else arg for arg in record.args)
        return route != "health"  # its 503 is an answer, and every monitor's question would be a line


def scrub(text: str) -> str:
    """The text without addresses of people, links of wallets, and the rows that a database error repeats.

    Nearly no line has any, so each is looked for where there is a sign of it.
    """
    if ":" in text:
        text = _DETAILS.sub(r"\1: [cut]", text)
    if "walletconnect" in text.lower():
        text = _WALLET_LINK.sub("[wallet]", text)
    return _ADDRESS.sub("[address]", text) if "@" in text or "%40" in text else text


def scrubbed(logger, name: str, line: EventDict) -> EventDict:
    """Every word of a line by `scrub`; the last thing before it is written, whoever wrote it."""
    return {
        key: said if isinstance(said, int | float | None) else scrub(str(said)) for key, said in line.items()
    }


def configure(options: dict) -> None:
    """Set up logging (called by Django with `settings.LOGGING`)."""
    # No line says where it was written and by whom (Logging HOWTO, "Optimization").
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # Plain tracebacks, for people too: the locals of a frame are secrets, and a QuerySet asks the database.
    render: Processor = structlog.dev.ConsoleRenderer(
        colors=False, exception_formatter=structlog.dev.plain_traceback
    )
    if options["json"]:
        render = structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    quiet = {"level": "WARNING"}
    more = options.get("handlers", [])
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "line": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "foreign_pre_chain": shared,
                    "processors": [
                        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                        structlog.processors.format_exc_info,
                        scrubbed,
                        render,
                    ],
                }
            },
            "filters": {"route": {"()": PathRedactingFilter}},
            "handlers": {
                "out": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["route"]},
                **{path: {"class": path} for path in more},
            },
            "root": {"handlers": ["out", *more], "level": options["level"]},
            "loggers": {
                # Lightspark's client prints whole requests and answers, BOLT11 strings included.
                "lightspark": {"level": "CRITICAL"},
                "urllib3": quiet,
                "PIL": quiet,
                "django.request": {"level": "ERROR"},
                "django.security.DisallowedHost": {"level": "CRITICAL"},
            },
        }
    )
