"""gunicorn of the sandbox: one process with many threads, as hanging faults hold threads."""

import os

bind = f"{os.environ.get('SANDBOX_HOST', '127.0.0.1')}:{os.environ.get('SANDBOX_PORT', '8081')}"
worker_class = "gthread"
workers = 1
threads = 96
keepalive = 10
graceful_timeout = 2
timeout = 120
accesslog = "-" if os.environ.get("SANDBOX_ACCESS_LOG") else None
loglevel = "warning"


def post_worker_init(worker):
    """Threads do not survive a fork, so the background thread starts in the worker."""
    from node import background
    from wallet import requests

    requests.recover()
    background.start()


def worker_exit(server, worker):
    from node import background

    background.stop()
