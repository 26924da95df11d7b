"""Clients of the benchmarks: wrk, which is not the limit, and threads for what takes several requests."""

import shutil
import statistics
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).with_name("wrk.lua")


@dataclass(frozen=True)
class Rate:
    """What was done in `seconds`; latencies in ms."""

    done: int
    seconds: float
    median_ms: float
    p95_ms: float
    wrong: int = 0

    @property
    def per_second(self) -> float:
        return self.done / self.seconds


def need_wrk() -> str:
    return shutil.which("wrk") or sys.exit("wrk is needed (Debian: apt install wrk).")


def wrk(
    url: str,
    seconds: float,
    *,
    clients: int,
    events: Sequence[int] = (),
    body: str = "",
    headers: Sequence[str] = (),
) -> Rate:
    """GETs of `url` by `clients` kept connections; with `body`, POSTs of this JSON; with `events`, purchases
    of one after the other, each by a stranger at an address of their own.
    """
    command = [need_wrk(), "-t", "2", "-c", str(clients), "-d", f"{max(1, round(seconds))}s"]
    command += ["-s", str(SCRIPT), "--timeout", "20s"]
    command += [part for header in headers for part in ("-H", header)]
    command += [url, "--"]
    if events:
        command += ["buy", uuid.uuid4().hex, *map(str, events)]
    elif body:
        command += ["post", body]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    line = next(line for line in said.splitlines() if line.startswith("RESULT"))
    done, micros, median, p95, wrong = (int(number) for number in line.split()[1:])
    return Rate(done, micros / 1e6, median / 1000, p95 / 1000, wrong)


def together(clients: int, seconds: float, flow: Callable[[], None]) -> Rate:
    """`flow`, again and again, by so many threads; one that raises is counted as wrong."""
    took: list[float] = []
    wrong: list[Exception] = []
    began = time.monotonic()

    def client() -> None:
        while time.monotonic() - began < seconds:
            started = time.monotonic()
            try:
                flow()
            except Exception as error:
                wrong.append(error)
            else:
                took.append(time.monotonic() - started)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(took) < 2:
        raise RuntimeError(f"nothing went well: {wrong[:1]}")
    p95 = statistics.quantiles(took, n=20)[-1]
    spent = time.monotonic() - began
    return Rate(len(took), spent, statistics.median(took) * 1000, p95 * 1000, len(wrong))
