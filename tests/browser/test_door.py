"""Check-in at the door in a real browser: by photo, by camera, in two browsers at once."""

import base64
import io

import pytest
import segno
from playwright.sync_api import expect

from tests.browser.test_reading import violations
from tests.browser.test_staff import staff_page  # noqa: F401, a fixture
from tests.buyer import make_event
from tests.processes import wait_until

# A camera before which somebody holds a picture.
CAMERA = """source => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 480 });
  const picture = Object.assign(new Image(), { src: source });
  setInterval(() => {
    const paper = canvas.getContext("2d");
    paper.fillStyle = "#888";
    paper.fillRect(0, 0, 640, 480);
    if (picture.complete) paper.drawImage(picture, 200, 120, 240, 240);
  }, 50);
  navigator.mediaDevices.getUserMedia = async () => canvas.captureStream(20);
}"""

# A headless browser gives no wake lock: this one notes what is asked of it and gives the lock up when hidden.
WAKE_LOCK = """
window.locks = [];
window.hide = hidden => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  if (hidden) locks.forEach(lock => (lock.held = false));
  document.dispatchEvent(new Event("visibilitychange"));
};
Object.defineProperty(navigator, "wakeLock", {
  value: {
    request: async kind => {
      const lock = { kind, held: true, release: async () => { lock.held = false; } };
      locks.push(lock);
      return lock;
    },
  },
});
"""
HELD = "locks.filter(lock => lock.held).map(lock => lock.kind).join()"


def make_tickets(stack, *, live: bool = False, quantity: int = 1) -> tuple[int, list[dict]]:
    """A free event and the tickets of one order: each with its code and its page's path."""
    event_id = make_event(stack, price_sats=0, title="Door night")
    if live:
        stack.django(
            "Event.objects.filter(pk=pk).update(start_time=timezone.now() - timedelta(minutes=1))",
            pk=event_id,
        )
    tickets = stack.django(
        "from tickets.services.orders import place_order\n"
        "event = Event.objects.get(pk=pk)\n"
        "order = place_order(event=event, quantity=n, email='ann@example.com', name='Ann')\n"
        "answer = [{'code': t.ticket_code, 'path': t.get_absolute_url()} for t in order.tickets.all()]",
        pk=event_id,
        n=quantity,
    )
    return event_id, tickets


def qr_png(text: str) -> bytes:
    picture = io.BytesIO()
    segno.make(text, error="m").save(picture, kind="png", scale=8, border=5)
    return picture.getvalue()


def test_a_photo_and_a_typed_code_let_in_once(staff_page, stack):  # noqa: F811
    event_id, [ticket, other] = make_tickets(stack, quantity=2)
    staff_page.goto(f"{stack.shop_url}/door/{event_id}")
    photo = {"name": "p.png", "mimeType": "image/png", "buffer": qr_png(ticket["code"])}
    said = staff_page.locator(".verdict")
    for words in ("Welcome", "Already used"):
        staff_page.set_input_files("[data-photo]", photo)
        expect(said).to_contain_text(words)
        expect(said).to_contain_text("Ann")
    expect(staff_page.locator("#announce")).to_contain_text("Already used")
    expect(staff_page.get_by_text("1 of 2 are in")).to_be_visible()

    staff_page.get_by_label("Ticket code").fill("nothing like it")
    staff_page.keyboard.press("Enter")
    expect(said).to_contain_text("Unknown code")
    staff_page.get_by_label("Ticket code").fill(other["code"].lower())
    staff_page.keyboard.press("Enter")
    expect(said).to_contain_text("Welcome")
    assert staff_page.evaluate("document.querySelector('.verdict').getBoundingClientRect().top") < 400
    assert (
        stack.django(
            "Event.objects.get(pk=pk).orders.get().tickets.exclude(check_in=None).count()", pk=event_id
        )
        == 2
    )


def test_the_camera_sees_the_code(staff_page, stack):  # noqa: F811
    event_id, [ticket] = make_tickets(stack)
    staff_page.goto(f"{stack.shop_url}/door/{event_id}")
    staff_page.evaluate(CAMERA, "data:image/png;base64," + base64.b64encode(qr_png(ticket["code"])).decode())
    staff_page.get_by_role("button", name="Camera").click()
    expect(staff_page.locator(".verdict")).to_contain_text("Welcome")
    staff_page.get_by_role("button", name="Stop").click()
    expect(staff_page.locator("[data-view]")).to_be_hidden()


def test_the_phone_stays_awake_while_it_scans(staff_page, stack):  # noqa: F811
    event_id, [ticket] = make_tickets(stack)
    staff_page.add_init_script(WAKE_LOCK)
    staff_page.goto(f"{stack.shop_url}/door/{event_id}")
    staff_page.evaluate(CAMERA, "data:image/png;base64," + base64.b64encode(qr_png(ticket["code"])).decode())
    assert staff_page.evaluate("locks.length") == 0
    staff_page.get_by_role("button", name="Camera").click()
    wait_until(lambda: staff_page.evaluate(f"{HELD} === 'screen'"))
    staff_page.evaluate("hide(true)")
    assert staff_page.evaluate(HELD) == ""
    staff_page.evaluate("hide(false)")
    wait_until(lambda: staff_page.evaluate(f"{HELD} === 'screen'"))
    staff_page.get_by_role("button", name="Stop").click()
    wait_until(lambda: staff_page.evaluate(f"{HELD} === ''"))
    staff_page.evaluate("hide(true)")
    staff_page.evaluate("hide(false)")
    assert staff_page.evaluate("locks.length") == 2


def test_nobody_is_let_in_twice_while_the_line_is_cut(staff_page, stack):  # noqa: F811
    """The first answer is lost on the way: the page sends the same scan again and hears the same."""
    event_id, [ticket] = make_tickets(stack)
    staff_page.goto(f"{stack.shop_url}/door/{event_id}")
    lost = []

    def lose_the_answer(route):
        if route.request.method != "POST" or lost:
            return route.fallback()
        lost.append(route.fetch())
        return route.fulfill(status=409)  # any refusal would do; this one the browser's watchers let pass

    staff_page.route(f"**/door/{event_id}", lose_the_answer)
    staff_page.get_by_label("Ticket code").fill(ticket["code"])
    staff_page.keyboard.press("Enter")
    expect(staff_page.locator(".verdict")).to_contain_text("Welcome")
    assert "Welcome" in lost[0].text()


def test_the_second_device_asks_and_the_first_is_told(page, open_context, stack):
    _, [ticket] = make_tickets(stack, live=True)
    page.goto(f"{stack.shop_url}{ticket['path']}")
    page.get_by_role("link", name="Join the stream").click()
    page.get_by_role("button", name="Enter").click()
    expect(page.get_by_role("link", name="Enter")).to_be_visible()

    other = open_context().new_page()
    other.goto(f"{stack.shop_url}{ticket['path']}/stream")
    expect(other.get_by_role("heading", name="Watch here instead?")).to_be_visible()
    other.get_by_role("button", name="Watch here").click()
    expect(other.get_by_role("link", name="Enter")).to_be_visible()
    expect(page.get_by_role("heading", name="Watch here instead?")).to_be_visible(timeout=15_000)


@pytest.mark.parametrize("what", ["paid", "ticket", "room"])
def test_these_pages_are_for_everybody(page, stack, what):
    _, [ticket] = make_tickets(stack, live=True)
    paths = {"paid": "/paid", "ticket": ticket["path"], "room": f"{ticket['path']}/stream"}
    page.goto(stack.shop_url + paths[what])
    assert violations(page) == []
    if what == "ticket":
        page.locator("details summary").first.click()
        assert violations(page) == []


def test_the_door_is_for_every_member_of_staff(staff_page, stack):  # noqa: F811
    event_id, [ticket] = make_tickets(stack)
    for path in ("/door", f"/door/{event_id}"):
        staff_page.goto(stack.shop_url + path)
        assert violations(staff_page) == []
    for code in (ticket["code"], "nothing like it"):
        staff_page.get_by_label("Ticket code").fill(code)
        staff_page.keyboard.press("Enter")
        expect(staff_page.locator(".verdict-ready")).to_have_count(0)
        assert violations(staff_page) == []
