"""Fixtures: a real chromium in front of the three real processes."""

import re

import pytest
from playwright.sync_api import expect

from tests.environment import due
from tests.processes import PATIENCE
from tests.stack import Stack

expect.set_options(timeout=5_000 * PATIENCE)

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 800}


def unless_due(name: str) -> list[pytest.MarkDecorator]:
    """Of the two looks with each size and each colors once, `LOOKS=1/2` takes one a day."""
    return [] if name in due(["phone-light", "desktop-dark"], "LOOKS") else [pytest.mark.other_look]


@pytest.fixture(scope="session")
def stack(sqlite_stack) -> Stack:
    return sqlite_stack


@pytest.fixture(
    params=[
        pytest.param(
            (PHONE, "light"), id="phone-light", marks=[pytest.mark.short, *unless_due("phone-light")]
        ),
        pytest.param((PHONE, "dark"), id="phone-dark", marks=pytest.mark.other_look),
        pytest.param((DESKTOP, "light"), id="desktop-light", marks=pytest.mark.other_look),
        pytest.param((DESKTOP, "dark"), id="desktop-dark", marks=unless_due("desktop-dark")),
    ]
)
def look(request) -> tuple[dict, str]:
    """The size and the colors in which this test looks at the shop."""
    return request.param


@pytest.fixture
def size(look) -> dict:
    return look[0]


@pytest.fixture
def open_context(browser, look, stack):
    """Makes browser contexts of this test's look that fail the test on any error and any foreign request."""
    size, scheme = look
    contexts, troubles, friends, refusals = [], [], [], ["409", "422"]

    def watch(page):
        page.on("pageerror", lambda error: troubles.append(f"script: {error}"))
        page.on("console", listen)
        page.on("request", lambda asked: troubles.extend(foreign(asked.url)))

    def listen(said):
        # A refused form is a page with status 422 or 409, of which chromium complains.
        if said.type == "error" and not re.search(f"status of ({'|'.join(refusals)})", said.text):
            troubles.append(f"console: {said.text}")

    def foreign(url: str) -> list[str]:
        known = (*friends, *stack.shop_urls, stack.sandbox_url, "data:", "about:", "blob:")
        return [] if url.startswith(known) else [f"foreign request: {url}"]

    def make(*, friend: str = "", refusal: str = "", **options):
        """`friend` is the one other address that pages may ask, `refusal` one more status they may meet."""
        refusals.extend([refusal] if refusal else [])
        friends.extend([friend] if friend else [])
        options = {"color_scheme": scheme, "timezone_id": "Europe/Berlin", "locale": "en-US"} | options
        context = browser.new_context(viewport=size, **options)
        context.on("page", watch)
        context.set_default_timeout(10_000 * PATIENCE)
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()
    assert troubles == []


@pytest.fixture
def page(open_context):
    """The buyer's tab."""
    return open_context().new_page()
