"""axe on every page, in light and in dark, on every screen size."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.test_buying import buy
from tests.buyer import make_event

pytestmark = pytest.mark.every_look
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
DESCRIPTION = f"### About\n\nWords and a [link](https://example.org).\n\n```\n{'long' * 99}\n```"


def violations(page, *, without: str = "") -> list[str]:
    """What axe finds wrong with the page once all of it is there, but for the part `without`, a selector."""
    page.wait_for_load_state()
    page.emulate_media(reduced_motion="reduce")
    # Without preloading: axe would write style sheets with imports into the page, against its policy.
    options = {"preload": False, "resultTypes": ["violations"], "runOnly": {"type": "tag", "values": RULES}}
    context = {"exclude": [[without]]} if without else None
    found = Axe().run(page, context=context, options=options).response["violations"]
    return [f"{v['id']}: {v['help']}: {[n['html'][:160] for n in v['nodes']][:3]}" for v in found]


def test_the_public_pages(page, stack):
    event_id = make_event(stack, description=DESCRIPTION)
    organizer, invitation = stack.django(
        "from events.models import Invitation, Organizer\n"
        "from events.team import token_of\n"
        "sala = Organizer.objects.create(name='Sala', description=text, legal_name='Sala SA')\n"
        "Event.objects.filter(pk=pk).update(organizer=sala)\n"
        "invited = Invitation.objects.create(organizer=sala, email='b@example.com', role='door')\n"
        "answer = [sala.get_absolute_url(), '/accounts/invitations/' + token_of(invited)]",
        pk=event_id,
        text=DESCRIPTION,
    )
    public = ("/", "/?q=nothing+at+all", f"/events/{event_id}", "/paid", organizer, invitation, "/find")
    for path in public:
        page.goto(stack.shop_url + path)
        assert (path, violations(page)) == (path, [])
    page.locator("main form button[type=submit]").click()
    page.get_by_text("This field is required.").wait_for()
    assert violations(page) == []


def test_the_order_from_hold_to_give_back(page, stack):
    buy(page, stack, make_event(stack), uma_address=f"$nobody-here@{stack.sandbox_domain}")
    page.get_by_role("listitem").filter(has_text="Nothing was charged: pay with").wait_for()
    assert violations(page) == []
    page.get_by_text("Give my seats back").click()
    page.get_by_role("button", name="Yes, give them back").click()
    page.get_by_role("heading", name="Your seats are given back.").wait_for()
    assert violations(page) == []


def test_the_ticket_and_the_lobby(page, stack):
    buy(page, stack, make_event(stack, price_sats=0))
    assert violations(page) == []
    page.get_by_role("link", name="Open ticket").click()
    assert violations(page) == []
    page.get_by_role("link", name="Join the stream").click()
    assert violations(page) == []
