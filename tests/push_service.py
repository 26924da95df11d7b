"""A push service for tests (RFC 8030), with browsers' keys: takes pushes, and decrypts them (RFC 8291)."""

import base64
import json
import os
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import http_ece
import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@dataclass
class Taken:
    """One push as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes


class Browser:
    """A browser's subscription: its endpoint and the keys that only it has."""

    def __init__(self, endpoint: str):
        self.endpoint, self.key, self.secret = (
            endpoint,
            ec.generate_private_key(ec.SECP256R1()),
            os.urandom(16),
        )

    @property
    def subscription(self) -> dict[str, str]:
        """What a page tells the shop of it."""
        form = serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        point = self.key.public_key().public_bytes(*form)
        return {"endpoint": self.endpoint, "p256dh": base64url(point), "auth": base64url(self.secret)}

    def read(self, push: Taken) -> dict:
        """The news in `push`, decrypted as a browser does."""
        return json.loads(http_ece.decrypt(push.body, private_key=self.key, auth_secret=self.secret))


class PushService:
    """Listens on this machine; answers `status` to every push, and keeps what came."""

    def __init__(self):
        self.status, self.taken = 201, []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.domain = f"localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def browser(self, name: str = "") -> Browser:
        return Browser(f"http://{self.domain}/push/{name or base64url(os.urandom(12))}")

    def of(self, browser: Browser) -> list[Taken]:
        """Pushes to `browser`, oldest first."""
        return [each for each in self.taken if browser.endpoint.endswith(each.path)]

    def sender(self, push: Taken) -> dict:
        """The claims of who signed `push`, whose signature is good for this service (RFC 8292)."""
        scheme, _space, said = push.headers["Authorization"].partition(" ")
        assert scheme == "vapid"
        token, key = (dict(part.split("=", 1) for part in said.split(","))[name] for name in "tk")
        raw = base64.urlsafe_b64decode(key + "=" * (-len(key) % 4))
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)
        return jwt.decode(token, point, algorithms=["ES256"], audience=f"http://{self.domain}") | {"key": key}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                service.taken.append(Taken(self.path, dict(self.headers), body))
                self.send_response(service.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        return Handler

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
