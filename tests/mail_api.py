"""A mail provider's API for tests: Postmark's, as far as a mail needs it."""

import json
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class MailApi:
    """Takes mails at `url`. Receivers in `inactive` are refused, as Postmark refuses them (ErrorCode 406)."""

    def __init__(self):
        self.mails: list[dict] = []
        self.inactive: set[str] = set()
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                assert self.headers["X-Postmark-Server-Token"] == "token"
                status, answer = api._answer(sent)
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _answer(self, sent: dict) -> tuple[int, dict]:
        if sent["To"] in self.inactive:
            says = "You tried to send to a recipient that has been marked as inactive.\n"
            says += f"Found inactive addresses: {sent['To']}.\n"
            says += "Inactive recipients are ones that have generated a hard bounce or a spam complaint."
            return 422, {"ErrorCode": 406, "Message": says}
        self.mails.append(sent)
        return 200, {
            "To": sent["To"], "SubmittedAt": "2026-11-27T12:00:00Z", "MessageID": str(uuid.uuid4()),
            "ErrorCode": 0, "Message": "OK",
        }  # fmt: skip

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
