"""A real HLS stream in the room: by the browser itself, and by our player for those that cannot.

`stream/` is two pieces of two seconds, H.264 and AAC, as ffmpeg wrote them (`-f hls`). They are served over
https from an address that is not the shop's, under the shop's own content policy.
"""

import functools
import http.server
import ssl
import threading
from pathlib import Path

import pytest
from playwright.sync_api import expect

from payments.tests.test_uma_safe_http import self_signed
from tests.browser.test_door import make_tickets
from tests.processes import wait_until

NO_HLS = """
  const knows = HTMLMediaElement.prototype.canPlayType;
  HTMLMediaElement.prototype.canPlayType = function (type) {
    return type.includes("mpegurl") ? "" : knows.call(this, type);
  };
"""  # as desktop Firefox answers


class Broadcast(http.server.SimpleHTTPRequestHandler):
    """Serves `stream/` to any page; with `silent` set, the stream has not begun."""

    extensions_map = {".m3u8": "application/vnd.apple.mpegurl", ".ts": "video/mp2t"}
    silent = threading.Event()

    def do_GET(self):
        if self.silent.is_set():
            self.send_error(409)  # any refusal would do; this one the browser's watchers let pass
        else:
            super().do_GET()

    def end_headers(self):
        self.send_header("Access-Control-Allow-Origin", "*")
        super().end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def broadcast(tmp_path):
    """The https address under which `stream/` is served."""
    paper = tmp_path / "localhost.pem"
    paper.write_bytes(self_signed("localhost"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(paper)
    handler = functools.partial(Broadcast, directory=str(Path(__file__).parent / "stream"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://localhost:{server.server_port}"
    Broadcast.silent.clear()
    server.shutdown()
    server.server_close()


def enter(open_context, stack, broadcast, *, script: str = "", name: str = "index.m3u8"):
    """The tab of a holder who has just joined the stream from the ticket."""
    context = open_context(friend=broadcast, ignore_https_errors=True)
    context.add_init_script(script or "void 0")
    page = context.new_page()
    event_id, [ticket] = make_tickets(stack, live=True)
    stack.django("Event.objects.filter(pk=pk).update(stream_url=url)", pk=event_id, url=f"{broadcast}/{name}")
    page.goto(f"{stack.shop_url}{ticket['path']}")
    page.get_by_role("link", name="Join the stream").click()
    page.get_by_role("button", name="Enter").click()
    return page


def expect_playing(page, width: int = 160):
    video = page.locator("video")
    expect(video).to_be_visible(timeout=20_000)
    expect(page.get_by_role("link", name="Enter")).to_be_hidden()
    if video.evaluate("video => video.paused"):  # the browser waits for a tap
        video.evaluate("video => video.play()")
    wait_until(lambda: video.evaluate("video => video.currentTime") > 1, 10, "the picture moves")
    assert video.evaluate("video => [video.videoWidth, video.error]") == [width, None]


@pytest.mark.parametrize("script", ["", NO_HLS], ids=["by-the-browser", "by-our-player"])
def test_a_stream_plays_in_the_page(open_context, stack, broadcast, script):
    page = enter(open_context, stack, broadcast, script=script)
    expect_playing(page)
    ours = page.evaluate(
        "performance.getEntriesByType('resource').some(one => one.name.includes('hls-light'))"
    )
    assert ours == bool(script)


def test_a_stream_that_begins_late_is_tried_again(open_context, stack, broadcast):
    Broadcast.silent.set()
    page = enter(open_context, stack, broadcast)
    expect(page.get_by_role("link", name="Enter")).to_be_visible()
    expect(page.locator("video")).to_be_hidden()
    Broadcast.silent.clear()
    expect_playing(page)


@pytest.mark.parametrize("script", ["", NO_HLS], ids=["by-the-browser", "by-our-player"])
def test_the_demos_own_stream_plays_on_and_on(open_context, stack, script):
    """The sandbox's loop, past its end: no piece is longer than six seconds."""
    page = enter(open_context, stack, f"{stack.sandbox_url}/stream", script=script, name="live.m3u8")
    expect_playing(page, width=640)
    video = page.locator("video")
    wait_until(lambda: video.evaluate("video => video.currentTime") > 8, 30, "the loop begins again")


def test_an_open_room_follows_the_clock(open_context, stack):
    """Soon, live and over, without anybody pressing anything."""
    page = open_context().new_page()
    event_id, [ticket] = make_tickets(stack, live=True)
    stack.django(
        "now = timezone.now()\n"
        "times = {'start_time': now + timedelta(seconds=12), 'end_time': now + timedelta(seconds=24)}\n"
        "Event.objects.filter(pk=pk).update(**times)",
        pk=event_id,
    )
    page.goto(f"{stack.shop_url}{ticket['path']}/stream")
    page.get_by_role("button", name="Enter").click()
    expect(page.get_by_text("Starts soon")).to_be_visible()
    page.evaluate("window.isTheSamePage = true")
    expect(page.get_by_text("Live now")).to_be_visible(timeout=20_000)
    expect(page.get_by_text("Starts soon")).to_be_hidden()
    assert page.evaluate("window.isTheSamePage")  # what plays goes on playing
    expect(page.get_by_text("Thank you for being there")).to_be_visible(timeout=40_000)
