"""gunicorn as measured: threads hold the open event streams, two processes share the two cores."""

import os
import signal

from django.conf import settings
from gunicorn.glogging import Logger

from ticketsuma import logs
from ticketsuma.start import read_settings

read_settings()  # once, before any process is forked; a wrong setting ends the start here


class LikeOurs(Logger):
    """gunicorn's own words, in the form of every other line. Requests are logged by `ticketsuma.logs`."""

    def setup(self, cfg):
        super().setup(cfg)
        logs.configure(settings.LOGGING)
        self._set_handler(self.error_log, None, None)
        self.error_log.propagate = True


bind = f"0.0.0.0:{settings.PORT}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_WORKERS", "2"))
threads = int(os.environ.get("WEB_THREADS", "320"))
worker_connections = 1000
keepalive = 10
timeout = 60
graceful_timeout = 3  # with open streams too, the whole stop stays below five seconds
preload_app = (
    True  # imported once, shared by the processes; nothing opens a connection or a thread before the fork
)
max_requests = 0  # a recycled worker would cut its open streams
logger_class = LikeOurs
forwarded_allow_ips = os.environ.get("FORWARDED_ALLOW_IPS", "127.0.0.1")
control_socket_disable = True


def post_worker_init(worker):
    """SIGTERM ends the open event streams first; waiting for them would eat the whole graceful timeout."""
    gunicorns_own = signal.getsignal(signal.SIGTERM)

    def stop_streams(signum, frame):
        from ticketsuma import live

        live.stop_all()
        gunicorns_own(signum, frame)

    signal.signal(signal.SIGTERM, stop_streams)
