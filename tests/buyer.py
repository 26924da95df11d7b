"""A buyer and their wallet, by API, for the journeys."""

import uuid
from dataclasses import dataclass, field

import requests

from tests.processes import wait_until
from tests.stack import Stack

TIMEOUT = 30
ENDED = {"paid", "expired", "canceled"}


def make_event(stack: Stack, **fields) -> int:
    """An event on sale since now, live in an hour; returns its id. `fields` replace what differs."""
    usual = {"title": "A test night", "capacity": 50, "price_sats": 2500}
    usual["stream_url"] = "https://stream.example.com/x"
    return stack.django(
        "Event.objects.create(start_time=timezone.now() + timedelta(hours=1),"
        " end_time=timezone.now() + timedelta(hours=3), **fields).pk",
        fields=usual | fields,
    )


def post_purchase(stack: Stack, event_id: int, *, url: str = "", key: str = "", **body) -> requests.Response:
    """One raw `POST /api/tickets/purchase`, as a guest with a fresh address unless `body` says otherwise."""
    body = {
        "event_id": event_id,
        "email": f"{uuid.uuid4().hex}@example.com",
        "name": "B",
        **({} if "items" in body else {"quantity": 1}),
    } | body
    headers = {"Idempotency-Key": key} if key else {}
    return requests.post(
        f"{url or stack.shop_url}/api/tickets/purchase", json=body, headers=headers, timeout=TIMEOUT
    )


@dataclass
class Buyer:
    """Somebody who bought: their order as the purchase answered, and what they can see of it later."""

    stack: Stack
    email: str = field(default_factory=lambda: f"{uuid.uuid4().hex}@example.com")
    bought: dict = field(default_factory=dict)

    def buy(self, event_id: int, **body) -> "Buyer":
        answer = post_purchase(self.stack, event_id, email=self.email, **body)
        assert answer.status_code == 201, answer.text
        self.bought = answer.json()
        return self

    @property
    def order_id(self) -> str:
        return self.bought["order"]["id"]

    @property
    def amount_msats(self) -> int:
        return self.bought["order"]["amount_sats"] * 1000

    def order(self) -> dict:
        """The order as it stands now, in the purchase's shape."""
        answer = requests.get(
            f"{self.stack.shop_url}/api/orders/{self.order_id}",
            headers={"Order-Token": self.bought["order"]["token"]},
            timeout=TIMEOUT,
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def cancel(self) -> requests.Response:
        return requests.post(
            f"{self.stack.shop_url}/api/orders/{self.order_id}/cancel",
            headers={"Order-Token": self.bought["order"]["token"]},
            timeout=TIMEOUT,
        )

    def status(self) -> str:
        return self.order()["order"]["status"]

    def bolt11(self, seconds: float = 15) -> str:
        """The BOLT11 to pay; the node may need a moment for it."""
        return wait_until(lambda: self.order()["payment"]["bolt11"], seconds, "a BOLT11 on the order")

    def pay_address(self) -> str:
        return self.bought["payment"]["pay_address"].removeprefix("$")

    def wait_for(self, status: str, seconds: float = 20) -> dict:
        """The order once it has `status`; another final status fails at once."""

        def arrived():
            order = self.order()
            now = order["order"]["status"]
            assert now == status or now not in ENDED or status in ENDED, f"the order is {now}"
            return order if now == status else None

        return wait_until(arrived, seconds, f"the order becomes {status}")


class Sandbox:
    """The sandbox's own API: its ledger, its faults, its wallets."""

    def __init__(self, stack: Stack):
        self.stack, self.url = stack, stack.sandbox_url

    def get(self, path: str) -> dict:
        answer = requests.get(f"{self.url}{path}", timeout=TIMEOUT)
        assert answer.ok, answer.text
        return answer.json()

    def post(self, path: str, **body) -> dict:
        answer = requests.post(f"{self.url}{path}", json=body, timeout=TIMEOUT)
        assert answer.ok, answer.text
        return answer.json()

    def fault(self, kind: str, **more) -> None:
        self.post("/api/faults", kind=kind, **more)

    def no_faults(self) -> None:
        requests.delete(f"{self.url}/api/faults", timeout=TIMEOUT)

    def payments(self, hashes: list[str]) -> list[dict]:
        """What the ledger says went through for these payment hashes."""
        rows = self.get("/api/ledger")["payments"]
        return [row for row in rows if row["payment_hash"] in hashes and row["status"] == "SUCCESS"]

    def pay_from_outside(self, bolt11: str, **more) -> dict:
        """Somebody out in the world pays a BOLT11, whatever wallet they have."""
        return self.post("/api/payments", bolt11=bolt11, **more)["payments"][0]

    def wallet(self, user: str) -> "Wallet":
        return Wallet(self, user)


class Wallet:
    """One user of the sandbox's UMA wallet."""

    def __init__(self, sandbox: Sandbox, user: str):
        self.sandbox, self.user = sandbox, user
        self.address = f"${user}@{sandbox.stack.sandbox_domain}"

    def look(self) -> dict:
        return self.sandbox.get(f"/api/wallets/{self.user}")

    def request_for(self, buyer: Buyer, seconds: float = 15) -> dict:
        """The UMA Request that the shop pushed for this order."""
        name = buyer.pay_address().lower()

        def pushed():
            return next((row for row in self.look()["requests"] if name in str(row).lower()), None)

        return wait_until(pushed, seconds, f"a request of {name} in {self.user}'s wallet")

    def approve(self, request: dict) -> dict:
        return self._paid(f"/api/wallets/{self.user}/requests/{request['id']}/approve")

    def decline(self, request: dict) -> dict:
        return self.sandbox.post(f"/api/wallets/{self.user}/requests/{request['id']}/decline")

    def pay(self, to: str, amount_sats: int | None = None, comment: str = "") -> dict:
        more = {} if amount_sats is None else {"amount_sats": amount_sats}
        more |= {"comment": comment} if comment else {}
        return self._paid(f"/api/wallets/{self.user}/pay", to=to, **more)

    def _paid(self, path: str, **body) -> dict:
        entry = self.sandbox.post(path, **body)
        assert entry["status"] != "failed", entry
        return entry


def assert_sold_once(buyer: Buyer) -> None:
    """One paid order, its price in sats on both sides, and an audit that finds nothing."""
    stack = buyer.stack
    order = buyer.wait_for("paid")
    assert [ticket["payment_status"] for ticket in order["tickets"]] == ["paid"] * len(order["tickets"])
    assert all(ticket["ticket_code"] for ticket in order["tickets"])
    arrived = stack.django(
        "[[i.amount_msats, i.applied_msats] for i in IncomingPayment.objects.filter(payment__order__id=id)]",
        id=buyer.order_id,
    )
    assert arrived == [[buyer.amount_msats, buyer.amount_msats]]
    hashes = stack.django(
        "list(Invoice.objects.filter(payment__order__id=id, payment_hash__isnull=False)"
        ".values_list('payment_hash', flat=True))",
        id=buyer.order_id,
    )
    sent = Sandbox(stack).payments(hashes)
    assert [row["amount_msats"] for row in sent] == [buyer.amount_msats]
    assert [row["to"]["node_id"] for row in sent] == [stack.env["LIGHTSPARK_NODE_ID"]]
    stack.audit()
