"""D: attacks through browsers. Scripts, forms of other sites, frames, caches, hosts, files."""

import json
import re
from urllib.parse import quote

import pytest

from tests.attacks.attacker import assert_no_insides, cases
from tests.attacks.markup import Page, assert_harmless
from tests.attacks.shop import PASSWORD, text_of
from tests.buyer import make_event
from tests.processes import wait_until

SCRIPTS = [
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</title><script>alert(1)</script>",
    "{{7*7}}{% debug %}", "javascript:alert(1)", "'-alert(1)-'", "<svg/onload=alert(1)>", "\u2028</script>",
]  # fmt: skip
MARKDOWN = (
    "# Hi\n<script>alert(1)</script>\n[x](javascript:alert(1))\n[y](data:text/html,alert(1))\n"
    "<img src=x onerror=alert(1)>\n![z](https://tracker.example/p.png)\n[out](https://out.example)\n"
    '<a href="https://out.example" onclick="alert(1)">z</a>\n<iframe src="https://evil.example"></iframe>'
)


# -- scripts ----------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def hostile(shop):
    """An event and a paid order in which every text is an attack; staff look at it too."""
    text = " ".join(SCRIPTS)
    event = make_event(
        shop.stack, title=text[:160], price_sats=0, summary=text[:300], description=MARKDOWN + text,
        organizer_name=text[:120],
    )  # fmt: skip
    bought = shop.buy(event=event, name=text[:120], email="hostile@example.com")
    shop.stack.django(
        "Ticket.objects.filter(pk=pk).update(holder_name=t)", pk=bought["tickets"][0]["id"], t=text[:120]
    )
    return {"event": event, "bought": bought}


PLACES = [
    "/", "/?q=%3Cscript%3Ealert(1)%3C/script%3E", "/events/{slug}", "/orders/{order}",
    "/orders/{order}/status", "/tickets/{ticket}", "/tickets/{ticket}/stream", "/find", "/paid",
    "/accounts/login/?next=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
]  # fmt: skip
STAFFS_PLACES = [
    "/admin/", "/admin/events/event/", "/admin/events/event/{event}/change/", "/admin/tickets/order/",
    "/admin/tickets/order/{order_id}/change/", "/admin/tickets/ticket/", "/admin/tickets/mail/",
    "/door/{event}",
]  # fmt: skip


def fill(shop, hostile, path: str) -> str:
    bought = hostile["bought"]
    return path.format(
        event=hostile["event"],
        slug=shop.stack.django("Event.objects.get(pk=pk).slug", pk=hostile["event"]),
        order=bought["order"]["token"],
        order_id=bought["order"]["id"],
        ticket=bought["tickets"][0]["url"].rpartition("/")[2],
    )


@pytest.mark.parametrize("path", PLACES, ids=lambda path: f"D01 {path}")
def test_what_was_typed_is_shown_as_typed(shop, hostile, someone, path):
    answer = someone.get(fill(shop, hostile, path))
    assert answer.status == 200
    assert_harmless(answer.text)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.fixture(scope="module")
def staffs_browser(shop):
    browser = shop.attacker().browser()
    secret = shop.app_of(shop.people("boss")[0])
    assert browser.sign_in("boss@example.com", PASSWORD).status_code == 302
    assert browser.give_code(secret).status_code == 302
    return browser


@pytest.mark.parametrize("path", STAFFS_PLACES, ids=lambda path: f"D01 {path}")
def test_what_was_typed_is_shown_to_staff_as_typed(shop, hostile, staffs_browser, path):
    answer = staffs_browser.open(fill(shop, hostile, path))
    assert answer.status_code == 200
    assert_harmless(answer.text)
    assert "unsafe-inline" not in answer.headers["Content-Security-Policy"].partition("style-src")[0]


def test_what_was_typed_is_mailed_as_typed(shop, hostile):
    """D01, D13: also in the HTML part; a title is one line of a subject."""
    mine = lambda: [mail for mail in shop.mails if mail["To"] == "hostile@example.com"]  # noqa: E731
    mail = wait_until(mine, 20, "the mail")[0]
    html = next(part for part in mail.walk() if part.get_content_type() == "text/html")
    assert_harmless(html.get_payload(decode=True).decode("utf-8", "replace"))
    assert mail["Bcc"] is None
    assert "{{7*7}}" in text_of(mail)


@pytest.mark.parametrize("address", ["<script>@x", "$a<b>@wallet.example", '$"onx=@wallet.example'])
def test_a_wallets_address_is_shown_as_typed(shop, visitor, address):
    """D01: in the form that refuses it."""
    answer = visitor.submit(
        f"/events/{shop.slug}", to=f"/events/{shop.event}/buy",
        quantity="1", email="d01@example.com", name="", uma_address=address,
    )  # fmt: skip
    assert answer.status_code == 422
    assert address not in answer.text.replace("&lt;", "")
    assert_harmless(answer.text)


def test_calendar_lines_stay_lines(shop, hostile, someone):
    """D13: what is typed starts no line of its own in an iCalendar file (RFC 5545)."""
    event = make_event(shop.stack, title="A;B,C\\n night", summary="x\r\nATTENDEE:mailto:evil@example.com")
    slug = shop.stack.django("Event.objects.get(pk=pk).slug", pk=event)
    lines = someone.get(f"/events/{slug}/calendar.ics").text.splitlines()
    assert not [line for line in lines if line.startswith("ATTENDEE")]


# -- where a page leads -----------------------------------------------------------------------------
@cases(
    "target",
    [
        ("D03", "//", "//evil.example"),
        ("D03", "///", "///evil.example"),
        ("D03", "a backslash", "/\\evil.example"),
        ("D03", "a backslash and escapes", "/%5cevil.example"),
        ("D03", "https:", "https:evil.example"),
        ("D03", "a whole address", "https://evil.example/"),
        ("D03", "javascript:", "javascript:alert(1)"),
        ("D03", "data:", "data:text/html,x"),
        ("D03", "a tab", "\t//evil.example"),
        ("D03", "a tab inside", "/\t/evil.example"),
        ("D03", "a line end inside", "/\n/evil.example"),
        ("D03", "userinfo", "http://localhost@evil.example"),
        ("D03", "a subdomain", "http://localhost.evil.example"),
        ("D03", "a NUL", "\0//evil.example"),
    ],
)  # fmt: skip
def test_after_signing_in_one_stays(shop, hostile, someone, target):
    person = shop.person()
    for field in ("form", "query"):
        browser = someone.browser()
        fields = {"login": person.email, "password": PASSWORD} | ({"next": target} if field == "form" else {})
        query = "" if field == "form" or "\0" in target else f"?next={quote(target, safe='')}"
        answer = browser.submit("/accounts/login/", to=f"/accounts/login/{query}", **fields)
        assert answer.status_code == 302
        to = answer.headers["Location"]
        assert re.fullmatch(r"/(?![/\\\s])[^\s\\]*", to), to


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example/", "/\\evil.example"], ids=lambda t: f"D03 {t}"
)
def test_after_choosing_a_language_one_stays(visitor, target):
    answer = visitor.submit("/", to="/language", headers={"Referer": target}, language="es", next=target)
    assert answer.status_code == 302
    assert "evil.example" not in answer.headers["Location"]


# -- forms of other sites ---------------------------------------------------------------------------
@cases(
    "headers with_token",
    [
        ("D04", "no token", {}, False),
        ("D04", "a made-up token", {"Cookie": "csrftoken=" + "a" * 32}, False),
        ("D04", "another site's Origin", {"Origin": "https://evil.example"}, True),
        ("D04", "Origin null", {"Origin": "null"}, True),
        ("D04", "our host, another port", {"Origin": "http://localhost:1"}, True),
        ("D04", "a stranger's form, another site's Origin", {"Origin": "https://evil.example"}, False),
        ("D04", "a stranger's form, Origin null", {"Origin": "null"}, False),
    ],
)
def test_a_form_of_another_site(shop, visitor, headers, with_token):
    """403, as a page one can read."""
    fields = {"quantity": "1", "email": "d04@example.com", "name": "", "uma_address": ""}
    if with_token:
        page = visitor.open("/find").text
        fields["csrfmiddlewaretoken"] = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    answer = visitor.send_form(f"/events/{shop.slug}", fields, headers)
    assert answer.status_code == 403
    assert "<title>" in answer.text
    assert "site.css" in re.sub(r"\.[0-9a-f]{8,}\.", ".", answer.text)
    assert_no_insides(answer)
    assert shop.stack.django("Order.objects.filter(email='d04@example.com').count()") == 0


def test_the_api_takes_no_cookies_and_no_forms(shop, visitor):
    """D05: so nobody needs a token of a form there."""
    visitor.sign_in(shop.person().email, PASSWORD)
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json"):
        answer = visitor.post(
            f"{visitor.url}/api/users/logout", data="{}", headers={"Content-Type": kind}, timeout=30
        )
        assert answer.status_code == 401
    answer = visitor.post(
        f"{visitor.url}/api/tickets/purchase", data=json.dumps({"event_id": shop.free}),
        headers={"Content-Type": "text/plain"}, timeout=30,
    )  # fmt: skip
    assert answer.status_code == 415


# -- CORS and frames --------------------------------------------------------------------------------
@cases(
    "origin path allowed",
    [
        ("D06", "evil", "https://evil.example", "/api/events", False),
        ("D06", "null", "null", "/api/events", False),
        ("D06", "a longer name", "https://front.example.evil.example", "/api/events", False),
        ("D06", "http for https", "http://front.example", "/api/events", False),
        ("D06", "another port", "https://front.example:8443", "/api/events", False),
        ("D06", "a page", "https://front.example", "/", False),
        ("D06", "a page with accounts", "https://front.example", "/accounts/login/", False),
        ("D06", "ours", "https://front.example", "/api/events", True),
    ],
)
def test_another_origin(someone, origin, path, allowed):
    ask = {"Access_Control_Request_Method": "POST", "Access_Control_Request_Headers": "authorization"}
    for method, more in (("OPTIONS", ask), ("GET", {})):
        answer = someone.send(method, path, Origin=origin, **more)
        assert answer.headers.get("Access-Control-Allow-Origin") == (origin if allowed else None)
        assert answer.headers.get("Access-Control-Allow-Credentials") is None


@pytest.mark.parametrize(
    "path",
    ["/", "/find", "/accounts/login/", "/admin/login/", "/api/events", "/api/docs"],
    ids=lambda p: f"D07 {p}",
)
def test_no_page_is_framed(someone, path):
    answer = someone.get(path)
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_no_link_leads_out_with_a_handle_on_us(shop, hostile, someone):
    """D14"""
    for path in PLACES:
        for tag, attributes in Page(someone.get(fill(shop, hostile, path)).text).tags:
            leads_out = attributes.get("href", "").startswith(("http:", "https:", "//"))
            is_ours = attributes.get("href", "").startswith(shop.stack.shop_url)
            leads_out = (leads_out and not is_ours) or "target" in attributes
            if tag == "a" and leads_out:
                assert "noopener" in attributes.get("rel", ""), attributes
