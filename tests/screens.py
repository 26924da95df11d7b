"""Pictures of the main screens for people who read about the shop: `bin/screens [folder]`."""

import io
import re
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests import moving_picture
from tests.buyer import Buyer, Sandbox
from tests.processes import wait_until
from tests.stack import ROOT, Stack, Stacks

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 800}
# For each screen the scheme on the phone and on the desktop.
SCHEMES = {
    "list": ("light", "light"),
    "event": ("light", "dark"),
    "types": ("dark", "light"),
    "pay": ("dark", "light"),
    "ticket": ("light", "light"),
    "wallet": ("light", "light"),
    "lobby": ("dark", "dark"),
    "admin": ("light", "light"),
    "admin-order": ("light", "light"),
}
ROLES = ("owner", "manager", "finance", "door", "reader")
PASSWORD = "a long enough password"
TEAM = """
from accounts.staff import save_verified_user
from events.models import Membership, Organizer
house = Organizer.objects.create(name="Casa do Sinal", slug="casa-do-sinal")
Event.objects.filter(pk__in=[1, 2, 3]).update(organizer=house)
for role in roles:
    user, _is_new = save_verified_user(email=f"{role}@example.com", password=password, name=role.title())
    member = Membership.objects.create(organizer=house, user=user, role=role)
    member.events.set(Event.objects.filter(pk=1) if role == "door" else [])
answer = None
"""
RATES = "not CurrencyRate.objects.filter(taken_at=None).exists()"
STAFF = "from tickets.demo_data import SIGN_INS\nanswer = SIGN_INS[0]"  # as seeded


def some_sales(stack: Stack) -> str:
    """A day's business: paid, declined and waiting orders; the address of one paid ticket's page."""
    sandbox = Sandbox(stack)
    wait_until(lambda: stack.django(RATES), 30, "the rates of what is priced")
    for event_id, seats, user in ((1, 2, "bob"), (2, 1, "carol"), (3, 4, "alice")):
        buyer = Buyer(stack, email=f"{user}@example.com").buy(event_id, quantity=seats, name=user.title())
        sandbox.wallet(user).pay(buyer.bolt11())
        buyer.wait_for("paid")
    Buyer(stack, email="dora@example.com").buy(5, quantity=1, name="Dora")
    wallet = sandbox.wallet("carol")
    shown = Buyer(stack, email="elis@example.com").buy(1, name="Elis", uma_address=wallet.address)
    wallet.approve(wallet.request_for(shown))
    shown.wait_for("paid")
    return stack.django(
        "[order.get_absolute_url() for order in Order.objects.filter(pk=pk)]"
        " + [ticket.get_absolute_url() for ticket in Ticket.objects.filter(order_id=pk)]",
        pk=shown.order_id,
    )


def pending_page(stack: Stack, email: str) -> str:
    """The page of a new order whose request has reached alice's wallet."""
    wallet = Sandbox(stack).wallet("alice")
    buyer = Buyer(stack, email=email).buy(1, quantity=2, name="Ana", uma_address=wallet.address)
    wallet.request_for(buyer)
    buyer.bolt11()
    return stack.django("Order.objects.get(pk=pk).get_absolute_url()", pk=buyer.order_id)


def addresses(stack: Stack) -> dict[str, str]:
    _order, ticket = some_sales(stack)
    paid = stack.django("Order.objects.filter(status='paid', payment__isnull=False).latest('paid_at').pk.hex")
    return {
        "list": f"{stack.shop_url}/",
        "event": f"{stack.shop_url}/events/night-frequencies",
        "types": f"{stack.shop_url}/events/cook-along-noodles",
        "pay": f"{stack.shop_url}{pending_page(stack, 'ana@example.com')}",
        "ticket": f"{stack.shop_url}{ticket}",
        "wallet": f"{stack.sandbox_url}/wallet/alice",
        "lobby": f"{stack.shop_url}{ticket}/stream",
        "admin": f"{stack.shop_url}/admin/",
        "admin-order": f"{stack.shop_url}/admin/tickets/order/{paid}/change/",
    }


def sign_in_staff(page: Page, stack: Stack) -> None:
    email, password, _name = stack.django(STAFF)
    sign_in(page, stack, email, password)
    page.wait_for_url(re.compile(r"/admin/$"))


def sign_in(page: Page, stack: Stack, email: str, password: str) -> None:
    page.goto(f"{stack.shop_url}/admin/")
    page.locator("[name=login]").fill(email)
    page.locator("[name=password]").fill(password)
    page.locator("[name=password]").press("Enter")


def take(browser: Browser, stack: Stack, urls: dict[str, str], folder: Path) -> None:
    """One WebP for each screen and size: `<screen>-<size>-<scheme>.webp`."""
    for column, (size_name, size) in enumerate((("phone", PHONE), ("desktop", DESKTOP))):
        for scheme in ("light", "dark"):
            context = browser.new_context(
                viewport=size, color_scheme=scheme, device_scale_factor=2 if size is PHONE else 1.5,
                locale="en-US", timezone_id="Europe/Berlin", reduced_motion="reduce",
            )  # fmt: skip
            page = context.new_page()
            signed_in = False
            for name, schemes in SCHEMES.items():
                if schemes[column] != scheme:
                    continue
                if name.startswith("admin") and not signed_in:
                    sign_in_staff(page, stack)
                    signed_in = True
                page.goto(urls[name], wait_until="load")
                if name == "admin-order":
                    page.locator("h2", has_text="What happened").evaluate(
                        "title => title.scrollIntoView({block: 'center'})"
                    )
                picture = Image.open(io.BytesIO(page.screenshot()))
                picture.save(folder / f"{name}-{size_name}-{scheme}.webp", quality=80, method=6)
            context.close()


def take_start_pages(browser: Browser, stack: Stack, folder: Path) -> None:
    """What each role of an organizer sees first: `start-<role>-desktop-light.webp`."""
    stack.django(TEAM, roles=ROLES, password=PASSWORD)
    for role in ROLES:
        context = browser.new_context(viewport=DESKTOP, device_scale_factor=1.5, locale="en-US")
        page = context.new_page()
        sign_in(page, stack, f"{role}@example.com", PASSWORD)
        page.wait_for_url(re.compile(r"/door$" if role == "door" else r"/admin/$"))
        picture = Image.open(io.BytesIO(page.screenshot(full_page=True)))
        picture.save(folder / f"start-{role}-desktop-light.webp", quality=80, method=6)
        context.close()


# A month of sales and one evening's stream: rows as the services write them, moved into the past.
PAST = """
import random
from datetime import timedelta
from django.db.models import F
from tests.acts import pay
from tests.factories import OrderFactory
from tickets.reports.models import PageViews, RoomMinute, TimeInRoom
from tickets.services.viewers import join
luck, now = random.Random(21), timezone.now()
event = Event.objects.get(slug="night-frequencies")
start = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
Event.objects.filter(pk=event.pk).update(capacity=500)
placed = []
for number in range(90):
    order = OrderFactory(event=event, quantity=luck.randint(1, 3), email=f"guest{number}@example.com")
    placed.append(order)
    if luck.random() < 0.8:
        pay(order)
for order in placed:
    at = start - timedelta(hours=luck.triangular(3, 700, 100))
    Order.objects.filter(pk=order.pk).update(created_at=at)
    Order.objects.filter(pk=order.pk, paid_at__isnull=False).update(paid_at=at + timedelta(seconds=40))
    Payment.objects.filter(order=order).update(created_at=at)
    Payment.objects.filter(order=order, paid_at__isnull=False).update(
        paid_at=at + timedelta(seconds=luck.triangular(9, 300, 20)))
for hour in range(700):
    at = start - timedelta(hours=hour)
    PageViews.objects.create(event=event, quarter=at, views=luck.randint(0, 4) + (4 if hour < 100 else 0))
Event.objects.filter(pk=event.pk).update(start_time=start, end_time=start + timedelta(hours=3))
there = [0] * 91
for ticket in Ticket.objects.filter(order__event=event, order__status="paid").select_related("order__event"):
    if luck.random() < 0.85:
        first = max(0, int(luck.gauss(2, 6)))
        last = min(90, first + int(luck.triangular(10, 200, 95)))
        join(ticket, key=ticket.pk.hex)
        CheckIn.objects.filter(ticket=ticket).update(at=start + timedelta(minutes=first))
        TimeInRoom.objects.create(
            ticket=ticket, last_minute=start + timedelta(minutes=last), live_minutes=last - first + 1,
            replay_minutes=0)
        for minute in range(first, last + 1):
            there[minute] += 1
RoomMinute.objects.bulk_create(
    RoomMinute(event=event, minute=start + timedelta(minutes=minute), viewers=count)
    for minute, count in enumerate(there))
answer = event.pk
"""
REPORTS = [("desktop", DESKTOP, "light"), ("phone", PHONE, "dark")]


def take_reports(browser: Browser, stack: Stack, folder: Path) -> None:
    """Reports and lists of a shop that has sold for a month: `report-desktop-light.webp` and its like."""
    stack.worker.stop()  # it would ask the node for what these orders say they have
    event = stack.django(PAST)
    paths = {
        "report": "/admin/reports/", "report-event": f"/admin/reports/?event={event}",
        "orders": "/admin/tickets/order/",
    }  # fmt: skip
    for size_name, size, scheme in REPORTS:
        context = browser.new_context(
            viewport=size, color_scheme=scheme, device_scale_factor=1.5, locale="en-US"
        )
        page = context.new_page()
        sign_in_staff(page, stack)
        for name, path in paths.items():
            page.goto(f"{stack.shop_url}{path}", wait_until="load")
            picture = Image.open(io.BytesIO(page.screenshot(full_page=name != "orders")))
            picture.save(folder / f"{name}-{size_name}-{scheme}.webp", quality=70, method=6)
        context.close()


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.webp"):
        old.unlink()
    place = Path(tempfile.mkdtemp(prefix="ticketsuma-screens-"))
    stacks = Stacks(place)
    try:
        stack = stacks.new("sqlite")
        stack.manage("seed", "--stream", f"{stack.sandbox_url}/stream/live.m3u8")
        stack.start()
        urls = addresses(stack)
        with sync_playwright() as playwright:
            chromium = shutil.which("chromium") or shutil.which("chromium-browser")
            browser = playwright.chromium.launch(
                executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
            )
            take(browser, stack, urls, folder)
            take_start_pages(browser, stack, folder)
            moving_picture.take(browser, stack, folder)
            take_reports(browser, stack, folder)
            browser.close()
    finally:
        stacks.close()
        shutil.rmtree(place, ignore_errors=True)
    files = sorted(folder.glob("*.webp"))
    print(f"{len(files)} pictures, {sum(file.stat().st_size for file in files) // 1000} kB, in {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "screens")
