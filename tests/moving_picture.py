"""Animation of the README: a purchase, the shop beside the wallet. See `bin/screens`."""

import io
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page

from tests.processes import wait_until
from tests.stack import Stack

PHONE = {"width": 390, "height": 760}
SHOWN = (300, 585)
GAP, BACK = 16, (236, 234, 243)
NAME, MAX_BYTES = "tour.webp", 1_000_000


class Film:
    """Frames of two pages side by side, each with how long it is shown."""

    def __init__(self, shop: Page, wallet: Page):
        self.pages = (shop, wallet)
        self.frames: list[Image.Image] = []
        self.ms: list[int] = []

    def shoot(self, ms: int) -> None:
        frame = Image.new("RGB", (2 * SHOWN[0] + GAP, SHOWN[1]), BACK)
        for place, page in enumerate(self.pages):
            shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            frame.paste(shot.resize(SHOWN, Image.Resampling.LANCZOS), (place * (SHOWN[0] + GAP), 0))
        self.frames.append(frame)
        self.ms.append(ms)

    def save(self, file: Path) -> None:
        first, *others = self.frames
        first.save(file, save_all=True, append_images=others, duration=self.ms, loop=0, quality=60, method=6)
        assert file.stat().st_size < MAX_BYTES, f"{file} is too heavy"


def _phone(browser: Browser, url: str) -> Page:
    context = browser.new_context(
        viewport=PHONE, device_scale_factor=1.5, locale="en-US", reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(url)
    return page


def take(browser: Browser, stack: Stack, folder: Path) -> None:
    """Buy a ticket to what is on air, approve in the wallet, watch; `tour.webp` in `folder`."""
    wallet = _phone(browser, f"{stack.sandbox_url}/wallet/bob")
    shop = _phone(browser, f"{stack.shop_url}/events/listening-room")
    film = Film(shop, wallet)
    film.shoot(1800)
    shop.locator("#buy").scroll_into_view_if_needed()
    for label, words in (("Your UMA address", f"$bob@{stack.sandbox_domain}"), ("E-mail", "you@example.com")):
        shop.get_by_label(label).fill(words)
        film.shoot(1200)
    shop.locator("#buy form button.btn-xl").click()
    shop.wait_for_url("**/orders/**")
    request = wallet.locator("section.request").first
    request.wait_for()
    film.shoot(2200)
    request.get_by_role("button", name="Approve").click()
    shop.get_by_role("heading", name="You are in.").wait_for()
    film.shoot(2200)
    shop.get_by_role("link", name="Join the stream").first.click()
    film.shoot(1400)
    shop.get_by_role("button", name="Enter").click()
    video = shop.locator("video")
    video.wait_for(timeout=20_000)
    wait_until(lambda: video.evaluate("video => video.currentTime") > 0.5, 20, "the stream plays")
    for _ in range(8):
        film.shoot(350)
        shop.wait_for_timeout(350)
    film.save(folder / NAME)
    for page in film.pages:
        page.context.close()
