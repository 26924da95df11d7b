"""The three real programs together: sandbox, web and worker, on free ports with files of their own."""

import functools
import json
import os
import select
import shutil
import sqlite3
import subprocess
import sys
import weakref
from email import message_from_string
from email.message import Message
from pathlib import Path

import psycopg
import requests

from tests.environment import fresh_secrets
from tests.postgres import Cluster, GivenServer, Server
from tests.processes import Process, die_with_parent, free_port, wait_until

# The URLs of migrated, empty databases to copy instead of making some: what runs a mutant gives them.
MIGRATED = "MIGRATED_DATABASE_URL"
MIGRATED_SQLITE = "MIGRATED_SQLITE_URL"
ROOT = Path(__file__).resolve().parent.parent
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "LD_LIBRARY_PATH")


class Stack:
    """One shop with its sandbox. `database_url` must name a migrated database of its own.

    `webs` and `workers` say how many processes of each; `vasps` are wallets (host:port) besides the
    sandbox's that the shop may reach on this machine; `root` is the source tree to run, for example a
    patched copy; `settings` are more environment variables. Everything it makes is in `folder`; `close()`
    ends every process.
    """

    alive: "weakref.WeakSet[Stack]" = weakref.WeakSet()

    def __init__(
        self,
        folder: Path,
        database_url: str,
        *,
        webs: int = 1,
        workers: int = 1,
        vasps: tuple[str, ...] = (),
        root: Path = ROOT,
        **settings: str,
    ):
        self.folder, self.database_url, self.root = folder, database_url, root
        (folder / "log").mkdir(parents=True)
        (folder / "mail").mkdir()
        self.ports = [free_port() for _ in range(webs)]
        self.sandbox_port = free_port()
        self.shop_urls = [f"http://localhost:{port}" for port in self.ports]
        self.shop_url, self.domain = self.shop_urls[0], f"localhost:{self.ports[0]}"
        self.sandbox_url, self.sandbox_domain = (
            f"http://localhost:{self.sandbox_port}",
            f"localhost:{self.sandbox_port}",
        )
        self.relay_domain = f"localhost:{free_port()}"
        self.vasps = [self.sandbox_domain, self.relay_domain, *vasps]
        self.env = self._environment() | settings
        python = sys.executable
        gunicorn = [python, "-m", "gunicorn", "-c"]
        serve_sandbox = [*gunicorn, "sandbox/gunicorn.conf.py", "--chdir", "sandbox", "wsgi:application"]
        self.sandbox = self._process("sandbox", serve_sandbox)
        self.webs = [
            self._process(f"web{number}", [*gunicorn, "gunicorn.conf.py", "ticketsuma.wsgi"], PORT=str(port))
            for number, port in enumerate(self.ports)
        ]
        work = [python, "manage.py", "worker"]
        self.workers = [self._process(f"worker{number}", work) for number in range(workers)]
        self.relay = self._process("relay", [python, "sandbox/manage.py", "relay"])
        self._inside: subprocess.Popen | None = None
        Stack.alive.add(self)

    def _environment(self) -> dict[str, str]:
        """The wiring that `./run` exports, for this stack's ports and files."""
        env = {name: os.environ[name] for name in INHERITED if name in os.environ}
        return env | {
            **fresh_secrets(),
            "PYTHONUNBUFFERED": "1",
            "DEBUG": "1",
            "LOG_JSON": "1",  # the lines of production
            "VAR_DIR": str(self.folder),
            "DATABASE_URL": self.database_url,
            "DB_PREPARED_STATEMENTS": "1",
            "PORT": str(self.ports[0]),
            "SITE_URL": self.shop_url,
            "UMA_DOMAIN": self.domain,
            "UMA_LOCAL_VASPS": ",".join(self.vasps),
            "RATE_SOURCES": ",".join(
                f"{name}={self.sandbox_url}/rates/{name}/{{CURRENCY}}#price@time"
                for name in ("alpha", "beta", "gamma")
            ),
            "LIGHTSPARK_NETWORK": "REGTEST",
            "LIGHTSPARK_BASE_URL": f"{self.sandbox_url}/graphql/server/2023-09-13",
            "ADMIN_EMAILS": "staff@example.com",
            "EMAIL_URL": f"filemail:///{self.folder / 'mail'}",
            "WEB_WORKERS": "2",
            "WEB_THREADS": "64",
            "SANDBOX_PORT": str(self.sandbox_port),
            "SANDBOX_DATABASE": str(self.folder / "sandbox.sqlite3"),
            "SANDBOX_DOMAIN": self.sandbox_domain,
            "SANDBOX_LOCAL_VASPS": self.domain,
            "SANDBOX_RELAY": self.relay_domain,
            "SANDBOX_MAIL_FOLDER": str(self.folder / "mail"),
            "SANDBOX_WEBHOOK_URL": f"{self.shop_url}/api/webhooks/payment",
        }

    def _process(self, name: str, command: list[str], **more: str) -> Process:
        return Process(
            name, command, cwd=self.root, env=self.env | more, log=self.folder / "log" / f"{name}.log"
        )

    # -- the processes -----------------------------------------------------------------------------

    @property
    def processes(self) -> list[Process]:
        """Those of every shop, and the relay where it was started."""
        return [self.sandbox, *self.webs, *self.workers, *([self.relay] if self.relay.log.exists() else [])]

    @property
    def web(self) -> Process:
        return self.webs[0]

    @property
    def worker(self) -> Process:
        return self.workers[0]

    def start(self) -> "Stack":
        """Prepare the sandbox, start everything, and wait until everybody answers."""
        prepare = self._process("prepare", [sys.executable, "sandbox/manage.py", "prepare"]).start()
        for process in [*self.webs, *self.workers]:
            process.start()
        wait_until(lambda: not prepare.running, 60, "the sandbox is prepared")
        assert prepare.stop() == 0, prepare.tail()
        self.sandbox.start()
        self.wait_healthy()
        return self

    def with_relay(self) -> "Stack":
        """Also the relay of connected wallets, if it does not run yet."""
        if not self.relay.child:
            self.relay.start()
            wait_until(lambda: "the relay is up" in self.relay.tail(), 30, "the relay is up")
        return self

    def wait_healthy(self, seconds: float = 60) -> None:
        for process, url in zip([self.sandbox, *self.webs], [self.sandbox_url, *self.shop_urls], strict=True):
            wait_until(
                lambda p=process, u=url: self._answers(p, u), seconds, f"{process.name} answers at {url}"
            )

    def _answers(self, process: Process, url: str) -> bool:
        assert process.running, f"{process.name} ended\n{process.tail()}"
        try:
            status = requests.get(f"{url}/health", timeout=5).status_code
        except requests.RequestException:
            return False
        return status == 200 or (status == 503 and not self.workers)

    def close(self) -> None:
        """End every process at once; what a polite stop does is tested where it matters."""
        for process in self.processes:
            if process.child:
                process.kill()
        if self._inside:
            self._inside.kill()
            self._inside.wait()
        Stack.alive.discard(self)

    def logs(self, lines: int = 40) -> str:
        return "\n".join(process.tail(lines) for process in self.processes if process.child)

    # -- looking inside ----------------------------------------------------------------------------

    def manage(self, *arguments: str, check: bool = True, seconds: float = 60) -> subprocess.CompletedProcess:
        """`manage.py <arguments>` of this shop; its output is text."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=self.root,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert not check or done.returncode == 0, f"manage.py {arguments}:\n{done.stdout}\n{done.stderr}"
        return done

    def audit(self, seconds: float = 60) -> None:
        """Fail with the audit's own table unless every invariant holds."""
        done = self.manage("audit", check=False, seconds=seconds)
        assert done.returncode == 0, f"audit:\n{done.stdout}\n{done.stderr}"

    def django(self, code: str, **names):
        """What `code`, an expression or statements that set `answer`, says inside this shop's Django.

        Every model is a name in it, and so is everything in `names` (JSON in, JSON out); the dict
        `kept` survives from call to call. It looks past a pooler, which has other process ids.
        """
        if self._inside is None or self._inside.poll() is not None:
            database = self.env.get("DATABASE_DIRECT_URL", self.env["DATABASE_URL"])
            with (self.folder / "log" / "inside.log").open("ab") as log:
                self._inside = subprocess.Popen(
                    [sys.executable, "-m", "tests.inside"],
                    cwd=self.root,
                    env=self.env | {"DATABASE_URL": database},
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    preexec_fn=die_with_parent,
                )
        self._inside.stdin.write(json.dumps({"code": code, "names": names}).encode() + b"\n")
        self._inside.stdin.flush()
        assert select.select([self._inside.stdout], [], [], 600)[0], f"no answer to {code}"
        line = self._inside.stdout.readline()
        assert line, f"{code} ended the process: {self.folder / 'log' / 'inside.log'}"
        said = json.loads(line)
        assert "error" not in said, f"{code}\n{said.get('error')}"
        return said["answer"]

    def sql(self, query: str, *parameters) -> list[tuple]:
        """Rows of a query on a connection of its own (`%s` for parameters on both databases)."""
        if self.database_url.startswith("sqlite"):
            path = self.database_url.removeprefix("sqlite:///")
            connection = sqlite3.connect(path, timeout=20, isolation_level=None)
            query = query.replace("%s", "?")
        else:
            connection = psycopg.connect(self.database_url, autocommit=True)
        try:
            return connection.execute(query, parameters).fetchall()
        finally:
            connection.close()

    def mails(self) -> list[Message]:
        """Every mail sent so far, oldest file first."""
        files = sorted((self.folder / "mail").iterdir(), key=lambda path: path.stat().st_mtime_ns)
        texts = [text for path in files for text in path.read_text().split("-" * 79 + "\n")]
        return [message_from_string(text.strip()) for text in texts if text.strip()]


class Stacks:
    """Makes stacks on migrated copies of an empty database; `close()` ends all of them."""

    kind: type[Stack] = Stack

    def __init__(self, folder: Path):
        self.folder = folder
        self.made: list[Stack] = []
        self.templates: dict[str, str] = {}

    @functools.cached_property
    def server(self) -> Server:
        """A private cluster, or the server that is given; made when first asked for."""
        given = os.environ.get(MIGRATED) or os.environ.get("TEST_DATABASE_URL")
        return GivenServer(given) if given else Cluster().create()

    def new(self, database: str, **options) -> Stack:
        """A stack on "postgresql" or "sqlite", not started yet."""
        folder = self.folder / f"stack{len(self.made)}"
        folder.mkdir()
        template = self.template(database)
        if database == "sqlite":
            url = f"sqlite:///{shutil.copy(template.removeprefix('sqlite:///'), folder / 'shop.sqlite3')}"
        else:
            url = self.server.create_database(f"shop_{os.getpid()}_{len(self.made)}", Path(template).name)
        self.made.append(self.kind(folder, url, **options))
        return self.made[-1]

    def template(self, database: str) -> str:
        """The URL of a migrated, empty database that nobody uses."""
        given = MIGRATED if database == "postgresql" else MIGRATED_SQLITE
        if given in os.environ:
            return os.environ[given]
        if database not in self.templates:
            if database == "sqlite":
                url = f"sqlite:///{self.folder / 'template.sqlite3'}"
            else:
                url = self.server.create_database(f"template_{os.getpid()}")
            Stack(self.folder / f"template-{database}", url).manage("migrate", "--no-input", "--verbosity=0")
            self.templates[database] = url
        return self.templates[database]

    def close(self) -> None:
        for stack in self.made:
            stack.close()
        if "server" in self.__dict__:
            self.server.destroy()
