"""Every page of the desk: axe finds nothing, no list is cut, it fits a phone, and keys lead everywhere."""

import pytest

from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.test_reading import violations
from tests.browser.test_staff import PASSWORD, signed_in

# A row of every model with long texts, and the pages of all: lists, rows, forms to add one, a history;
# of the pages that ask each form once. Two models speak for those under the hood: all are of the same class.
WORLD = """
from django.contrib import admin
from django.test import RequestFactory
from django.urls import reverse
from accounts.staff import save_verified_user
from ticketsuma.admin.site import HOOD
from ticketsuma.tests.roles_world import half, under_the_hood
rows = half("own")
sold = rows.pop("sold")
rows |= under_the_hood(rows)
order, title = rows["tickets.order"], "An evening of songs about the moon and other places nobody goes to"
Event.objects.update(title=title)
Order.objects.filter(pk=order.pk).update(name="Maximiliana Featherstonehaugh", email=email)
Ticket.objects.filter(order=order).update(holder_name="Maximiliana Featherstonehaugh")
Mail.objects.filter(order=order).update(to=email, last_error=f"bounced: 550 5.1.1 <{email}>: unknown")
Refund.objects.update(to=f"${email}", last_error="no_route_to_the_wallet")
PendingAct.objects.update(row_id=str(order.pk))  # a refund of it waits for a second person
draft, rows["events.event"] = rows["events.event"], sold
request = RequestFactory().get("/")
request.user, _is_new = save_verified_user(email="staff@example.com", password=password)
pages, asked = [], set()
for model, page in admin.site._registry.items():
    if model.__name__ in HOOD - {"Invoice", "Usage"}:
        continue
    def url(name, *arguments):
        return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=arguments)
    pages.append(url("changelist"))
    if (row := rows.get(model._meta.label_lower)) is None:
        continue
    row.refresh_from_db()
    pages.append(url("change", row.pk))
    if page.has_add_permission(request):
        pages.append(url("add"))
    for action in getattr(page, "staff_actions", []):
        if type(action).form not in asked and action.is_possible(row):
            asked.add(type(action).form)
            pages.append(url("act", row.pk, action.name))
pages += [
    reverse("admin:index"), reverse("admin:app_list", args=["tickets"]),
    reverse("admin:tickets_order_history", args=[order.pk]),
    reverse("admin:tickets_order_act", args=[order.pk, "refund"]),
    reverse("admin:events_event_change", args=[draft.pk]),
    reverse("admin:events_event_delete", args=[draft.pk]),
    reverse("admin:events_organizer_statement", args=[rows["events.organizer"].pk]),
    reverse("report"), reverse("report") + f"?event={sold.pk}", reverse("exports"),
    reverse("admin:password_change"), reverse("doors"), reverse("door", args=[sold.pk]),
    reverse("admin:tickets_order_changelist") + "?q=nobody",
]
answer = pages
"""
MENU = "#nav-sidebar"  # the same on every page
EMAIL = "maximiliana.featherstonehaugh@post.example.com"
# The widths of the columns of a list that is cut.
CUT = """() => [...document.querySelectorAll("#changelist-form .results")]
  .filter(box => box.scrollWidth > box.clientWidth + 1)
  .map(box => [...box.querySelectorAll("thead th")].map(each => each.innerText.trim() + each.offsetWidth))"""
# What reaches over the right edge and is in nothing that scrolls.
TOO_WIDE = """() => {
  const scrolls = (part) => part && (
    ["auto", "scroll"].includes(getComputedStyle(part).overflowX) || scrolls(part.parentElement));
  return [...document.querySelectorAll("body *")].filter(part => {
    const box = part.getBoundingClientRect();
    const is_over = box.width > 1 && box.right > innerWidth + 1 && !part.closest(".visually-hidden");
    return is_over && part.checkVisibility() && !scrolls(part.parentElement);
  }).slice(0, 3).map(part => part.outerHTML.slice(0, 160));
}"""
FOCUSED = """() => {
  const part = document.activeElement, box = part.getBoundingClientRect(), look = getComputedStyle(part);
  return {
    name: part.outerHTML.slice(0, 120),
    is_in_main: Boolean(part.closest("main")),
    is_outlined: look.outlineStyle !== "none" && parseFloat(look.outlineWidth) >= 2,
    is_on_screen: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
  };
}"""


@pytest.fixture
def look():
    """One for all: contrast in the other colors is that of the same variables, see test_staff.py."""
    return DESKTOP, "light"


@pytest.fixture(scope="module")
def stack(stacks):
    """A shop of its own, whose rows say what no node does: nothing listens there, and no worker asks."""
    return stacks.new("sqlite", workers=0, LIGHTSPARK_BASE_URL="http://127.0.0.1:9/graphql").start()


@pytest.fixture(scope="module")
def pages(stack):
    return stack.django(WORLD, email=EMAIL, password=PASSWORD)


@pytest.fixture
def page(open_context, stack, pages):
    return signed_in(open_context(reduced_motion="reduce").new_page(), stack, "staff@example.com")


def test_every_page_is_readable_and_fits(page, stack, pages):
    wrong = []
    for path in pages:
        page.goto(stack.shop_url + path)
        wrong += [(path, found) for found in violations(page, without=MENU)]
        wrong += [(path, "cut at 1280 px", columns) for columns in page.evaluate(CUT)]
        page.set_viewport_size(PHONE)
        wrong += [(path, f"too wide for a phone: {part}") for part in page.evaluate(TOO_WIDE)]
        page.set_viewport_size(DESKTOP)
    assert not wrong, "\n".join(map(str, wrong))


def test_a_form_that_is_wrong_is_readable(page, stack):
    page.goto(f"{stack.shop_url}/admin/events/event/add/")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("This field is required.").first.wait_for()
    assert violations(page, without=MENU) == []


def test_keys_lead_past_the_menu_and_show_where_they_are(page, stack):
    page.goto(f"{stack.shop_url}/admin/tickets/order/")
    page.keyboard.press("Tab")
    skip = page.evaluate(FOCUSED)
    assert "Skip to main content" in skip["name"]
    assert skip["is_on_screen"]
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED)["is_in_main"]
    page.goto(f"{stack.shop_url}/admin/tickets/order/")
    dark, seen = [], []
    for _step in range(60):
        page.keyboard.press("Tab")
        where = page.evaluate(FOCUSED)
        seen.append(where["name"])
        if not where["is_outlined"] or not where["is_on_screen"]:
            dark.append(where)
    assert dark == []
    assert len(set(seen)) > 40, "no trap"
    assert page.evaluate("[...document.querySelectorAll('[tabindex]')].every(part => part.tabIndex <= 0)")
