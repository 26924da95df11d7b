"""A shop in production settings, with users, events and orders to attack."""

import hmac
import itertools
import json
import re
from dataclasses import dataclass
from email.message import Message

import jwt
from jwt.utils import base64url_encode

from tests.attacks.attacker import Answer, Attacker
from tests.buyer import Sandbox, make_event
from tests.mailbox import Mailbox
from tests.processes import wait_until
from tests.stack import Stack

PASSWORD = "correct horse battery staple"
STREAM = "https://stream.example.com/canary-stream-7f3a91"
# As in production, but every attack comes from an address of its own, so that limits stay in force. The
# two that cost a password hash for each try are tighter, to be quick. LOG_LEVEL: see test_secrets_in_logs.
PRODUCTION = {
    "DEBUG": "0",
    "ALLOW_TEST_NETWORK": "1",
    "LOG_LEVEL": "DEBUG",
    "WEB_THREADS": "320",
    "ADMIN_EMAILS": "staff@example.com,boss@example.com,chief@example.com",
    "CORS_ALLOWED_ORIGINS": "https://front.example",
    "LIMIT_LOGIN_PER_IP": "6",
    "LIMIT_LOGIN_PER_EMAIL": "5",
}
_numbers = itertools.count(1)
_PEOPLE = """
from accounts.staff import save_verified_user
from accounts.authentication import issue_token
answer = {}
for name in names:
    user = save_verified_user(email=f"{name}@example.com", password=password, name=name.title())[0]
    answer[name] = [user.pk, str(issue_token(user, second_factor=True))]
"""

_APP = """
from allauth.mfa.totp.internal import auth
answer = auth.generate_totp_secret()
Authenticator.objects.filter(user_id=pk).delete()
auth.TOTP.activate(User.objects.get(pk=pk), answer)
"""


def sign(claims: dict, key: str | bytes, algorithm: str, headers: dict) -> str:
    """A JWT with any key, also those that the library refuses to sign with."""
    if algorithm != "HS256":
        return jwt.encode(claims, key, algorithm=algorithm, headers=headers)
    parts = [{"alg": "HS256", "typ": "JWT"} | headers, claims]
    text = b".".join(base64url_encode(json.dumps(part).encode()) for part in parts)
    key = key if isinstance(key, bytes) else key.encode()
    return (text + b"." + base64url_encode(hmac.digest(key, text, "sha256"))).decode()


def text_of(mail: Message) -> str:
    """The words of a mail, decoded."""
    parts = [part for part in mail.walk() if part.get_content_maintype() == "text"]
    return "\n".join(part.get_payload(decode=True).decode("utf-8", "replace") for part in parts)


@dataclass(frozen=True)
class Person:
    """An account with a proven mailbox, signed in to the API."""

    id: int
    email: str
    token: str


class Shop:
    """A running stack, and what a test needs to know of it."""

    def __init__(self, stack: Stack, mailbox: Mailbox):
        self.stack, self.sandbox, self.mailbox = stack, Sandbox(stack), mailbox
        self.owner, self.stranger, self.staff = self.people("owner", "stranger", "staff")
        self.event = make_event(stack, title="Open night", stream_url=STREAM, capacity=5000)
        self.slug = stack.django("Event.objects.get(pk=pk).slug", pk=self.event)
        self.hidden = make_event(stack, title="Hidden night", stream_url=STREAM, is_active=False)
        self.free = make_event(stack, title="Free night", price_sats=0, stream_url=STREAM, capacity=5000)

    @property
    def mails(self) -> list[Message]:
        """Every mail sent so far, oldest first."""
        return self.mailbox.mails

    def attacker(self) -> Attacker:
        return Attacker(self.stack)

    def people(self, *names: str) -> list[Person]:
        rows = self.stack.django(_PEOPLE, names=names, password=PASSWORD)
        return [Person(pk, f"{name}@example.com", token) for name, (pk, token) in rows.items()]

    def app_of(self, person: Person) -> str:
        """The secret of an authenticator app that is set up for `person` now."""
        return self.stack.django(_APP, pk=person.id)

    def person(self) -> Person:
        """Somebody new."""
        return self.people(f"person{next(_numbers)}")[0]

    def forged(self, person: Person, *, key=None, algorithm="HS256", headers=None, **changes) -> str:
        """The person's token with other claims (… takes one away), key or algorithm."""
        claims = jwt.decode(person.token, options={"verify_signature": False}) | changes
        claims = {name: value for name, value in claims.items() if value is not ...}
        key = self.stack.env["JWT_SECRET"] if key is None else key
        return sign(claims, key, algorithm, headers or {})

    def mailed_link(self, to: str, part: str) -> str:
        """The path of the newest mailed link with `part`; each leads to the shop's own address."""

        def newest() -> str:
            texts = [text_of(mail) for mail in self.mails if mail["To"] == to]
            found = [
                link for text in texts for link in re.findall(r"http://[^\s\"<>]+", text) if part in link
            ]
            return found[-1] if found else ""

        link = wait_until(newest, 10, f"a mail to {to} with {part}")
        assert link.startswith(f"{self.stack.shop_url}/"), link
        return link.removeprefix(self.stack.shop_url)

    # -- orders ------------------------------------------------------------------------------------
    def buy(self, by: Person | None = None, event: int = 0, **body) -> dict:
        """What the purchase answers, of somebody's seat or of a guest's."""
        body = {"event_id": event or self.event} | body
        if by is None:
            body = {"email": f"guest-{self.attacker().address}@example.com", "name": "Guest"} | body
        answer = self.attacker().post("/api/tickets/purchase", body, token=by.token if by else "")
        assert answer.status == 201, answer.text
        return answer.json()

    def order(self, bought: dict) -> Answer:
        order = bought["order"]
        return self.attacker().get(f"/api/orders/{order['id']}", order_token=order["token"])

    def bolt11(self, bought: dict) -> str:
        return wait_until(lambda: self.order(bought).json()["payment"]["bolt11"], 20, "a BOLT11")

    def pay(self, bought: dict) -> dict:
        """Pay an order from outside; the order once it is paid."""
        self.sandbox.pay_from_outside(self.bolt11(bought))
        wait_until(lambda: self.order(bought).json()["order"]["status"] == "paid", 20, "the order is paid")
        return self.order(bought).json()

    def buy_and_pay(self, by: Person | None = None, **body) -> dict:
        return self.pay(self.buy(by, **body))
