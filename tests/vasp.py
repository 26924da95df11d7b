"""A wallet provider for tests: keys published on a local port, and pay requests signed with them."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests
import uma

from tests.environment import key_pair


class Vasp:
    """Publishes its keys at http://localhost:<port>; signs lookups and pay requests as a sender would."""

    def __init__(self):
        keys = key_pair("SIGNING") | key_pair("ENCRYPTION")
        self.signing_key = bytes.fromhex(keys["UMA_SIGNING_PRIVATE_KEY"])
        published = uma.create_pubkey_response(
            keys["UMA_SIGNING_CERT_CHAIN"].replace("\\n", "\n"),
            keys["UMA_ENCRYPTION_CERT_CHAIN"].replace("\\n", "\n"),
            None,
        )
        self.asked: list[str] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler(json.dumps(published.to_dict())))
        self.domain = f"localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def _handler(self, published: str) -> type[BaseHTTPRequestHandler]:
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                known = self.path == "/.well-known/lnurlpubkey"
                self.send_response(200 if known else 404)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(published.encode() if known else b"{}")

            def log_message(self, *args):
                pass

        return Handler

    def lookup_url(self, address: str, *, key: bytes | None = None) -> str:
        """The signed lnurlp URL of `address` (UMAD-04)."""
        return uma.create_uma_lnurlp_request_url(
            signing_private_key=key or self.signing_key,
            receiver_address=address,
            sender_vasp_domain=self.domain,
            is_subject_to_travel_rule=False,
        )

    def lookup(self, address: str) -> dict:
        return requests.get(self.lookup_url(address), timeout=10).json()

    def pay_request(
        self, *, amount: int, payer: str = "$bob", key: bytes | None = None, utxo_callback: str | None = None
    ) -> dict:
        """A signed payreq for `amount` sats (UMAD-05)."""
        identifier = f"{payer}@{self.domain}"
        compliance = uma.create_compliance_payer_data(
            receiver_encryption_pubkey=b"",
            signing_private_key=key or self.signing_key,
            payer_identifier=identifier,
            travel_rule_info=None,
            payer_kyc_status=uma.KycStatus.VERIFIED,
            payer_utxos=[],
            payer_node_pubkey="02" + "11" * 32,
            utxo_callback=f"http://{self.domain}/utxos" if utxo_callback is None else utxo_callback,
        )
        request = uma.create_pay_request(
            receiving_currency_code="SAT",
            amount=amount,
            is_amount_in_receiving_currency=True,
            payer_identifier=identifier,
            uma_major_version=1,
            payer_name=None,
            payer_email=None,
            payer_compliance=compliance,
        )
        return request.to_dict()

    def post(self, callback: str, request: dict) -> dict:
        """What `callback` answers to a pay request."""
        return requests.post(callback, json=request, timeout=30).json()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
