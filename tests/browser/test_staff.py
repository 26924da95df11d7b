"""The admin in a real browser, under the shop's own strict content policy."""

import re

import pytest

from tests.browser.test_reading import violations
from tests.buyer import Sandbox, make_event

PASSWORD = "a long enough password"

# The admin hides what is too wide, so the page's width does not tell.
IS_CUT = (
    "[...document.querySelectorAll('.timeline td')].some(td => td.getBoundingClientRect().right > innerWidth)"
)


@pytest.fixture
def staff_page(open_context, stack):
    stack.django(
        "from accounts.staff import save_verified_user\n"
        "answer = save_verified_user(email='staff@example.com', password=password)[0].pk",
        password=PASSWORD,
    )
    return signed_in(open_context().new_page(), stack, "staff@example.com")


def signed_in(page, stack, email):
    page.goto(f"{stack.shop_url}/admin/")
    page.locator("[name=login]").fill(email)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("[name=password]").press("Enter")
    page.wait_for_url(re.compile(r"/admin/$"))
    return page


def test_staff_make_an_event(staff_page, stack):
    staff_page.get_by_role("heading", name="Needs attention").wait_for()
    staff_page.goto(f"{stack.shop_url}/admin/events/event/add/")
    staff_page.locator("#id_title").press_sequentially("Moon Songs")
    assert staff_page.locator("#id_slug").input_value() == "moon-songs"
    for field, day in (("start_time", "2031-05-01"), ("end_time", "2031-05-02")):
        staff_page.locator(f"#id_{field}_0").fill(day)
        staff_page.locator(f"#id_{field}_1").fill("20:00")
    staff_page.locator("#id_timezone").select_option("Asia/Tokyo")
    staff_page.get_by_text("= 13:00 your time").first.wait_for()  # this browser is in Berlin
    staff_page.locator("#id_capacity").fill("5")
    staff_page.locator("#id_price_sats").fill("0")
    staff_page.get_by_role("button", name="Save", exact=True).click()
    staff_page.get_by_text("It is saved as a draft").wait_for()
    staff_page.get_by_role("link", name="Publish").click()
    staff_page.get_by_text("✗ It has the address of its stream.").wait_for()
    staff_page.get_by_role("button", name="Publish").click()
    staff_page.get_by_text("It is published.").wait_for()
    staff_page.goto(f"{stack.shop_url}/events/moon-songs")
    assert staff_page.get_by_role("heading", level=1).inner_text() == "Moon Songs"
    start = stack.django("Event.objects.get(slug='moon-songs').start_time.isoformat()")
    assert start == "2031-05-01T11:00:00+00:00"
    stack.django("Event.objects.filter(slug='moon-songs').delete()")


def test_staff_cancel_an_order_after_a_question(staff_page, stack):
    code = stack.django(
        "from tickets.services.orders import place_order\n"
        "answer = place_order(event=Event.objects.get(pk=pk), quantity=2, email='ann@example.com').code",
        pk=make_event(stack, price_sats=0),
    )
    staff_page.goto(f"{stack.shop_url}/admin/tickets/order/?q={code.lower()}")
    staff_page.get_by_role("link", name=code).click()
    staff_page.get_by_role("heading", name="What happened").wait_for()
    staff_page.get_by_role("link", name="Cancel the order").click()
    staff_page.get_by_role("button", name="Cancel the order").click()
    staff_page.get_by_text("its seats are free again").first.wait_for()
    assert stack.django("Order.objects.get(code=order_code).status", order_code=code) == "canceled"
    stack.audit()


def test_the_admin_is_readable(staff_page, stack):
    event_id = make_event(stack, price_sats=0)
    order_id = stack.django(
        "from tickets.services.orders import place_order\n"
        "answer = str(place_order(event=Event.objects.get(pk=pk), quantity=2, email=email).pk)",
        pk=event_id,
        email=f"{'ann' * 20}@example.com",
    )
    order, event = f"tickets/order/{order_id}", f"events/event/{event_id}"
    for path in (
        "",
        "tickets/order/",
        f"{order}/change/",
        f"{order}/act/cancel",
        f"{order}/act/note",
        f"{order}/history/",
        f"{event}/change/",
        f"{event}/act/sell",
        f"{event}/act/gift",
        f"{event}/act/codes",
        "events/promocode/",
        "tickets/ticket/",
    ):
        staff_page.goto(f"{stack.shop_url}/admin/{path}")
        assert violations(staff_page) == [], path
        assert staff_page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert not staff_page.evaluate(IS_CUT), path


def test_a_guest_pays_at_the_box_office_by_the_code_that_staff_show(staff_page, open_context, stack):
    event_id = make_event(stack, title="Box office", price_sats=4400)
    staff_page.goto(f"{stack.shop_url}/admin/events/event/{event_id}/change/")
    staff_page.get_by_role("link", name="Sell at the box office").click()
    staff_page.locator("[name^=seats_]").fill("2")
    staff_page.get_by_role("button", name="Sell at the box office").click()
    staff_page.get_by_text("waits for 8,800 sats").wait_for()
    staff_page.get_by_role("img", name="QR code of the page on which the guest pays").wait_for()
    page = staff_page.get_by_role("link", name="Open that page").get_attribute("href")
    guest = open_context().new_page()
    guest.goto(page)
    guest.get_by_role("heading", name="Pay 8,800 sats with any wallet.").wait_for()
    invoice = guest.get_by_role("link", name="Open wallet").get_attribute("href").removeprefix("lightning:")
    Sandbox(stack).wallet("bob").pay(invoice)
    guest.get_by_role("heading", name="You are in.").wait_for()
    staff_page.reload()
    assert staff_page.get_by_role("link", name="Open that page").count() == 0
    stack.audit()


def test_a_role_that_is_taken_away_meanwhile_counts_at_the_next_click(open_context, stack):
    """Two browsers: a manager has the question already open when an owner removes them from the team."""
    event_id = make_event(stack, price_sats=0)
    manager_id, code = stack.django(
        "from accounts.staff import save_verified_user\n"
        "from events.models import Membership, Organizer\n"
        "from tickets.services.orders import place_order\n"
        "sala = Organizer.objects.create(name='Sala Azul')\n"
        "Event.objects.filter(pk=pk).update(organizer=sala)\n"
        "people = {role: save_verified_user(email=f'{role}@example.com', password=password)[0]\n"
        "          for role in ('owner', 'manager')}\n"
        "made = [Membership.objects.create(organizer=sala, user=user, role=role)\n"
        "        for role, user in people.items()]\n"
        "order = place_order(event=Event.objects.get(pk=pk), quantity=1, email='ann@example.com')\n"
        "answer = [made[1].pk, order.code]",
        pk=event_id,
        password=PASSWORD,
    )
    owner = signed_in(open_context().new_page(), stack, "owner@example.com")
    manager = signed_in(open_context(refusal="403").new_page(), stack, "manager@example.com")
    assert owner.get_by_role("link", name="Team", exact=True).count()
    assert manager.get_by_role("link", name="Refunds").count() == 0, "the menu shows what one may see"
    manager.goto(f"{stack.shop_url}/admin/tickets/order/?q={code.lower()}")
    manager.get_by_role("link", name=code).click()
    assert manager.get_by_role("link", name="Cancel and refund").count() == 0
    manager.get_by_role("link", name="Cancel the order").click()
    manager.get_by_role("button", name="Cancel the order").wait_for()

    owner.goto(f"{stack.shop_url}/admin/events/membership/{manager_id}/change/")
    owner.get_by_role("link", name="Remove from the team").click()
    owner.get_by_role("button", name="Remove from the team").click()
    owner.get_by_text("They are no longer of the team").first.wait_for()

    manager.get_by_role("button", name="Cancel the order").click()
    manager.wait_for_load_state()
    assert manager.get_by_text("its seats are free again").count() == 0
    assert stack.django("Order.objects.get(code=order_code).status", order_code=code) == "paid"
    answer = manager.goto(f"{stack.shop_url}/admin/tickets/order/")
    assert answer.status == 403
    stack.audit()
