"""Kept connections are shared among the web processes, whoever accepted them first."""

import http.client
import os
import signal
import sys
from collections import Counter
from contextlib import suppress

import pytest

from tests.processes import Process, free_port, wait_until
from tests.tree import ROOT

CONNECTIONS = 16


def application(environ, start_response):
    body = str(os.getpid()).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


@pytest.fixture
def server(tmp_path):
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "-c", os.devnull, "--workers", "2", "--threads", "32"]
    command += ["-k", "ticketsuma.web.gunicorn_worker.ReadingWorker", "--keep-alive", "10", "--preload"]
    command += ["--no-control-socket", "-b", f"127.0.0.1:{port}", "tests.journeys.test_balance:application"]
    process = Process("gunicorn", command, cwd=ROOT, env=dict(os.environ), log=tmp_path / "log")
    process.port = port
    process.start()
    yield process
    process.stop()


def ask(client: http.client.HTTPConnection) -> int:
    """The process that answers; the connection is kept, or made anew where the last answer closed it."""
    client.request("GET", "/")
    return int(client.getresponse().read())


def test_of_kept_connections_no_process_has_more_than_half_again(server):
    clients = [http.client.HTTPConnection("127.0.0.1", server.port, timeout=10) for _ in range(CONNECTIONS)]

    def both_answer() -> bool:
        with suppress(OSError):
            seen.add(ask(http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)))
        return len(seen) == 2

    seen: set[int] = set()
    wait_until(both_answer, 20, "both processes answer")
    frozen = seen.pop()
    os.kill(frozen, signal.SIGSTOP)  # all connections come to the other one
    assert {ask(client) for client in clients} == seen
    os.kill(frozen, signal.SIGCONT)

    def shares() -> list[int]:
        return sorted(Counter(ask(client) for client in clients).values())

    wait_until(lambda: len(found := shares()) == 2 and found[1] <= 1.5 * found[0], 10, "a fair share of both")
