"""A private PostgreSQL cluster from the machine's binaries, thrown away afterwards; also as root.

python -m tests.postgres COMMAND...    runs COMMAND with DATABASE_URL pointing at a fresh cluster
python -m tests.postgres               says where PostgreSQL's programs are, exit 1 when there are none
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from tests.processes import Process, free_port, wait_until

PEACEFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

ROLE_SETTINGS = """
    SELECT rolname, unnest(setconfig) FROM pg_db_role_setting
    JOIN pg_database ON pg_database.oid = setdatabase JOIN pg_roles ON pg_roles.oid = setrole
    WHERE datname = %s"""


def find_binaries() -> Path | None:
    """The folder with initdb and postgres; the newest Debian version first, else what is on PATH."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: -float(p.parts[-3]))
    on_path = [Path(found).resolve() for found in [shutil.which("postgres")] if found]
    return next((p.parent for p in [*debian, *on_path] if (p.parent / "initdb").exists()), None)


class Server:
    """A PostgreSQL server on which databases may be made."""

    url: Callable[[str], str]

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        return psycopg.connect(self.url(database), autocommit=True, connect_timeout=2)

    def create_database(self, name: str, template: str = "template1") -> str:
        """A new database, copied from `template`; returns its URL."""
        with self.connect() as connection:
            statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
            connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
            # It copies everything but what roles have set there: the shop's time limits.
            for role, setting in connection.execute(ROLE_SETTINGS, [template]).fetchall():
                parameter, _, value = setting.partition("=")
                names = [sql.Identifier(part) for part in (role, name, parameter)]
                statement = sql.SQL("ALTER ROLE {} IN DATABASE {} SET {} = {}")
                connection.execute(statement.format(*names, sql.Literal(value)))
        return self.url(name)


class GivenServer(Server):
    """Somebody's server, by the URL of one of its databases; what was made there is dropped afterwards."""

    def __init__(self, url: str):
        self.given, self.made = url, []

    def url(self, database: str) -> str:
        return urlsplit(self.given)._replace(path=f"/{database}").geturl()

    def create_database(self, name: str, template: str = "template1") -> str:
        self.made.append(name)
        return super().create_database(name, template)

    def destroy(self) -> None:
        with self.connect() as connection:
            for name in self.made:
                connection.execute(
                    sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
                )


class Cluster(Server):
    """One PostgreSQL server on a free port of 127.0.0.1. `durable` keeps fsync on, for crash tests."""

    def __init__(self, *, durable: bool = False, **parameters: str):
        binaries = find_binaries()
        if binaries is None:
            raise RuntimeError("PostgreSQL's programs (initdb, postgres) were not found on this machine.")
        self.binaries = binaries
        self.folder = Path(tempfile.mkdtemp(prefix="ticketsuma-pg-"))
        self.data, self.port = self.folder / "data", free_port()
        self.user = "postgres" if os.getuid() == 0 else None  # PostgreSQL refuses to run as root
        if self.user:
            account = pwd.getpwnam(self.user)
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        parameters = ({} if durable else PEACEFUL) | {"max_connections": "200"} | parameters
        options = [part for name, value in parameters.items() for part in ("-c", f"{name}={value}")]
        command = [str(binaries / "postgres"), "-D", str(self.data), "-p", str(self.port)]
        command += ["-c", "listen_addresses=127.0.0.1", "-k", str(self.folder), *options]
        log = self.folder / "postgres.log"
        self.process = Process(
            "postgres", command, cwd=self.folder, env=dict(os.environ), log=log, user=self.user
        )

    def create(self) -> "Cluster":
        """initdb and start; UTF-8, trusting local connections."""
        command = [str(self.binaries / "initdb"), "-D", str(self.data), "-U", "postgres", "-A", "trust"]
        command += ["-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
        identity = {"user": self.user, "group": self.user, "extra_groups": []} if self.user else {}
        subprocess.run(command, cwd=self.folder, check=True, capture_output=True, **identity)
        self.start()
        return self

    def url(self, database: str) -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    def answers(self) -> bool:
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def start(self) -> None:
        self.process.start()
        wait_until(self.answers, 30, f"PostgreSQL answers\n{self.process.tail()}")

    def stop(self, immediate: bool = False) -> None:
        """Stop the server: politely (sessions are cut, data flushed), or `immediate` as a power cut would."""
        self.process.stop(signal.SIGQUIT if immediate else signal.SIGINT)

    def restart(self, immediate: bool = False) -> None:
        self.stop(immediate)
        self.start()

    def destroy(self) -> None:
        self.stop(immediate=True)
        shutil.rmtree(self.folder, ignore_errors=True)


class Replica(Cluster):
    """A streaming replica of a cluster of the tests, which must run; read only."""

    def __init__(self, primary: Cluster):
        super().__init__()
        self.primary = primary

    def create(self) -> "Replica":
        """pg_basebackup and start."""
        source = ["-h", "127.0.0.1", "-p", str(self.primary.port), "-U", "postgres"]
        command = [str(self.binaries / "pg_basebackup"), *source, "-D", str(self.data), "-R", "-c", "fast"]
        identity = {"user": self.user, "group": self.user, "extra_groups": []} if self.user else {}
        subprocess.run(command, cwd=self.folder, check=True, capture_output=True, **identity)
        self.start()
        return self


def main(command: list[str]) -> int:
    if not command:
        print(find_binaries() or "no PostgreSQL programs found")
        return find_binaries() is None
    cluster = Cluster().create()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        env = os.environ | {"DATABASE_URL": cluster.url("postgres"), "DB_PREPARED_STATEMENTS": "1"}
        return subprocess.run(command, env=env, check=False).returncode
    except KeyboardInterrupt:
        return 130
    finally:
        cluster.destroy()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
