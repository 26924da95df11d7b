"""Metrics of one process or one server's processes: where they are gathered, and the worker's own port."""

import logging
import os

from django.conf import settings
from prometheus_client import REGISTRY, CollectorRegistry, Counter, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector

LOG_LINES = Counter("tickets_log_lines", "Lines of the log that say something is wrong", ["level"])
for _level in ("warning", "error", "critical"):
    LOG_LINES.labels(_level)


class CountingHandler(logging.Handler):
    """Counts warnings and worse, and writes nothing: one of the root logger's (`settings.LOGGING`)."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        LOG_LINES.labels(record.levelname.lower()).inc()


def own_registry() -> CollectorRegistry:
    """What this process counted, or, behind gunicorn, all processes of this server together."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return registry


def serve() -> None:
    """Start hook of the worker: its own metrics, at METRICS_PORT. Rows are told by the web servers."""
    if settings.METRICS_PORT:
        start_http_server(settings.METRICS_PORT, addr=settings.HOST, registry=own_registry())
