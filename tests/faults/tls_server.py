"""TLS server on the https port with a bad certificate or handshake."""

import contextlib
import socket
import ssl
import threading
from pathlib import Path

from payments.tests.test_uma_safe_http import self_signed

KINDS = ("self-signed", "hangs up", "no TLS")


class TlsServer:
    """Listens on `port`; `heard` is what clients said to it once they believed it.

    self-signed: a certificate that nobody vouches for. hangs up: in the middle of the handshake.
    no TLS: answers plain HTTP.
    """

    def __init__(self, kind: str, host: str, folder: Path):
        assert kind in KINDS, kind
        self.kind, self.heard, self.visits = kind, b"", 0
        pem = folder / "server.pem"
        pem.write_bytes(self_signed(host))
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(pem)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            with contextlib.closing(sock), contextlib.suppress(OSError):
                self.visits += 1
                sock.settimeout(5)
                self._misbehave(sock)

    def _misbehave(self, sock: socket.socket) -> None:
        if self.kind == "self-signed":
            with self._context.wrap_socket(sock, server_side=True) as tls:
                self.heard += tls.recv(4096)
            return
        sock.recv(100)
        if self.kind == "no TLS":
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
