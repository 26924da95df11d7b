"""A front end at another origin, in a real browser: what it may show, ask, send and listen to."""

import functools
import http.server
import threading

import pytest

from tests.buyer import Sandbox, make_event
from tests.stack import Stack

LISTEN = """async url => {
  window.heard = 0;
  const live = new EventSource(url);
  live.addEventListener("changed", () => window.heard++);
  await new Promise((done, failed) => { live.onopen = done; live.onerror = failed; });
}"""
BUY = """async ([shop, event_id]) => {
  const answer = await fetch(`${shop}/api/tickets/purchase`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID() },
    body: JSON.stringify({ event_id, quantity: 1, email: "ann@example.com" }),
  });
  return answer.json();
}"""
STATUS = """async ([shop, order]) => {
  const answer = await fetch(`${shop}/api/orders/${order.id}`, { headers: { "Order-Token": order.token } });
  return (await answer.json()).order.status;
}"""
IS_SHOWN = """url => new Promise(done => {
  const picture = Object.assign(new Image(), { src: url });
  picture.onload = () => done(picture.naturalWidth > 0);
  picture.onerror = () => done(false);
})"""


@pytest.fixture(scope="session")
def front_ends(tmp_path_factory):
    """Two origins with an empty page each; the shop below knows the first."""
    folder = tmp_path_factory.mktemp("front-end")
    (folder / "index.html").write_text("<!doctype html><link rel=icon href=data:,><title>Elsewhere</title>")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    servers = [http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) for _ in range(2)]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield [f"http://127.0.0.1:{server.server_port}" for server in servers]
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="session")
def open_shop(stacks, front_ends) -> Stack:
    return stacks.new("sqlite", CORS_ALLOWED_ORIGINS=front_ends[0]).start()


@pytest.fixture
def elsewhere(browser):
    """A tab, at the address given."""
    context = browser.new_context()

    def open_at(url: str):
        page = context.new_page()
        page.goto(url)
        return page

    yield open_at
    context.close()


def test_a_front_end_elsewhere_buys_and_hears_that_it_is_paid(elsewhere, open_shop, front_ends):
    page = elsewhere(front_ends[0])
    bought = page.evaluate(BUY, [open_shop.shop_url, make_event(open_shop)])
    page.evaluate(LISTEN, bought["live_url"])
    page.wait_for_function("window.heard > 0")
    heard = page.evaluate("window.heard")
    Sandbox(open_shop).wallet("bob").pay(bought["payment"]["pay_address"], bought["payment"]["amount_sats"])
    page.wait_for_function("before => window.heard > before", arg=heard)
    assert page.evaluate(STATUS, [open_shop.shop_url, bought["order"]]) == "paid"


def test_any_page_shows_the_pictures_and_no_other_page_asks_or_listens(elsewhere, open_shop, front_ends):
    event_id = make_event(open_shop)
    bought = elsewhere(front_ends[0]).evaluate(BUY, [open_shop.shop_url, event_id])
    stranger = elsewhere(front_ends[1])
    for picture in (cover_of(open_shop, event_id), "/posters/7.svg"):
        assert stranger.evaluate(IS_SHOWN, open_shop.shop_url + picture), picture
    for script, argument in (
        (LISTEN, bought["live_url"]),
        (STATUS, [open_shop.shop_url, bought["order"]]),
        (BUY, [open_shop.shop_url, event_id]),
        ("url => fetch(url, { mode: 'no-cors' })", bought["pay_url"]),
    ):
        assert stranger.evaluate(
            f"said => ({script})(said).then(() => 'heard', () => 'nothing')", argument
        ) == ("nothing"), script


def cover_of(stack: Stack, event_id: int) -> str:
    """The path of a picture that staff gave the event."""
    return stack.django(
        "import io\n"
        "from PIL import Image\n"
        "from events.covers import redraw_cover\n"
        "upload = io.BytesIO()\n"
        "Image.new('RGB', (80, 80), '#ff0000').save(upload, 'PNG')\n"
        "upload.size = len(upload.getvalue())\n"
        "event = Event.objects.get(pk=pk)\n"
        "drawn = redraw_cover(upload)\n"
        "event.cover.save(drawn.name, drawn)\n"
        "answer = event.cover.url",
        pk=event_id,
    )
