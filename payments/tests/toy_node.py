"""A node that answers what a test tells it to, over real HTTP; it counts what it was asked."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
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
