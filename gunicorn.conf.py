"""gunicorn as measured: threads hold the open event streams, two processes share the two cores."""

import gc
import os
import resource
import shutil
import signal
import sys
import tempfile

from django.conf import settings
from gunicorn.glogging import Logger

from ticketsuma.conf import logging_config
from ticketsuma.conf.bootstrap import read_settings

read_settings()  # once, before any process is forked; a wrong setting ends the start here

if settings.METRICS_PORT and "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
    # Where the processes of this server count together; prometheus_client looks when it is first imported.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="metrics-")


class StructlogLogger(Logger):
    """gunicorn's own words, in the form of every other line. Requests have their own middleware."""

    def setup(self, cfg):
        super().setup(cfg)
        logging_config.configure(settings.LOGGING)
        self.error_log.handlers.clear()
        self.error_log.propagate = True

    def warning(self, msg, *args, **kwargs):
        """The line of a request that cannot be read may hold a token: it is not repeated."""
        super().warning(msg.partition(" from ip=")[0], *args, **kwargs)

    def exception(self, msg, *args, **kwargs):
        """That a client stalled is no fault of ours (`ticketsuma.web.gunicorn_worker.STALLED_SECONDS`)."""
        say = self.debug if isinstance(sys.exc_info()[1], BlockingIOError) else super().exception
        say(msg, *args, **kwargs)


bind = [f"{settings.HOST}:{settings.PORT}"]
if settings.METRICS_PORT:
    bind.append(f"{settings.HOST}:{settings.METRICS_PORT}")
worker_class = "ticketsuma.web.gunicorn_worker.ReadingWorker"
sendfile = False  # it waits without end for a client that does not read
workers = int(os.environ.get("WEB_WORKERS", "2"))
threads = settings.WEB_THREADS
worker_connections = 1000
keepalive = int(os.environ.get("WEB_KEEPALIVE_SECONDS", "10"))
timeout = 60
graceful_timeout = 3  # with open streams too, the whole stop stays below five seconds
preload_app = (
    True  # imported once, shared by the processes; nothing opens a connection or a thread before the fork
)
max_requests = 0  # a recycled worker would cut its open streams
logger_class = StructlogLogger
forwarded_allow_ips = os.environ.get("FORWARDED_ALLOW_IPS", "127.0.0.1")
control_socket_disable = True


def when_ready(server):
    """Before the first fork: garbage is looked for among what requests make, and not several times in each.

    What was imported is frozen: walking it, a process would copy the pages that it shares with the others.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def post_worker_init(worker):
    """SIGTERM ends the open event streams first; waiting for them would eat the whole graceful timeout."""
    from tickets.reports import counting

    gunicorns_own = signal.getsignal(signal.SIGTERM)

    def stop_streams(signum, frame):
        from ticketsuma.web import sse

        sse.stop_all()
        gunicorns_own(signum, frame)

    signal.signal(signal.SIGTERM, stop_streams)
    counting.start()
    _most, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = worker_connections + 256
    if _most < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard < 0 else min(wanted, hard), hard))


def worker_exit(server, worker):
    """In the process that ends: what it counted is written."""
    from tickets.reports import counting

    counting.stop()


def child_exit(server, worker):
    """A process that is gone has no connections, and listens to no page any more."""
    worker.leave()
    if settings.METRICS_PORT:
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(worker.pid)


def on_exit(server):
    if settings.METRICS_PORT:
        shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)
