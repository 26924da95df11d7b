"""SMTP server that fails in every way a mail server fails."""

import socketserver
import threading
import time
from email import message_from_bytes
from email.message import Message

FAULTS = ("down", "busy", "hang", "reject", "drop")


class Mailbox:
    """Takes mails on `port`. `fault`: None, or one of FAULTS.

    down: hangs up at once. busy: 421. hang: says nothing for a while. reject: `refusal` to recipients that
    contain `rejected`. drop: takes the mail and hangs up before saying so.
    """

    def __init__(self):
        self.fault: str | None = None
        self.rejected = ""
        self.refusal = "550 5.1.1"
        self.mails: list[Message] = []
        mailbox = self

        class Handler(socketserver.StreamRequestHandler):
            timeout = 30

            def handle(self):
                try:
                    mailbox._serve(self.rfile, lambda text: self.wfile.write(text.encode() + b"\r\n"))
                except OSError:
                    return

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def to(self, address: str) -> list[Message]:
        return [mail for mail in self.mails if address in mail["To"]]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _serve(self, lines, say) -> None:
        if self.fault == "down":
            return
        if self.fault == "busy":
            say("421 try again later")
            return
        if self.fault == "hang":
            time.sleep(20)
            return
        say("220 mailbox")
        while line := lines.readline():
            word = line[:4].upper()
            if word == b"DATA":
                say("354 go on")
                self.mails.append(message_from_bytes(_read_mail(lines)))
                if self.fault == "drop":
                    return
                say("250 taken")
            elif word == b"QUIT":
                say("221 bye")
                return
            elif word == b"RCPT" and self.rejected and self.rejected in line.decode(errors="replace"):
                said = line.decode(errors="replace").partition(":")[2].strip()
                say(f"{self.refusal} {said}: Recipient address rejected")  # as servers do: with the address
            else:
                say("250 well")


def _read_mail(lines) -> bytes:
    mail = b""
    while (line := lines.readline()) not in (b".\r\n", b""):
        mail += line.removeprefix(b".") if line.startswith(b"..") else line
    return mail
