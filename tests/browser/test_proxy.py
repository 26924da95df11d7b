"""A purchase through a real nginx, configured exactly as docs/operations.md says."""

import re

import pytest
import requests
from playwright.sync_api import expect

from tests.browser.test_buying import buy, seconds_until_ticket
from tests.buyer import Sandbox, make_event
from tests.nginx import nginx
from tests.processes import free_port, wait_until

PROTOCOLS = """() => ["navigation", "resource"].flatMap((kind) => performance.getEntriesByType(kind))
  .map((entry) => entry.nextHopProtocol)"""
# Browsers take no service worker by a certificate that they do not trust.
TLS = {"ignore_https_errors": True, "service_workers": "block"}


@pytest.fixture(scope="module")
def proxied(stacks, tmp_path_factory):
    """A shop whose address is that of an nginx in front of it."""
    folder, port, plain_port = tmp_path_factory.mktemp("nginx"), free_port(), free_port()
    site = f"localhost:{port}"
    stack = stacks.new(
        "sqlite", SITE_URL=f"https://{site}", UMA_DOMAIN=site, TRUSTED_PROXIES="1", SECURE_SSL_REDIRECT="0"
    )
    stack.start()  # first: the doctor would find that nobody trusts the certificate
    process = nginx(folder, shop_port=stack.ports[0], port=port, plain_port=plain_port)
    stack.shop_url, stack.plain_url, stack.access_log = (
        f"https://{site}", f"http://localhost:{plain_port}", folder / "access.log",
    )  # fmt: skip
    yield stack
    process.stop()
    stack.close()


def test_a_ticket_is_bought_over_http2_and_the_log_keeps_its_secret(open_context, proxied):
    page = open_context(friend=proxied.shop_url, **TLS).new_page()
    with page.expect_response("**/live?*", timeout=30_000):  # its head comes at once: nothing is held back
        buy(page, proxied, make_event(proxied))
    invoice = page.get_by_role("link", name="Open wallet").get_attribute("href").split(":")[1].lower()
    began = page.evaluate("performance.now()")
    Sandbox(proxied).pay_from_outside(invoice)
    seconds_until_ticket(page, 0)
    print(f"paid → ticket through nginx: {page.evaluate('performance.now()') - began:.0f} ms")
    protocols = page.evaluate(PROTOCOLS)
    assert len(protocols) > 5
    assert set(protocols) == {"h2"}
    token = page.url.rpartition("/")[2]
    log = proxied.access_log.read_text()
    assert "POST 302" in log
    assert token not in log
    assert "/orders" not in log
    proxied.audit()


def test_eight_tabs_load_through_it(open_context, proxied):
    context = open_context(friend=proxied.shop_url, **TLS)
    event_id = make_event(proxied)
    tabs = [context.new_page() for _ in range(8)]
    for tab in tabs:
        buy(tab, proxied, event_id)
    tabs[-1].reload(timeout=5_000)
    expect(tabs[-1].get_by_role("heading", name="Pay 2,500 sats with any wallet.")).to_be_visible()


def test_http_leads_to_https(proxied):
    answer = requests.get(f"{proxied.plain_url}/find", allow_redirects=False, timeout=10)
    assert (answer.status_code, answer.headers["Location"]) == (301, "https://localhost/find")


def times_rendered(stack) -> int:
    """How often the shop itself answered for the page of an event."""
    return (
        (stack.folder / "log" / "web0.log").read_text().count('"route": "events/<slug:slug>", "status": 200')
    )


def test_strangers_share_the_page_for_a_second_but_not_the_key_of_its_form(proxied):
    event_id = make_event(proxied, title="A shared evening")
    site = {"verify": False, "timeout": 10}
    page = requests.get(f"{proxied.shop_url}/events/{event_id}", **site).url
    before = times_rendered(proxied)
    answers = [requests.get(page, **site) for _ in range(40)]
    assert {answer.status_code for answer in answers} == {200}
    assert times_rendered(proxied) - before < 20
    keys = {re.search(r'name="key" value="([0-9a-f]{32})"', answer.text)[1] for answer in answers}
    assert len(keys) == 40
    assert not any(answer.cookies for answer in answers)
    # Whose page was kept is told to nobody: its request's id is the key of the form on it.
    assert not any("X-Request-ID" in answer.headers for answer in answers)
    proxied.django("Event.objects.filter(pk=pk).update(title='Another evening'); answer = None", pk=event_id)
    wait_until(lambda: "Another evening" in requests.get(page, **site).text, 5, "the change is there")


def test_a_form_of_a_kept_page_buys_once_and_its_buyers_page_is_their_own(proxied):
    event_id = make_event(proxied)
    site = {"verify": False, "timeout": 10}
    page = requests.get(f"{proxied.shop_url}/events/{event_id}", **site)
    fields = {"key": re.search(r'name="key" value="([0-9a-f]{32})"', page.text)[1], "price_sats": "2500"}
    fields |= {"quantity": "2", "email": "kept@example.com", "name": "", "uma_address": ""}
    browser = requests.Session()
    sent = [
        browser.post(
            page.url, data=fields, allow_redirects=False, **site,
            headers={"Origin": proxied.shop_url, "Sec-Fetch-Site": "same-origin"},
        )
        for _ in range(2)
    ]  # fmt: skip
    assert [answer.status_code for answer in sent] == [302, 302]
    assert len({answer.headers["Location"] for answer in sent}) == 1
    assert "You are holding 2 seats" in browser.get(page.url, **site).text
    assert "You are holding" not in requests.get(page.url, **site).text
