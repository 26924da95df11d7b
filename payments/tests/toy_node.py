"""Toy node: answers over HTTP as a test tells it to, and counts its requests."""

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class ToyNode:
    """`answer(operation, variables)` gives the body (a dict, or text); `status`, `delay`: of all calls.

    `drip` seconds pass between any two bytes of an answer; `hung_up` is set when the asker went away first.
    """

    def __init__(self):
        self.answer: Callable[[str, dict], dict | str] = lambda operation, variables: {"data": {}}
        self.status, self.delay, self.drip = 200, 0.0, 0.0
        self.asked: Counter[str] = Counter()
        self.hung_up = threading.Event()
        node = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                node._serve(self)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/graphql"

    def _serve(self, request: BaseHTTPRequestHandler) -> None:
        raw = request.rfile.read(int(request.headers["Content-Length"]))
        if request.headers.get("Content-Encoding") == "zstd":
            import zstandard

            raw = zstandard.ZstdDecompressor().decompress(raw, max_output_size=1 << 22)
        envelope = json.loads(raw)
        operation = envelope["operationName"]
        self.asked[operation] += 1
        said = self.answer(operation, envelope["variables"])
        body = (said if isinstance(said, str) else json.dumps(said)).encode()
        time.sleep(self.delay)
        try:
            request.send_response(self.status)
            request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            for begin in range(0, len(body), 1 if self.drip else len(body)):
                request.wfile.write(body[begin : begin + (1 if self.drip else len(body))])
                time.sleep(self.drip)
        except OSError:
            self.hung_up.set()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def listed_payment(number: int, began, **changes) -> dict:
    """A row of the node's list as Lightspark writes it: 1,000 msats to our node for nobody's invoice."""
    from django.conf import settings

    payment_id = f"IncomingPayment:{number:032x}"
    row = {
        "id": payment_id, "created_at": began.isoformat(),
        "__typename": "IncomingPayment", "incoming_payment_id": payment_id,
        "incoming_payment_created_at": began.isoformat(), "incoming_payment_updated_at": began.isoformat(),
        "incoming_payment_status": "SUCCESS", "incoming_payment_resolved_at": began.isoformat(),
        "incoming_payment_amount": sats(1),
        "incoming_payment_transaction_hash": f"{number:064x}", "incoming_payment_is_uma": False,
        "incoming_payment_destination": {"id": settings.LIGHTSPARK_NODE_ID},
        "incoming_payment_payment_request": None, "incoming_payment_uma_post_transaction_data": None,
        "incoming_payment_is_internal_payment": False,
    }  # fmt: skip
    return row | changes


def page_of(rows: list[dict], after: str | None, first: int) -> dict:
    """The answer to a question for one page of `rows`, which are sorted as the node lists them."""
    begin = int(after or 0)
    end = begin + first
    info = {"has_next_page": end < len(rows), "end_cursor": str(end)}
    listed = {"page_info": info, "entities": rows[begin:end]}
    return {"data": {"current_account": {"transactions": listed}}}


def own_node(name: str | None = None, *, can_send_sats: int | None = 1000, kind="OSK", **changes) -> dict:
    """Our node as Lightspark describes it; `changes` are fields by their GraphQL names."""
    from django.conf import settings
    from lightspark.objects import LightsparkNodeWithOSK, LightsparkNodeWithRemoteSigning

    module = LightsparkNodeWithOSK if kind == "OSK" else LightsparkNodeWithRemoteSigning
    prefix = "lightspark_node_with_o_s_k_" if kind == "OSK" else "lightspark_node_with_remote_signing_"
    fields = dict.fromkeys(re.findall(rf"{prefix}(\w+):", module.FRAGMENT))
    fields |= dict.fromkeys(("created_at", "updated_at"), "2026-01-01T00:00:00+00:00")
    fields |= {"id": name or settings.LIGHTSPARK_NODE_ID, "owner": {"id": "Account:1"}, "status": "READY"}
    fields |= {"bitcoin_network": settings.LIGHTSPARK_NETWORK, "display_name": "us"}
    fields |= {"uma_prescreening_utxos": [], "public_key": "02" * 33}
    if can_send_sats is not None:
        kinds = ("owned", "available_to_send", "available_to_withdraw")
        fields["balances"] = {f"balances_{each}_balance": sats(can_send_sats) for each in kinds}
    return {"__typename": module.__name__.rpartition(".")[2]} | {
        f"{prefix}{key}": value for key, value in (fields | changes).items()
    }


def sats(amount: int) -> dict:
    """An amount as Lightspark writes it."""
    money = {"currency_amount_original_value": amount, "currency_amount_original_unit": "SATOSHI"}
    money |= {f"currency_amount_preferred_currency_{name}": 1 for name in ("value_rounded", "value_approx")}
    return money | {"currency_amount_preferred_currency_unit": "USD"}


def opened_invoice(name: str, amount_msats: int, seconds: int) -> dict:
    """An invoice over `amount_msats` as Lightspark describes one that it has just made."""
    from django.conf import settings

    now = datetime.now(UTC)
    data = {
        "invoice_data_encoded_payment_request": f"lnbcrt{name}",
        "invoice_data_bitcoin_network": settings.LIGHTSPARK_NETWORK,
        "invoice_data_payment_hash": name * 2, "invoice_data_amount": sats(amount_msats // 1000),
        "invoice_data_created_at": now.isoformat(), "invoice_data_memo": None,
        "invoice_data_expires_at": (now + timedelta(seconds=seconds)).isoformat(),
        "invoice_data_destination": own_node(),
    }  # fmt: skip
    return {
        "__typename": "Invoice", "invoice_id": f"Invoice:{name}", "invoice_created_at": now.isoformat(),
        "invoice_updated_at": now.isoformat(), "invoice_data": data, "invoice_status": "OPEN",
        "invoice_amount_paid": None,
    }  # fmt: skip
