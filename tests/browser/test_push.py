"""Web pushes in a real browser: asked for once the ticket is there, sent, decrypted, shown, switched off."""

import json

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_buying import buy
from tests.browser.test_pocket import is_controlled, phone  # noqa: F401, a fixture
from tests.buyer import Sandbox, make_event
from tests.processes import wait_until
from tests.push_service import Browser, PushService

pytestmark = pytest.mark.short
# Chromium's own push service is not there: its part, keys and endpoint, is played by the test's.
SUBSCRIBES = """([subscription, key]) => {
  const is = (there) => (sessionStorage.subscribed = there);
  const { endpoint, p256dh, auth } = subscription;
  const made = { endpoint, toJSON: () => ({ endpoint, keys: { p256dh, auth } }), unsubscribe: async () => Boolean(is("")) || true };
  PushManager.prototype.subscribe = async function (options) {
    window.askedFor = { visible: options.userVisibleOnly, key: options.applicationServerKey.length };
    is("yes");
    return made;
  };
  PushManager.prototype.getSubscription = async () => (sessionStorage.subscribed ? made : null);
}"""  # noqa: E501
SHOWN = """async () => {
  const registration = await navigator.serviceWorker.ready;
  const shown = await registration.getNotifications();
  return shown.map(({ title, body, data, tag }) => ({ title, body, data, tag }));
}"""


def play(page: Page, device: Browser) -> None:
    page.context.grant_permissions(["notifications"])
    page.add_init_script(f"({SUBSCRIBES})([{json.dumps(device.subscription)}])")


def deliver(page: Page, origin: str, data: str) -> None:
    """What a push service does, after the browser has decrypted it."""
    chromium = page.context.new_cdp_session(page)
    versions: list[dict] = []
    chromium.on(
        "ServiceWorker.workerRegistrationUpdated", lambda said: versions.extend(said["registrations"])
    )
    chromium.send("ServiceWorker.enable")
    wait_until(lambda: page.wait_for_timeout(50) or versions, 10, "the registration")
    number = versions[-1]["registrationId"]
    chromium.send(
        "ServiceWorker.deliverPushMessage", {"origin": origin, "registrationId": number, "data": data}
    )


def test_news_reaches_the_phone_that_asked_for_it(phone, stack, push_service: PushService):  # noqa: F811
    device = push_service.browser()
    play(phone, device)
    event_id = make_event(stack)
    stack.django(
        "Event.objects.filter(pk=pk).update(start_time=timezone.now() + timedelta(minutes=23))", pk=event_id
    )
    buy(phone, stack, event_id)
    is_controlled(phone)
    invoice = phone.get_by_role("link", name="Open wallet").get_attribute("href").split(":")[1].lower()
    expect(
        phone.get_by_text("News on this device")
    ).to_be_hidden()  # nobody is asked before the ticket is there
    Sandbox(stack).wallet("bob").pay(invoice)
    expect(phone.get_by_role("heading", name="You are in.")).to_be_visible()
    phone.get_by_role("button", name="Tell me").click()
    expect(phone.get_by_label("Money was sent back")).to_be_checked()
    assert phone.evaluate("askedFor") == {"visible": True, "key": 65}

    wait_until(lambda: push_service.of(device), 40, "the push arrives")
    [push] = push_service.of(device)
    news = device.read(push)
    assert news["body"].startswith("Doors open in ")
    assert push_service.sender(push)["sub"].startswith("mailto:")
    deliver(phone, stack.shop_url, json.dumps(news))
    wait_until(lambda: phone.evaluate(SHOWN), 10, "the notification")
    [shown] = phone.evaluate(SHOWN)
    assert shown == {"title": "A test night", "body": news["body"], "data": news["url"], "tag": news["tag"]}

    # A forged one leads nowhere else; one that nobody can read is said in the shop's name.
    forged = {"title": "You won", "url": "https://evil.example/prize", "tag": "forged"}
    deliver(phone, stack.shop_url, json.dumps(forged))
    deliver(phone, stack.shop_url, "x" * 5000)
    wait_until(lambda: len(phone.evaluate(SHOWN)) == 3, 10, "all three")
    by_tag = {each["tag"]: each for each in phone.evaluate(SHOWN)}
    assert by_tag["forged"]["data"] == "/"
    assert by_tag["news"] == {"title": "Tickets by UMA", "body": "", "data": "/", "tag": "news"}

    # Signing in elsewhere or a new password ends its session: it is told again of no more than before.
    fresh = push_service.browser()
    phone.get_by_label("Money was sent back").uncheck()
    wants = "Device.objects.values_list('wants', flat=True).get(orders__event=pk)"
    wait_until(lambda: "refunds" not in stack.django(wants, pk=event_id), 10, "one is switched off")
    stack.django("answer = Device.objects.all().delete()[0]")
    phone.reload()
    expect(phone.get_by_label("The event is changed or canceled")).to_be_checked()
    assert "refunds" not in stack.django(wants, pk=event_id)
    # The push service gives it another endpoint, and the service worker says so.
    [worker] = phone.context.service_workers
    pair = [{**each.subscription} for each in (device, fresh)]
    worker.evaluate(
        """async (pair) => {
          const [oldSubscription, newSubscription] = pair.map(({ endpoint, p256dh, auth }) => ({
            toJSON: () => ({ endpoint, keys: { p256dh, auth } }),
          }));
          await moved({ oldSubscription, newSubscription });
        }""",
        pair,
    )
    endpoints = "Device.objects.values_list('endpoint', flat=True).get(orders__event=pk)"
    assert stack.django(endpoints, pk=event_id) == fresh.subscription["endpoint"]


def test_each_kind_is_switched_off(phone, stack, push_service: PushService):  # noqa: F811
    device = push_service.browser()
    play(phone, device)
    event_id = make_event(stack, price_sats=0)
    buy(phone, stack, event_id)
    is_controlled(phone)
    phone.get_by_role("button", name="Tell me").click()
    expect(phone.get_by_label("Money was sent back")).to_be_checked()
    for name in ("Doors open in 10 minutes", "Money was sent back", "Seats are held for 2 more minutes"):
        phone.get_by_label(name).uncheck()
    wants = "Device.objects.values_list('wants', flat=True).get(orders__event=pk)"
    wait_until(lambda: stack.django(wants, pk=event_id) == ["changes"], 10, "three are switched off")
    phone.get_by_label("The event is changed or canceled").uncheck()
    expect(phone.get_by_role("button", name="Tell me")).to_be_visible()
    assert stack.django("Device.objects.filter(orders__event=pk).count()", pk=event_id) == 0
