"""Secrets in logs: after a whole journey no line of web or worker holds one of the known secrets.

E18, R10 and the house rule that a log holds no code, stream, token, BOLT11, preimage, password, key, whole
e-mail or UMA address. The shops under attack log everything there is (LOG_LEVEL=DEBUG), and this file comes
last: what the attacks before it sent and got is looked for as well. For a while the mail server refuses.
"""

import re

from tests.attacks.shop import PASSWORD, STREAM, Shop
from tests.buyer import Sandbox
from tests.processes import wait_until

PHRASE = "canary-passphrase-9471"
WALLET = "$canary-wallet@canary-wallet.example"
EMAIL = "canary-guest@canary-mail.example"
# In the environment, and nowhere else.
SECRET_SETTINGS = (
    "SECRET_KEY", "JWT_SECRET", "LIGHTSPARK_API_TOKEN_CLIENT_SECRET", "LIGHTSPARK_NODE_PASSWORD",
    "LIGHTSPARK_WEBHOOK_SIGNING_KEY", "UMA_SIGNING_PRIVATE_KEY", "UMA_ENCRYPTION_PRIVATE_KEY",
)  # fmt: skip
ASK = "question = Question(event_id=pk, label='Diet?'); question.save(); answer = question.pk"
# Every secret that a row holds or that can be made of one.
IN_ROWS = """
answer = {
    "ticket codes": list(Ticket.objects.values_list("ticket_code", flat=True)),
    "order links": [order.token for order in Order.objects.all()],
    "ticket links": [ticket.token for ticket in Ticket.objects.all()],
    "BOLT11": [one.bolt11 for one in Invoice.objects.exclude(bolt11="") if one.bolt11],
    "UMA invoices": [one.uma_invoice for one in Payment.objects.exclude(uma_invoice="")],
    "e-mail addresses": list(User.objects.values_list("email", flat=True))
    + list(Order.objects.exclude(email="").values_list("email", flat=True))
    + list(Mail.objects.values_list("to", flat=True)),
    "UMA addresses": list(Order.objects.exclude(uma_address="").values_list("uma_address", flat=True))
    + list(Payment.objects.exclude(payer_uma="").values_list("payer_uma", flat=True)),
    "names": ["Canary Holder"],
    "answers": list(Answer.objects.values_list("text", flat=True)) + ["Canary Diet"],
    "password hashes": list(User.objects.exclude(password="").values_list("password", flat=True)),
    "streams": list(Event.objects.exclude(stream_url="").values_list("stream_url", flat=True)),
    "sessions": list(Session.objects.values_list("session_key", flat=True)),
}
"""


def journey(shop: Shop) -> dict[str, list[str]]:
    """Buy, pay, look, fail and leave, by API and by page; the secrets that are in no row."""
    someone, browser = shop.attacker(), shop.attacker().browser()
    person = shop.people("canary-owner")[0]
    someone.post("/api/users", {"email": "canary-new@example.com", "password": PHRASE})
    someone.post("/api/users/login", {"email": person.email, "password": PHRASE + " wrong"})
    token = someone.post("/api/users/login", {"email": person.email, "password": PASSWORD}).json()["token"]
    for wrong in (token[:-3], shop.forged(person, user_id="canary"), "canary-bearer-5512"):
        someone.get("/api/users/me", token=wrong)
    question = shop.stack.django(ASK, pk=shop.event)
    said = {"answers": [{"question_id": question, "values": ["Canary Diet, no nuts"]}]}
    someone.post("/api/tickets/purchase", {"event_id": shop.event, "email": EMAIL, "name": 7} | said)
    bought = shop.buy(email=EMAIL, name="Canary Holder", uma_address=WALLET, **said)
    browser.submit(f"/events/{shop.slug}", **{f"answer_{question}": "Canary Diet" * 99, "email": EMAIL})
    alices = shop.buy(uma_address=f"$alice@{shop.stack.sandbox_domain}")
    wallet = Sandbox(shop.stack).wallet("alice")
    name = alices["payment"]["pay_address"].partition("@")[0].removeprefix("$").lower()
    asked = wait_until(
        lambda: next((one for one in wallet.look()["requests"] if name in str(one).lower()), None), 20
    )
    wallet.approve(asked)
    preimages = re.findall(r"'preimage': '([0-9a-f]{64})'", str(wallet.look()))
    for proof in (preimages[0], WALLET, shop.bolt11(bought)):
        browser.submit("/paid", proof=proof)
    paid = shop.pay(bought)
    order, ticket = paid["order"], paid["tickets"][0]
    link = ticket["url"].removeprefix(shop.stack.shop_url)
    for path in (
        f"/orders/{order['token']}",
        link,
        f"{link}/stream",
        f"{link}/ticket.pdf",
        f"{link}x",
        f"/orders/{order['token']}x",
    ):
        browser.open(path)
        browser.open(path, headers={"Referer": shop.stack.shop_url + link})
    assert someone.get(f"/orders/{order['token']}/live?v=x").status == 200
    browser.submit(link, to=f"{link}/holder", holder_name="Canary Holder")
    browser.submit(link, to=f"{link}/stream/join")
    someone.post(f"/api/tickets/{ticket['ticket_id']}/join", {}, Ticket_Token=ticket["token"])
    browser.submit(f"/events/{shop.slug}", to=f"/events/{shop.event}/buy", quantity="x", email=EMAIL)
    browser.sign_in(person.email, PHRASE)
    browser.sign_in(person.email, PASSWORD)
    browser.submit("/find", email=EMAIL)
    door = {"ticket_code": ticket["ticket_code"], "event_id": shop.event}
    someone.post("/api/tickets/validate", door)
    for _ in range(2):
        someone.post("/api/tickets/check-in", door, token=shop.staff.token)
    someone.post(f"/api/orders/{order['id']}/cancel", order_token=order["token"])
    someone.get(f"/api/orders/{order['id']}", order_token=order["token"] + "x")
    someone.post(
        "/api/tickets/purchase", {"event_id": shop.event, "email": EMAIL, "uma_address": WALLET + "/x"}
    )
    someone.post("/api/tickets/purchase", b'{"email": "' + EMAIL.encode() + b'", broken')
    someone.get(f"/api/events?q={ticket['ticket_code']}")
    for line in (f"GET {link} x HTTP/1.1", f"GET {link} HTTP/7.7", f"get {link} HTTP/1.1", link):
        assert someone.raw(f"{line}\r\nHost: localhost\r\n\r\n".encode()).status == 400
    someone.raw(f"GET / HTTP/1.1\r\nOrder-Token : {order['token']}\r\n\r\n".encode())
    someone.post("/api/users/reset-password", {"email": person.email})
    key = shop.mailed_link(person.email, "password/reset/key").strip("/").rpartition("/")[2]
    someone.post("/api/users/reset-password/confirm", {"key": key, "password": "short"})
    someone.post("/api/users/reset-password/confirm", {"key": key, "password": PHRASE})
    return {
        "mailed keys": [key],
        "passwords": [PASSWORD, PHRASE],
        "tokens": [token, person.token, shop.staff.token, shop.owner.token, "canary-bearer-5512"],
        "preimages": preimages,
        "stream": [STREAM, STREAM.rpartition("/")[2]],
        "broken links": [link.rpartition("/")[2], order["token"]],
        "settings": [shop.stack.env[name] for name in SECRET_SETTINGS],
    }


def refuse_mails(shop: Shop, person: str) -> None:
    """While the mail server refuses everybody: what it says holds the address, and is logged."""
    someone, shop.mailbox.rejected = shop.attacker(), "@"
    gone = "canary-gone@example.com"
    shop.buy_and_pay(email=gone, name="Canary Holder")
    refused = "Mail.objects.filter(status='failed', to=to).count()"
    wait_until(lambda: shop.stack.django(refused, to=gone), 30, "a mail is refused for good")
    shop.mailbox.refusal = "450 4.2.1"
    shop.buy_and_pay(email=EMAIL, name="Canary Holder")
    someone.post("/api/users", {"email": "canary-refused@example.com", "password": PHRASE})
    someone.post("/api/users/reset-password", {"email": person})
    waiting = "Mail.objects.filter(status='due', attempts__gt=0, to=to).count()"
    wait_until(lambda: shop.stack.django(waiting, to=EMAIL), 30, "a mail is refused")
    shop.mailbox.rejected, shop.mailbox.refusal = "", "550 5.1.1"
    shop.stack.django("answer = Mail.objects.filter(status='due').update(next_attempt_at=timezone.now())")


def test_no_line_of_any_log_holds_a_secret(shop):
    """E18, R10"""
    secrets = journey(shop)
    refuse_mails(shop, shop.people("canary-owner")[0].email)
    wait_until(lambda: shop.stack.django("Mail.objects.filter(status='due').count()") == 0, 60, "mails sent")
    for kind, values in shop.stack.django(IN_ROWS).items():
        secrets[kind] = secrets.get(kind, []) + values
    logs = {process.name: process.log.read_text(errors="replace") for process in shop.stack.processes[1:]}
    assert all(len(text) > 200 for text in logs.values()), "web and worker wrote something"
    found = {
        (name, kind, line[:300])
        for name, text in logs.items()
        for kind, values in secrets.items()
        for value in set(values)
        if len(value) > 3 and value.lower() in (low := text.lower())
        for line in [text[max(0, low.index(value.lower()) - 200) :][:500]]
    }
    assert found == set()
    for kind, values in secrets.items():
        assert any(len(value) > 3 for value in values), f"no {kind} were looked for"
