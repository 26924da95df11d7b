"""Child processes that never outlive the test run, whatever ends it."""

import contextlib
import ctypes
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1
# How many times longer than on an idle machine things may take.
PATIENCE = float(os.environ.get("TEST_PATIENCE", "1"))
LOWEST_PORT, HIGHEST_PORT = 12_000, 32_000


def die_with_parent() -> None:
    """Linux: the kernel kills this child when the thread that started it ends (prctl(2))."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def find_program(name: str) -> str | None:
    """Where it is, also where only root looks (Debian's /usr/sbin)."""
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")


def free_port() -> int:
    """A port nobody listens on now, below those that the kernel gives to outgoing connections.

    (Port 0 would be one of the latter: by the time a server starts, some client may have it.)
    """
    while True:
        port = LOWEST_PORT + secrets.randbelow(HIGHEST_PORT - LOWEST_PORT)
        with socket.socket() as listener, contextlib.suppress(OSError):
            listener.bind(("0.0.0.0", port))
            return port


def wait_until(condition: Callable[[], T], seconds: float = 10, what: str = "") -> T:
    """Poll `condition` until it is true and return what it said; fail with `what` after `seconds`."""
    deadline = time.monotonic() + seconds * PATIENCE
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what or condition}")
        time.sleep(0.05)
    return answer


class Process:
    """One program in a process group of its own, its output in a log file; can be stopped, killed, frozen."""

    def __init__(
        self, name: str, command: list[str], *, cwd: Path, env: dict[str, str], log: Path, user=None
    ):
        self.name, self.command, self.cwd, self.env, self.log, self.user = name, command, cwd, env, log, user
        self.child: subprocess.Popen | None = None

    def start(self) -> "Process":
        """Start it. Call from the main thread: the child lives no longer than the thread."""
        assert not self.running, f"{self.name} runs already"
        identity = {"user": self.user, "group": self.user, "extra_groups": []} if self.user else {}
        with self.log.open("ab") as log:
            self.child = subprocess.Popen(
                self.command,
                cwd=self.cwd,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent,
                **identity,
            )
        return self

    @property
    def running(self) -> bool:
        return self.child is not None and self.child.poll() is None

    @property
    def pid(self) -> int:
        return self.child.pid

    def signal_group(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.child.pid, number)

    def stop(self, number: int = signal.SIGTERM, seconds: float = 15) -> int | None:
        """Ask the leader to end, wait, then kill whatever is left of its group. Returns its exit code."""
        if self.child is None:
            return None
        if self.running:
            self.child.send_signal(number)
            self.signal_group(signal.SIGCONT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.child.wait(seconds)
        self.kill()
        return self.child.returncode

    def kill(self) -> None:
        """SIGKILL the whole group: no process of it gets to clean up."""
        self.signal_group(signal.SIGKILL)
        self.child.wait()

    def freeze(self) -> None:
        self.signal_group(signal.SIGSTOP)

    def thaw(self) -> None:
        self.signal_group(signal.SIGCONT)

    def tail(self, lines: int = 40) -> str:
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return f"---- {self.name} ({self.log.name}) ----\n" + "\n".join(text.splitlines()[-lines:])
