"""A real Redis or Valkey on a port of its own."""

import shutil
import socket
from pathlib import Path

from tests.processes import Process, free_port, wait_until


def find_valkey() -> str | None:
    return shutil.which("valkey-server") or shutil.which("redis-server")


class Valkey(Process):
    def __init__(self, folder: Path):
        self.port = free_port()
        command = [find_valkey() or "redis-server", "--port", str(self.port), "--save", ""]
        super().__init__(
            "valkey", [*command, "--bind", "127.0.0.1"], cwd=folder, env={}, log=folder / "valkey.log"
        )
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> "Valkey":
        super().start()
        wait_until(self._answers, 20, "Valkey answers")
        return self

    def _answers(self) -> bool:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", self.port)):
                return False
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
