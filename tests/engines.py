"""The profile `scale` of compose.yaml, performed without Docker: Debian's programs in place of its images, in
the very configurations that stand there, with this machine's addresses in place of the containers' names.
"""

import getpass
import os
import pwd
import re
import shutil
import socket
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
import yaml

from tests.processes import Process, find_program, free_port, wait_until
from tests.stack import ROOT, Stack
from tests.valkey import find_valkey

PROFILE = yaml.safe_load((ROOT / "compose.yaml").read_text())
VARIABLE = re.compile(r"\$\{\w+:-([^${}]*)\}")  # with its default; the innermost first


# For a test of what an engine takes the place of: pages held by threads, a pooler put before one stack.
without_engines = pytest.mark.skipif("ENGINES" in os.environ, reason="it looks at what an engine replaces")


def missing_programs() -> list[str]:
    """The Debian packages that this machine lacks."""
    there = {"pgbouncer": find_program("pgbouncer"), "redis-server": find_valkey()}
    there |= {"pushpin": find_program("pushpin"), "nginx": find_program("nginx")}
    return [name for name, program in there.items() if not program]


def interpolated(text: str) -> str:
    """`text` of compose.yaml where no variable is set."""
    while VARIABLE.search(text):
        text = VARIABLE.sub(lambda found: found[1], text)
    return text.replace("$$", "$")


class ScaledStack(Stack):
    """A stack behind nginx and Pushpin, on PgBouncer and Valkey; buyers come by nginx."""

    def __init__(self, folder: Path, database_url: str, **options):
        self.ports_of = {name: free_port() for name in ("proxy", "pooler", "cache", "pushpin", "control")}
        self.run = Path(tempfile.mkdtemp(prefix="ts-", dir="/tmp"))  # short: paths of sockets are bounded
        self.run.chmod(0o777)
        super().__init__(folder, database_url, **options)
        site = f"localhost:{self.ports_of['proxy']}"
        self.shop_url, self.domain = f"http://{site}", site
        webs = [f"127.0.0.1:{port}" for port in self.ports]
        self.addresses |= {"web-1:8080": webs[0], "web-2:8080": webs[-1]}
        self.engines = [self._pooler(), self._cache(), self._pushpin(), self._proxy()]

    def _environment(self) -> dict[str, str]:
        """Of the profile; behind its pooler is the database that a stack of this kind has without one."""
        env = super()._environment()
        behind = urlsplit(env["DATABASE_URL"])
        self.addresses = {
            "pooler:6432": f"127.0.0.1:{self.ports_of['pooler']}",
            "cache:6379": f"127.0.0.1:{self.ports_of['cache']}",
            "pushpin:5561": f"127.0.0.1:{self.ports_of['control']}",
            "pushpin:7999": f"127.0.0.1:{self.ports_of['pushpin']}",
            "http_port=7999": f"http_port=127.0.0.1:{self.ports_of['pushpin']}",
            "push_in_http_addr=0.0.0.0": "push_in_http_addr=127.0.0.1",
            "push_in_http_port=5561": f"push_in_http_port={self.ports_of['control']}",
            "listen 8080": f"listen 127.0.0.1:{self.ports_of['proxy']}",
            "listen_addr = 0.0.0.0": "listen_addr = 127.0.0.1",
            "listen_port = 6432": f"listen_port = {self.ports_of['pooler']}",
            "tickets = host=database port=5432 user=tickets": f"* = host={behind.hostname} "
            f"port={behind.port or 5432} user={behind.username}",
            "/tmp": str(self.run),
        }
        said = PROFILE["services"]["web-1"]["environment"]
        names = ("DATABASE_URL", "DB_PREPARED_STATEMENTS", "CACHE_URL", "GRIP_URL")
        env |= {name: self._here(said[name]).replace("/tickets", behind.path) for name in names}
        site = f"localhost:{self.ports_of['proxy']}"
        env |= {"DATABASE_DIRECT_URL": behind.geturl(), "TRUSTED_PROXIES": "1"}
        env |= {"SITE_URL": f"http://{site}", "UMA_DOMAIN": site, "SANDBOX_LOCAL_VASPS": site}
        return env | {"SANDBOX_WEBHOOK_URL": f"http://{site}/api/webhooks/payment"}

    def _here(self, text: str) -> str:
        text = interpolated(text)
        for theirs, ours in self.addresses.items():
            text = text.replace(theirs, ours)
        return text

    def _config(self, name: str, to: str) -> Path:
        path = self.run / to
        path.write_text(self._here(PROFILE["configs"][name]["content"]))
        return path

    def _engine(self, name: str, command: list[str], user: str | None = None) -> Process:
        log = self.folder / "log" / f"{name}.log"
        return Process(name, command, cwd=self.run, env=dict(os.environ), log=log, user=user)

    def _pooler(self) -> Process:
        ini = self._config("pgbouncer", "pgbouncer.ini")
        user = "postgres" if os.getuid() == 0 else None  # it refuses to run as root
        if user:
            os.chown(ini, pwd.getpwnam(user).pw_uid, -1)
        return self._engine("pooler", [find_program("pgbouncer") or "pgbouncer", str(ini)], user)

    def _cache(self) -> Process:
        command = PROFILE["services"]["cache"]["command"]
        where = ["--port", str(self.ports_of["cache"]), "--bind", "127.0.0.1"]
        return self._engine("cache", [find_valkey() or "redis-server", *command[1:], *where])

    def _pushpin(self) -> Process:
        config = self._config("pushpin", "pushpin.conf")
        self._config("pushpin-routes", "routes")
        return self._engine(
            "pushpin", [find_program("pushpin") or "pushpin", "--merge-output", f"--config={config}"]
        )

    def _proxy(self) -> Process:
        config = self._config("nginx", "nginx.conf")
        user = f"user {getpass.getuser()}; " if os.getuid() == 0 else ""
        config.write_text(f"daemon off; {user}\n{config.read_text()}")
        return self._engine("proxy", [find_program("nginx") or "nginx", "-e", "stderr", "-c", str(config)])

    @property
    def processes(self) -> list[Process]:
        return [*super().processes, *self.engines]

    def engine(self, name: str) -> Process:
        return next(each for each in self.engines if each.name == name)

    def start(self) -> "ScaledStack":
        for each in self.engines[:-1]:
            each.start()
        for name in ("pooler", "cache", "pushpin", "control"):
            wait_until(
                lambda name=name: _listens(self.ports_of[name]), 30, f"{name} listens\n{self.logs(10)}"
            )
        super().start()
        self.engine("proxy").start()
        wait_until(self._is_served, 30, "the proxy serves")
        return self

    def _is_served(self) -> bool:
        assert self.engine("proxy").running, self.engine("proxy").tail()
        try:
            return requests.get(f"{self.shop_url}/health/live", timeout=5).ok
        except requests.RequestException:
            return False

    def close(self) -> None:
        super().close()
        shutil.rmtree(self.run, ignore_errors=True)


def on_engines(folder: Path, database_url: str, **options) -> Stack:
    """A stack on all of them, or, with SQLite, which has none, on itself."""
    kind = ScaledStack if database_url.startswith("postgres") else Stack
    return kind(folder, database_url, **options)


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
