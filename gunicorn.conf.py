"""gunicorn as measured: threads hold the open event streams, two processes share the two cores."""

import os
import signal

bind = f"0.0.0.0:{os.environ.get('PORT', '8080')}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_WORKERS", "2"))
threads = int(os.environ.get("WEB_THREADS", "320"))
worker_connections = 1000
keepalive = 10
timeout = 60
graceful_timeout = 5
max_requests = 0  # a recycled worker would cut its open streams
accesslog = os.environ.get("WEB_ACCESS_LOG") or None
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
