"""Toy VASP: a small receiving VASP on the real SDKs."""

import hashlib
import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import uma
from lightspark.objects.LightsparkNode import LightsparkNode

from conftest import NODE_ID, Sandbox
from wallet.users import make_key


class Creator(uma.IUmaInvoiceCreator):
    def __init__(self, vasp: "ToyVasp"):
        self.vasp = vasp

    def create_uma_invoice(self, amount_msats, metadata, receiver_identifier):
        made = self.vasp.client.create_uma_invoice(
            NODE_ID, self.vasp.skew(amount_msats), metadata, expiry_secs=600
        )
        self.vasp.invoices.append(made)
        return made.data.encoded_payment_request


class ToyVasp:
    """Sells to anybody: `$shop@…` and `shop@…` for 500 sats. `supported` and `skew` make it misbehave."""

    def __init__(self, sandbox: Sandbox):
        self.client = sandbox.client()
        self.domain = f"localhost:{sandbox.vasp_port}"
        self.signing_key, self.signing_chain = make_key("toy signing")
        self.encryption_key, self.encryption_chain = make_key("toy encryption")
        self.node_key = self.client.get_entity(NODE_ID, LightsparkNode).public_key
        self.invoices, self.payreqs, self.callbacks, self.lookups = [], [], [], []
        self.price_sats: int | None = 500
        self.reset()
        vasp = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                vasp.answer(self, None)

            def do_POST(self):
                vasp.answer(self, self.rfile.read(int(self.headers["Content-Length"])))

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", sandbox.vasp_port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def reset(self) -> None:
        self.skew = lambda msats: msats
        self.price_sats = 500
        self.node_key_shown = self.node_key
        for seen in (self.invoices, self.payreqs, self.callbacks, self.lookups):
            seen.clear()

    @property
    def key(self) -> bytes:
        return bytes.fromhex(self.signing_key)

    def uma_invoice(
        self,
        *,
        amount: int,
        buyer: str | None,
        currency: str = "SAT",
        decimals: int = 0,
        minutes: float = 15,
        **more,
    ) -> str:
        return uma.create_uma_invoice(
            receiver_uma=f"$shop@{self.domain}",
            receiving_currency_amount=amount,
            receiving_currency=uma.InvoiceCurrency(currency, currency, "", decimals),
            expiration=datetime.now(UTC) + timedelta(minutes=minutes),
            callback=f"http://{self.domain}/payreq",
            is_subject_to_travel_rule=False,
            signing_private_key=more.pop("key", self.key),
            required_payer_data=uma.create_counterparty_data_options(
                {"identifier": True, "compliance": True}
            ),
            sender_uma=buyer,
            **more,
        ).to_bech32_string()

    def answer(self, handler: BaseHTTPRequestHandler, body: bytes | None) -> None:
        parts, status = urlsplit(handler.path), 200
        try:
            said = self.route(parts.path, handler.path, dict(parse_qsl(parts.query)), body)
        except uma.UmaException as error:
            said, status = json.loads(error.to_json()), error.to_http_status_code()
        data = json.dumps(said).encode()
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    def route(self, path: str, target: str, query: dict, body: bytes | None) -> dict:
        if path == "/.well-known/lnurlpubkey":
            return uma.create_pubkey_response(self.signing_chain, self.encryption_chain).to_dict()
        if path.startswith("/.well-known/lnurlp/"):
            return self.lookup(f"http://{self.domain}{target}")
        if path == "/payreq":
            return self.payreq(query, body)
        self.callbacks.append(json.loads(body))
        return {}

    @property
    def limits(self) -> tuple[int, int]:
        return (self.price_sats, self.price_sats) if self.price_sats else (10, 1000)

    @property
    def metadata(self) -> str:
        return json.dumps([["text/plain", "A seat"], ["text/identifier", f"$shop@{self.domain}"]])

    def peer_keys(self, domain: str) -> uma.PubkeyResponse:
        return uma.fetch_public_key_for_vasp(domain, uma.InMemoryPublicKeyCache())

    def nonces(self) -> uma.InMemoryNonceCache:
        return uma.InMemoryNonceCache(datetime.now(UTC) - timedelta(minutes=5))

    def lookup(self, url: str) -> dict:
        low, high = self.limits
        callback = f"http://{self.domain}/payreq"
        if "signature" not in url:
            return uma.LnurlpResponse(
                "payRequest", callback, low * 1000, high * 1000, self.metadata, None, None, None, None
            ).to_dict()
        asked = uma.parse_lnurlp_request(url)
        self.lookups.append(asked)
        uma.verify_uma_lnurlp_query_signature(asked, self.peer_keys(asked.vasp_domain), self.nonces())
        options = uma.create_counterparty_data_options({"identifier": True, "compliance": True})
        sat = uma.Currency("SAT", "Satoshi", "", 1000.0, low, high, 0)
        return uma.create_uma_lnurlp_response(
            asked, self.key, False, callback, self.metadata, low, high, options, [sat], uma.KycStatus.VERIFIED
        ).to_dict()

    def payreq(self, query: dict, body: bytes | None) -> dict:
        asked = uma.parse_pay_request(body.decode()) if body else uma.PayRequest.from_request_params(query)
        self.payreqs.append(asked)
        if not asked.is_uma_request():
            made = self.client.create_lnurl_invoice(NODE_ID, asked.amount, self.metadata)
            self.invoices.append(made)
            return {"pr": made.data.encoded_payment_request, "routes": []}
        payer = asked.payer_data["identifier"]
        uma.verify_pay_request_signature(asked, self.peer_keys(payer.partition("@")[2]), self.nonces())
        code = asked.receiving_currency_code
        multiplier, decimals = (1000.0, 0) if code == "SAT" else (15_000.0, 2)
        return uma.create_pay_req_response(
            request=asked,
            invoice_creator=Creator(self),
            metadata=self.metadata,
            receiving_currency_code=code,
            receiving_currency_decimals=decimals,
            msats_per_currency_unit=multiplier,
            receiver_fees_msats=0,
            receiver_node_pubkey=self.node_key_shown,
            utxo_callback=f"http://{self.domain}/utxo",
            payee_identifier=f"$shop@{self.domain}",
            signing_private_key=self.key,
        ).to_dict()


def h_tag(metadata: str) -> str:
    return hashlib.sha256(metadata.encode()).hexdigest()
