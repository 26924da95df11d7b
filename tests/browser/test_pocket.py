"""The shop as an app: installed, tickets without a net, and what a shared phone must forget."""

import re
import uuid

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE
from tests.browser.test_accounts import sign_up, verify
from tests.buyer import Buyer, make_event
from tests.faults.proxy import Proxy
from tests.processes import PATIENCE, free_port, wait_until

CHECKED = re.compile(r"You are offline\. This is how it was when it was last checked, \d+:\d\d")
KEPT_PATHS = """async () => {
  const paths = [];
  for (const name of await caches.keys()) {
    if (name.startsWith("shell-")) continue;
    for (const request of await (await caches.open(name)).keys()) paths.push(new URL(request.url).pathname);
  }
  return paths.sort();
}"""
pytestmark = pytest.mark.short


class Net:
    """The way from the phone to the shop, which can be cut: offline for pages and service worker alike."""

    def __init__(self, proxy: Proxy):
        self.proxy, self.shop_url = proxy, f"http://localhost:{proxy.port}"


@pytest.fixture
def net(stack):
    proxy = Proxy(free_port(), stack.ports[0])
    yield Net(proxy)
    proxy.close()


@pytest.fixture
def phone(browser) -> Page:
    """A phone whose pages fail the test by a script's error; lost connections are what it is about."""
    context = browser.new_context(viewport=PHONE, locale="en-US", timezone_id="Europe/Berlin")
    context.set_default_timeout(10_000 * PATIENCE)
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert errors == []


def free_tickets(stack, seats: int = 1) -> tuple[Buyer, list[str]]:
    """A guest with good tickets, and the paths of their pages."""
    guest = Buyer(stack).buy(make_event(stack, price_sats=0), quantity=seats)
    code = "[each.get_absolute_url() for each in Ticket.objects.filter(order_id=pk)]"
    return guest, stack.django(code, pk=guest.order_id)


def is_controlled(page: Page) -> None:
    page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    wait_until(lambda: page.evaluate("Boolean(navigator.serviceWorker.controller)"), 10, "a service worker")


def kept(page: Page) -> list[str]:
    return page.evaluate(KEPT_PATHS)


def test_the_shop_can_be_installed_and_its_shell_is_there_without_a_net(phone, net):
    phone.goto(net.shop_url)
    is_controlled(phone)
    chromium = phone.context.new_cdp_session(phone)
    troubles = chromium.send("Page.getInstallabilityErrors")["installabilityErrors"]
    # A test's browser profile is one that forgets everything, which no app can be installed in.
    assert {each["errorId"] for each in troubles} == {"in-incognito"}
    said = chromium.send("Page.getAppManifest")
    assert said["errors"] == []
    manifest = requests.get(f"{net.shop_url}/manifest.webmanifest", timeout=10).json()
    pictures = manifest["icons"] + manifest["screenshots"] + manifest["shortcuts"][0]["icons"]
    for picture in pictures:
        answer = requests.get(net.shop_url + picture["src"], timeout=10)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, picture["type"])
    net.proxy.cut()
    phone.goto(f"{net.shop_url}/?from=app")
    expect(phone.get_by_role("heading", name="You are offline")).to_be_visible()
    expect(phone.get_by_text("No tickets are kept on this device.")).to_be_visible()
    assert phone.evaluate("getComputedStyle(document.body).fontFamily").startswith("ui-sans-serif")


def test_a_guests_ticket_is_kept_when_asked_and_shown_with_its_time(phone, net, stack):
    guest, [path] = free_tickets(stack)
    phone.goto(net.shop_url + path)
    is_controlled(phone)
    phone.reload()
    assert kept(phone) == []
    phone.get_by_role("button", name="Keep on this device").click()
    expect(phone.get_by_text("Kept on this device")).to_be_visible()

    net.proxy.cut()
    phone.reload()
    expect(phone.get_by_text(CHECKED)).to_be_visible()
    expect(phone.get_by_role("img", name="QR code of this ticket")).to_be_visible()
    expect(phone.get_by_role("link", name="Join the stream")).to_be_hidden()
    assert phone.locator("form:visible").count() == 0
    phone.goto(f"{net.shop_url}/me")
    phone.get_by_role("link", name="Ticket: A test night").click()
    expect(phone.get_by_role("img", name="QR code of this ticket")).to_be_visible()

    # Void while the phone was away: the first look with a net says so, and so does every one without.
    guest.cancel()
    net.proxy.heal()
    phone.goto(net.shop_url)
    wait_until(lambda: "void" in void_or_gone(phone, path), 10, "the copy is known to be void")
    net.proxy.cut()
    phone.goto(net.shop_url + path)
    expect(phone.get_by_text("Not valid")).to_be_visible()
    expect(phone.get_by_role("img", name="QR code of this ticket")).to_have_count(0)

    net.proxy.heal()
    phone.goto(net.shop_url + path)
    phone.get_by_role("button", name="Forget it on this device").click()
    wait_until(lambda: kept(phone) == [], 10, "it is forgotten")


def void_or_gone(page: Page, path: str) -> str:
    """What the copy of a ticket's page shows: "good", "void", or "gone" when there is none."""
    return page.evaluate(
        """async (path) => {
          const copy = await caches.match(path);
          if (!copy) return "gone";
          return (await copy.text()).includes("Not valid") ? "void" : "good";
        }""",
        path,
    )


def test_who_signs_in_has_their_tickets_offline_and_leaves_none_behind(phone, net, stack):
    email = f"{uuid.uuid4().hex}@example.com"
    phone.goto(net.shop_url)
    is_controlled(phone)
    sign_up(phone, net, email)
    phone.get_by_label("Code").wait_for()
    verify_at(phone, net, stack, email)
    event = make_event(stack, price_sats=0)
    guest = Buyer(stack, email).buy(event, quantity=2)  # elsewhere: the next page finds them
    paths = stack.django(
        "[each.get_absolute_url() for each in Ticket.objects.filter(order_id=pk)]", pk=guest.order_id
    )
    phone.goto(f"{net.shop_url}/me")
    wait_until(lambda: kept(phone) == sorted(["/me", *paths]), 10, "list and tickets are kept")
    _stranger, [other] = free_tickets(stack)
    phone.goto(net.shop_url + other)
    phone.get_by_role("button", name="Keep on this device").click()
    expect(phone.get_by_text("Kept on this device")).to_be_visible()

    net.proxy.cut()
    phone.goto(f"{net.shop_url}/me")
    expect(phone.get_by_text(CHECKED)).to_be_visible()
    for path in paths:
        phone.goto(net.shop_url + path)
        expect(phone.get_by_text(CHECKED)).to_be_visible()
        expect(phone.get_by_role("img", name="QR code of this ticket")).to_be_visible()
    net.proxy.heal()

    phone.goto(f"{net.shop_url}/me/account")
    phone.get_by_role("button", name="Sign out").click()
    phone.wait_for_url(f"{net.shop_url}/")
    wait_until(lambda: kept(phone) == [], 10, "nothing is left")
    net.proxy.cut()
    phone.goto(net.shop_url + paths[0])
    expect(phone.get_by_role("heading", name="You are offline")).to_be_visible()


def test_a_session_ended_elsewhere_takes_the_tickets_along(phone, net, stack):
    email = f"{uuid.uuid4().hex}@example.com"
    Buyer(stack, email).buy(make_event(stack, price_sats=0))
    phone.goto(net.shop_url)
    is_controlled(phone)
    sign_up(phone, net, email)
    verify_at(phone, net, stack, email)
    wait_until(lambda: len(kept(phone)) == 2, 10, "list and ticket are kept")
    stack.django("answer = Session.objects.all().delete()[0]")
    phone.goto(net.shop_url)
    wait_until(lambda: kept(phone) == [], 10, "nothing is left")


def test_what_is_fetched_while_somebody_signs_out_is_not_kept(phone, net, stack):
    _guest, paths = free_tickets(stack)
    phone.goto(net.shop_url)
    is_controlled(phone)
    [worker] = phone.context.service_workers
    assert worker.evaluate("paths => self.onMessage.keep({ paths })", paths)
    assert kept(phone) == paths
    names = worker.evaluate(
        """async (paths) => {
          const real = self.fetch;
          let arrive;
          const late = new Promise((done) => (arrive = done));
          self.fetch = async (...asked) => (await Promise.all([real(...asked), late]))[0];
          const under = [self.onMessage.keep({ paths }), self.onMessage.recheck({ force: true })];
          await Promise.all(self.leaving.map((forget) => forget()));
          await caches.open("account-somebody");  // as a check that was answered before would
          arrive();
          await Promise.all(under);
          self.fetch = real;
          return (await caches.keys()).filter((name) => !name.startsWith("shell-"));
        }""",
        paths,
    )
    assert names == []


def verify_at(phone: Page, net: Net, stack, email: str) -> None:
    net.mails = stack.mails
    verify(phone, net, email)


def test_a_new_version_shows_no_page_of_the_one_before(phone, net, stack):
    _guest, [path] = free_tickets(stack)
    phone.goto(net.shop_url + path)
    is_controlled(phone)
    phone.reload()
    phone.get_by_role("button", name="Keep on this device").click()
    expect(phone.get_by_text("Kept on this device")).to_be_visible()
    # A worker of a version before: its shell is there, and the page was made by it.
    phone.evaluate("() => caches.open('shell-before').then((cache) => cache.add('/offline'))")
    stack.django("Event.objects.filter(orders=pk).update(title='Another title') and 1", pk=_guest.order_id)
    phone.evaluate("() => navigator.serviceWorker.getRegistration().then((one) => one.unregister())")
    phone.goto(net.shop_url + path)
    is_controlled(phone)
    expect(phone.get_by_role("heading", name="Another title", exact=True)).to_be_visible()
    gone = "() => caches.keys().then((names) => !names.includes('shell-before'))"
    wait_until(lambda: phone.evaluate(gone), 10, "the shell before is gone")
    net.proxy.cut()
    phone.goto(net.shop_url + path)
    expect(phone.get_by_role("heading", name="Another title", exact=True)).to_be_visible()
