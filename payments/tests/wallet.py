"""Wallet provider under a test's control: its keys, and every answer of its server."""

import contextlib
import json
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from itertools import count

import uma

from tests.vasp import Vasp

PUBKEYS = "/.well-known/lnurlpubkey"
CONFIGURATION = "/.well-known/uma-configuration"
_numbers = count(1)


class Wallet(Vasp):
    """Answers `routes[path]`: a dict is JSON, a number that status, a callable writes to the handler itself.

    `asked` lists the paths that were asked for, `posted` the JSON bodies that came.
    """

    def _handler(self, published: str) -> type[BaseHTTPRequestHandler]:
        wallet = self
        self.published = json.loads(published)
        self.routes: dict[str, object] = {PUBKEYS: self.published}
        self.posted: list[dict] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                wallet.asked.append(self.path)
                wallet._answer(self)

            def do_POST(self):
                wallet.asked.append(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                wallet.posted.append(json.loads(body))
                wallet._answer(self)

            def log_message(self, *args):
                pass

        return Handler

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        answer = self.routes.get(handler.path.partition("?")[0], 404)
        if isinstance(answer, Callable):
            answer(handler)
            return
        status, body = (answer, b"{}") if isinstance(answer, int) else (200, json.dumps(answer).encode())
        send(handler, status, body)

    def forget(self) -> None:
        """Answer as at first, and remember no request."""
        self.routes.clear()
        self.routes[PUBKEYS] = self.published
        self.asked.clear()
        self.posted.clear()

    def takes_requests(self, answer: object = 200) -> None:
        """Publish a configuration whose endpoint answers `answer`."""
        self.routes[CONFIGURATION] = {
            "name": "Wallet",
            "uma_major_versions": [1],
            "uma_request_endpoint": f"http://{self.domain}/requests",
        }
        self.routes["/requests"] = answer

    def new_user(self) -> str:
        return f"$user{next(_numbers)}"

    def sign_pay_request(self, **options) -> dict:
        """A payreq as the SDK's sender functions make it; `options` replace what differs (see below)."""
        payer = f"{options.pop('payer', '$bob')}@{self.domain}"
        compliance = uma.create_compliance_payer_data(
            receiver_encryption_pubkey=options.pop("encryption_pubkey", b""),
            signing_private_key=options.pop("key", self.signing_key),
            payer_identifier=payer,
            travel_rule_info=options.pop("travel_rule_info", None),
            payer_kyc_status=uma.KycStatus.VERIFIED,
            payer_utxos=[],
            payer_node_pubkey="02" + "11" * 32,
            utxo_callback=options.pop("utxo_callback", f"http://{self.domain}/utxos"),
            travel_rule_format=options.pop("travel_rule_format", None),
        )
        usual = {
            "receiving_currency_code": "SAT",
            "amount": 2500,
            "is_amount_in_receiving_currency": True,
            "uma_major_version": 1,
            "payer_name": None,
            "payer_email": None,
        }
        usual |= {"payer_identifier": payer, "payer_compliance": compliance}
        return uma.create_pay_request(**(usual | options)).to_dict()


def send(handler: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    handler.send_response(status)
    for name, value in ({"Content-Type": "application/json"} | headers).items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def drip(handler: BaseHTTPRequestHandler) -> None:
    """An answer of one byte each 0.2 s for twelve seconds: every read is in time, the whole is not."""
    handler.send_response(200)
    handler.end_headers()
    try:
        for _ in range(60):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.2)
    except OSError:
        handler.close_connection = True


def hang(handler: BaseHTTPRequestHandler) -> None:
    """No answer until the asker goes away."""
    handler.connection.settimeout(30)
    with contextlib.suppress(OSError):
        handler.connection.recv(1)
    handler.close_connection = True
