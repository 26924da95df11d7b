"""Doors without a net in a real browser: two of them let in apart, and are told when they meet again."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE
from tests.browser.test_door import qr_png
from tests.browser.test_reading import violations
from tests.browser.test_staff import PASSWORD
from tests.buyer import make_event
from tests.faults.proxy import Proxy
from tests.processes import PATIENCE, free_port, wait_until

pytestmark = pytest.mark.short

ON_DEVICE = """async () => {
  const opened = await new Promise(done => {
    const request = indexedDB.open("door");
    request.onsuccess = () => done(request.result);
  });
  const all = name => new Promise(done => {
    const request = opened.transaction(name).objectStore(name).getAll();
    request.onsuccess = () => done(request.result);
  });
  const key = await new Promise(done => {
    const request = opened.transaction("own").objectStore("own").get("key");
    request.onsuccess = () => done(request.result);
  });
  const lists = await all("lists");
  const texts = lists.map(list => new TextDecoder("latin1").decode(list.data));
  const said = {
    lists: lists.length, scans: (await all("scans")).length, text: texts.join(), hasKey: Boolean(key),
    canBeReadOut: key ? await crypto.subtle.exportKey("raw", key).then(() => true, () => false) : null,
    doorIsKept: await caches.has("door"),
  };
  opened.close();
  return said;
}"""
# A browser from before WebCrypto had Ed25519.
NO_ED25519 = """
const importKey = crypto.subtle.importKey.bind(crypto.subtle);
crypto.subtle.importKey = (format, key, algorithm, ...more) =>
  algorithm.name === "Ed25519"
    ? Promise.reject(new DOMException("Unrecognized name.", "NotSupportedError"))
    : importKey(format, key, algorithm, ...more);
"""


class Door:
    """A phone in front of a door, with a net of its own that can be cut."""

    def __init__(self, browser, stack, *, script: str = ""):
        self.proxy = Proxy(free_port(), stack.ports[0])
        self.url = f"http://localhost:{self.proxy.port}"
        self.context = browser.new_context(viewport=PHONE, locale="en-US", timezone_id="Europe/Berlin")
        self.context.set_default_timeout(10_000 * PATIENCE)
        if script:
            self.context.add_init_script(script)
        self.page: Page = self.context.new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def mind(self, event_id: int) -> "Door":
        self.page.goto(f"{self.url}/accounts/login/?next=/door/{event_id}")
        self.page.locator("[name=login]").fill("staff@example.com")
        self.page.locator("[name=password]").fill(PASSWORD)
        self.page.locator("[name=password]").press("Enter")
        self.page.wait_for_url(re.compile(rf"/door/{event_id}$"))
        self.has_list()
        return self

    def has_list(self) -> None:
        expect(self.page.locator("[data-state]")).to_contain_text("this phone lets in without a net, too")
        wait_until(lambda: self.page.evaluate("navigator.serviceWorker.controller !== null"), 10, "a worker")

    def cut(self) -> None:
        self.proxy.cut()

    def mend(self) -> None:
        self.proxy.heal()
        self.page.evaluate("window.dispatchEvent(new Event('online'))")

    def type(self, text: str) -> None:
        self.page.locator("#id_code").fill(text)
        self.page.keyboard.press("Enter")

    def show(self, text: str) -> None:
        """Somebody holds a QR of `text` before the phone."""
        photo = {"name": "p.png", "mimeType": "image/png", "buffer": qr_png(text)}
        self.page.set_input_files("[data-photo]", photo)

    def says(self, *words: str) -> None:
        for each in words:
            expect(self.page.locator("[data-said]")).to_contain_text(each)

    def on_device(self) -> dict:
        return self.page.evaluate(ON_DEVICE)


@pytest.fixture
def make_door(browser, stack):
    stack.django(
        "from accounts.staff import save_verified_user\n"
        "answer = save_verified_user(email='staff@example.com', password=password)[0].pk",
        password=PASSWORD,
    )
    doors: list[Door] = []

    def make(event_id: int, **options) -> Door:
        doors.append(Door(browser, stack, **options))
        return doors[-1].mind(event_id)

    yield make
    for door in doors:
        door.context.close()
        door.proxy.close()
        assert door.errors == []


def sell(stack, event_id: int, name: str, quantity: int = 1) -> list[dict]:
    """Tickets of one order: what each one's QR holds, its code, and its id."""
    return stack.django(
        "from tickets.services.orders import place_order\n"
        "from tickets.offline_door.statements import qr_text\n"
        "event = Event.objects.get(pk=pk)\n"
        "order = place_order(event=event, quantity=n, email='ann@example.com', name=name)\n"
        "answer = [{'qr': qr_text(t), 'code': t.ticket_code, 'id': str(t.pk), 'order': order.code}\n"
        "          for t in order.tickets.select_related('order', 'line')]",
        pk=event_id,
        n=quantity,
        name=name,
    )


def evening(stack) -> int:
    return make_event(stack, price_sats=0, title="Door night")


def inside(stack, event_id: int) -> int:
    return stack.django("CheckIn.objects.filter(ticket__order__event=pk).count()", pk=event_id)


def test_two_doors_apart_let_in_and_meet_again(make_door, stack):
    event_id = evening(stack)
    ann, bo = sell(stack, event_id, "Ann", 2)
    [gone] = sell(stack, event_id, "Gone")
    void = (
        "from tickets.services.voiding import void_ticket\nvoid_ticket(Ticket.objects.get(pk=t))\nanswer = 1"
    )
    stack.django(void, t=gone["id"])
    east, west = make_door(event_id), make_door(event_id)
    [late] = sell(stack, event_id, "Late")  # after both have their lists
    for door in (east, west):
        door.cut()

    east.show(ann["qr"])
    east.says("Welcome", "Ann")
    east.show(ann["qr"])
    east.says("Already used")
    east.show(gone["qr"])
    east.says("Given back")
    east.type(gone["code"])
    east.says("Given back")
    east.show(late["qr"])
    east.says("Welcome")
    east.type(late["code"])
    east.says("Unknown code")  # a code alone, which is on no list
    expect(east.page.locator("[data-state]")).to_contain_text("Scans to bring back: 2.")
    west.type(ann["code"].lower())
    west.says("Welcome", "Ann")
    assert violations(west.page) == []

    # Still without a net, the page is opened anew: it comes from the phone, with its list and its scans.
    west.page.goto(f"{west.url}/door/{event_id}")
    expect(west.page.locator("[data-state]")).to_contain_text("Going by the list")
    west.type("an")
    west.page.get_by_role("button", name="Let in").first.click()
    west.says("Welcome", "Ann")
    west.type(bo["code"])
    west.says("Already used")
    assert inside(stack, event_id) == 0

    east.mend()
    wait_until(lambda: inside(stack, event_id) == 2, 10, "east's scans")
    west.mend()
    conflicts = west.page.locator("[data-conflicts]")
    expect(conflicts).to_contain_text("Ann")
    expect(conflicts).to_contain_text(re.compile(r"let in twice: first at \d.*, again at \d"))
    expect(west.page.locator("[data-state]")).not_to_contain_text("Scans to bring back")
    assert inside(stack, event_id) == 3
    east.page.reload()
    expect(east.page.locator("[data-conflicts]")).to_contain_text("let in twice")
    assert violations(east.page) == []
    east.show(bo["qr"])
    east.says("Already used")


def test_forged_and_foreign_statements_stay_out(make_door, stack):
    event_id, other_id = evening(stack), evening(stack)
    sell(stack, event_id, "Ann")
    door = make_door(event_id)
    [late] = sell(stack, event_id, "Late")
    [foreign] = sell(stack, other_id, "Fay")
    door.cut()
    parts = late["qr"].split(".")
    signature = parts[-1]
    forged = {
        "another ticket": [*parts[:3], foreign["qr"].split(".")[3], *parts[4:]],
        "another generation": [*parts[:4], "7", *parts[5:]],
        "a signature of something else": [*parts[:-1], foreign["qr"].split(".")[-1]],
        "a broken signature": [*parts[:-1], ("B" if signature[0] == "A" else "A") + signature[1:]],
        "an unknown key": [*parts[:6], "AAAAAA", signature],
        "no signature": parts[:-1],
    }
    for statement in forged.values():
        door.show(".".join(statement))
        door.says("Unknown code")
        door.type("")
        door.page.evaluate("document.querySelector('[data-said]').replaceChildren()")
    door.show(foreign["qr"])
    door.says("Other event")
    door.show(late["qr"])
    door.says("Welcome")


def test_a_browser_without_ed25519_believes_the_same(make_door, stack):
    event_id = evening(stack)
    door = make_door(event_id, script=NO_ED25519)
    [late] = sell(stack, event_id, "Late")
    [other] = sell(stack, event_id, "Other")
    door.cut()
    door.show(".".join([*late["qr"].split(".")[:-1], other["qr"].split(".")[-1]]))
    door.says("Unknown code")
    door.show(late["qr"])
    door.says("Welcome")
    door.page.locator("[data-waiting]").get_by_role("button", name="Undo").click()
    door.says("Out again")
    expect(door.page.locator("[data-waiting]")).to_be_hidden()
    door.show(late["qr"])
    door.says("Welcome")


def test_a_replaced_link_is_refused_and_its_new_one_is_good(make_door, stack):
    event_id = evening(stack)
    [before, later] = sell(stack, event_id, "Ann", 2)
    replace = (
        "from tickets.services.voiding import replace_ticket\n"
        "from tickets.offline_door.statements import qr_text\n"
        "t = Ticket.objects.select_related('order__event', 'line').get(pk=t)\n"
        "answer = qr_text(replace_ticket(t))"
    )
    stack.django(replace, t=before["id"])
    door = make_door(event_id)
    new = stack.django(replace, t=later["id"])  # after the list
    door.cut()
    door.show(before["qr"])
    door.says("Given back")
    door.show(new)
    door.says("Welcome")
    door.show(later["qr"])
    door.says("Already used")


def test_the_list_is_unreadable_on_the_device_and_goes_at_sign_out(make_door, stack):
    event_id = evening(stack)
    sell(stack, event_id, "Ann Unmistakable")
    door = make_door(event_id)
    wait_until(lambda: door.on_device()["doorIsKept"], 10, "the door's page")
    kept = door.on_device()
    assert (kept["lists"], kept["hasKey"], kept["canBeReadOut"]) == (1, True, False)
    assert "Unmistakable" not in kept["text"]
    door.page.goto(f"{door.url}/me/account")
    door.page.locator("form[action*='logout'] button").first.click()
    door.page.wait_for_load_state()
    wait_until(lambda: not door.on_device()["hasKey"], 10, "the key's end")
    left = door.on_device()
    assert (left["lists"], left["doorIsKept"]) == (0, False)


def test_the_list_goes_when_the_event_is_over(make_door, stack):
    event_id = evening(stack)
    sell(stack, event_id, "Ann")
    door = make_door(event_id)
    door.cut()
    door.page.add_init_script("Date.now = () => 4102444800000")
    door.page.goto(f"{door.url}/door/{event_id}")
    expect(door.page.locator("[data-state]")).to_contain_text("No net, and no list")
    assert door.on_device()["lists"] == 0
