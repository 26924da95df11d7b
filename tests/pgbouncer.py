"""A real PgBouncer that pools transactions, in front of a PostgreSQL of the tests; thrown away afterwards."""

import os
import pwd
import shutil
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from tests.postgres import Server
from tests.processes import Process, find_program, free_port, wait_until

SETTINGS = "auth_type = any\npool_mode = transaction\ndefault_pool_size = 4\nunix_socket_dir =\n"


class PgBouncer:
    """PgBouncer on a free port of 127.0.0.1; `connect_query` is what each of its server connections runs."""

    def __init__(self, server: Server, connect_query: str = ""):
        given = urlsplit(server.url("postgres"))
        self.folder, self.port = Path(tempfile.mkdtemp(prefix="ticketsuma-pgbouncer-")), free_port()
        parts = {"host": given.hostname, "port": given.port or 5432, "user": given.username}
        parts |= {name: value for name, value in (("password", given.password),) if value}
        parts |= {"connect_query": f"'{connect_query}'"} if connect_query else {}
        database = " ".join(f"{name}={value}" for name, value in parts.items())
        where = f"listen_addr = 127.0.0.1\nlisten_port = {self.port}\nadmin_users = admin\n"
        ini = self.folder / "pgbouncer.ini"
        ini.write_text(f"[databases]\n* = {database}\n[pgbouncer]\n{where}{SETTINGS}")
        user = "postgres" if os.getuid() == 0 else None  # it refuses to run as root
        if user:
            account = pwd.getpwnam(user)
            for path in (self.folder, ini):
                os.chown(path, account.pw_uid, account.pw_gid)
        command = [find_program("pgbouncer") or "pgbouncer", str(ini)]
        log = self.folder / "pgbouncer.log"
        self.process = Process(
            "pgbouncer", command, cwd=self.folder, env=dict(os.environ), log=log, user=user
        )

    def url(self, database: str, user: str = "shop") -> str:
        return f"postgres://{user}@127.0.0.1:{self.port}/{database}"

    def start(self) -> "PgBouncer":
        self.process.start()
        wait_until(self._answers, 20, f"PgBouncer answers\n{self.process.tail()}")
        return self

    def reconnect(self) -> None:
        """New server connections from now on, which have what roles say by now."""
        with psycopg.connect(self.url("pgbouncer", "admin"), autocommit=True) as console:
            console.execute("RECONNECT")

    def close(self) -> None:
        self.process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            assert self.process.running, self.process.tail()
            return False
        return True
