"""Forced colors (Windows' high contrast, dark): pages follow, QR codes stay black on white."""

import io

import pytest
from PIL import Image

from tests.browser.test_buying import buy
from tests.buyer import Buyer, make_event

pytestmark = pytest.mark.every_look
# The door's own reader of QR codes, from our files.
READ = """async (picture) => {
  const script = document.createElement("script");
  script.src = "/static/vendor/barcode-detector-3.2.2.js";
  await new Promise((done) => { script.onload = done; document.head.append(script); });
  const { BarcodeDetector, prepareZXingModule } = globalThis.BarcodeDetectionAPI;
  prepareZXingModule({ overrides: { locateFile: () => "/static/vendor/zxing_reader-3.1.3.wasm" } });
  const image = await createImageBitmap(await (await fetch(picture)).blob());
  return (await new BarcodeDetector({ formats: ["qr_code"] }).detect(image)).map((found) => found.rawValue);
}"""


def light_of_frame(picture: bytes) -> tuple[int, ...]:
    """The color between the frame and the code, where a camera needs white."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    return image.getpixel((image.width // 2, 8))


def read(context, stack, picture: bytes) -> list[str]:
    """What the door's scanner reads from `picture`."""
    page = context.new_page()
    page.route("**/picture.png", lambda route: route.fulfill(body=picture, content_type="image/png"))
    page.goto(f"{stack.shop_url}/find")
    return page.evaluate(READ, "/picture.png")


def test_both_codes_are_read_in_forced_colors(open_context, stack):
    context = open_context(forced_colors="active", device_scale_factor=2)
    reader = open_context(bypass_csp=True)  # the reader is WebAssembly, which only the door's page lets run
    page = context.new_page()
    buy(page, stack, make_event(stack))
    link = page.get_by_role("link", name="Open wallet").get_attribute("href")
    code = page.locator(".qr")
    picture = code.screenshot()
    assert light_of_frame(picture) == (255, 255, 255)
    assert read(reader, stack, picture) == [link.upper()]

    free = Buyer(stack).buy(make_event(stack, price_sats=0))
    page.goto(free.bought["pay_url"])
    ticket_code = free.order()["tickets"][0]["ticket_code"]
    picture = page.locator(".qr").screenshot()
    assert light_of_frame(picture) == (255, 255, 255)
    [said] = read(reader, stack, picture)
    assert said.partition(".")[0] == ticket_code
