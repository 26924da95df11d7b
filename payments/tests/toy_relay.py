"""A relay with the wallet behind it, under a test's control: it sends what it is told to."""

import json
import threading
from collections.abc import Callable

from nostr_sdk import (
    Event,
    EventBuilder,
    Keys,
    Kind,
    Nip44Version,
    Tag,
    nip04_decrypt,
    nip04_encrypt,
    nip44_decrypt,
    nip44_encrypt,
)
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from tests.processes import free_port


class ToyRelay:
    """`say(event, asked)` are the messages that answer a request; by default its entry in `results`."""

    def __init__(self, *, nip44: bool = True, methods: str = "pay_invoice make_invoice get_budget"):
        self.wallet, self.client = Keys.generate(), Keys.generate()
        self.nip44, self.methods = nip44, methods
        self.info_signer = self.wallet
        self.asked: list[dict] = []
        self.events: list[Event] = []
        self.results: dict[str, dict] = {}
        self.say: Callable[[Event, dict], list[str]] = lambda event, asked: [
            self.message(self.answer(event, self.body(asked)))
        ]
        self.port = free_port()
        self.domain = f"localhost:{self.port}"
        self._server = serve(self._talk, "127.0.0.1", self.port)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()

    @property
    def link(self) -> str:
        wallet, secret = self.wallet.public_key().to_hex(), self.client.secret_key().to_hex()
        relay = f"ws%3A%2F%2F{self.domain.replace(':', '%3A')}"
        return f"nostr+walletconnect://{wallet}?relay={relay}&secret={secret}&lud16=ann@wallet.example.com"

    def body(self, asked: dict) -> dict:
        return {"result_type": asked["method"], "result": self.results.get(asked["method"], {})}

    def error(self, asked: dict, code: str) -> dict:
        return {"result_type": asked["method"], "error": {"code": code, "message": "no"}}

    def answer(self, request: Event, body: dict, *, signer: Keys | None = None, about: str = "") -> Event:
        """A response event; signed by somebody else, or about another request, when told to."""
        text, client = json.dumps(body), request.author()
        secret = (signer or self.wallet).secret_key()
        if self.nip44:
            content = nip44_encrypt(secret, client, text, Nip44Version.V2)
        else:
            content = nip04_encrypt(secret, client, text)
        tags = [Tag.public_key(client), Tag.parse(["e", about or request.id().to_hex()])]
        return EventBuilder(Kind(23195), content).tags(tags).finalize(signer or self.wallet)

    @staticmethod
    def message(event: Event) -> str:
        return f'["EVENT","answer",{event.as_json()}]'

    def _talk(self, socket: ServerConnection) -> None:
        try:
            for text in socket:
                message = json.loads(text)
                if message[0] == "REQ" and 13194 in message[2]["kinds"]:
                    info = EventBuilder(Kind(13194), self.methods)
                    info = info.tags([Tag.parse(["encryption", "nip44_v2"])]) if self.nip44 else info
                    socket.send(self.message(info.finalize(self.info_signer)))
                elif message[0] == "EVENT":
                    socket.send(json.dumps(["OK", message[1]["id"], True, ""]))
                    self._answer(socket, Event.from_json(json.dumps(message[1])))
        except ConnectionClosed:
            pass

    def _answer(self, socket: ServerConnection, event: Event) -> None:
        decrypt = nip44_decrypt if self.nip44 else nip04_decrypt
        asked = json.loads(decrypt(self.wallet.secret_key(), event.author(), event.content()))
        self.asked.append(asked)
        self.events.append(event)
        for each in self.say(event, asked):
            socket.send(each)
