"""Two persons for large refunds: one asks, another approves, once; a shop of one is told."""

import threading

import pytest
from django.db import IntegrityError, connection
from django.test import Client

from accounts.history import HistoryEntry
from accounts.second_person import PendingAct
from accounts.staff import save_verified_user
from events.models import Event
from payments.models import Refund
from tests.acts import hold, pay
from tests.factories import EveningFactory, MembershipFactory, OrganizerFactory
from tickets.models import Order
from tickets.tests.admin_client import act, act_url, change_url, told

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def limit(settings):
    settings.REFUND_NEEDS_TWO_SATS = 1500
    settings.ADMIN_EMAILS = frozenset({"one@example.com", "two@example.com", "three@example.com"})


def of(name: str) -> Client:
    user = save_verified_user(email=f"{name}@example.com", password="a long enough passphrase")[0]
    browser = Client()
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return browser


@pytest.fixture
def two():
    return of("one"), of("two")


@pytest.fixture
def order() -> Order:
    order = hold(EveningFactory(price_sats=1000), 2, email="ann@example.com")
    pay(order)
    order.refresh_from_db()
    return order


def decide(browser: Client, order: Order, decision: str, action: str = "refund"):
    waiting = PendingAct.objects.latest("pk")
    body = {"waiting": waiting.pk, "decision": decision}
    return browser.post(act_url(order, action), body, follow=True)


def test_one_asks_and_another_approves(two, order):
    one, other = two
    assert "second person" in told(act(one, order, "refund"))[0]
    order.refresh_from_db()
    assert (order.status, Refund.objects.count()) == ("paid", 0)
    assert "waits for a second person" in other.get(change_url(order)).content.decode()
    page = other.get(act_url(order, "refund")).content.decode()
    assert "one@example.com asked for this" in page
    assert "Refunds wait for a second person" in other.get("/admin/").content.decode()
    decide(other, order, "approve")
    order.refresh_from_db()
    assert (order.status, Refund.objects.get().amount_msats) == ("canceled", 2_000_000)
    acts = [(entry.act, entry.who) for entry in HistoryEntry.objects.about([order])]
    assert acts[-3:] == [
        ("ask_second", "one@example.com (operator)"), ("approve", "two@example.com (operator)"),
        ("refund", "two@example.com (operator)"),
    ]  # fmt: skip
    [row] = PendingAct.objects.all()
    assert (row.status, row.asked_email, row.decided_email, row.typed) == (
        "approved", "one@example.com", "two@example.com", {},
    )  # fmt: skip


def test_nobody_approves_their_own(two, order):
    one, _other = two
    act(one, order, "refund")
    decide(one, order, "approve")
    order.refresh_from_db()
    assert (order.status, PendingAct.objects.get().status) == ("paid", "waiting")
    assert "somebody else must approve" in one.get(act_url(order, "refund")).content.decode()
    decide(one, order, "decline")
    assert PendingAct.objects.get().status == "declined"


def test_the_database_refuses_it_too(two, order):
    act(two[0], order, "refund")
    row = PendingAct.objects.get()
    with pytest.raises(IntegrityError):
        PendingAct.objects.update(status="approved", decided_by=row.asked_by)


def test_less_takes_nobody(two, order):
    act(two[0], order, "refund-part", amount_sats=1500)
    assert Refund.objects.get().amount_msats == 1_500_000
    assert not PendingAct.objects.exists()


def test_small_parts_add_up(two, order):
    one, other = two
    act(one, order, "refund-part", amount_sats=1000)
    act(one, order, "refund-part", amount_sats=501)
    assert Refund.objects.count() == 1
    decide(other, order, "approve", "refund-part")
    assert sum(Refund.objects.values_list("amount_msats", flat=True)) == 1_501_000


def test_what_changed_meanwhile_is_asked_anew(two, order):
    one, other = two
    act(one, order, "refund")
    act(other, order, "refund-part", amount_sats=10)
    assert "changed in the meantime" in told(decide(other, order, "approve"))[0]
    order.refresh_from_db()
    assert (order.status, PendingAct.objects.get().status) == ("paid", "declined")


def test_a_shop_of_one_is_told_what_it_may_do(order):
    page = act(of("one"), order, "refund")
    assert "nobody else may do it" in page.content.decode()
    assert not PendingAct.objects.exists()


def test_of_two_who_approve_at_once_one_does(two, order):
    one, other = two
    third = of("three")
    act(one, order, "refund")
    row = PendingAct.objects.get()
    at_once = threading.Barrier(2)

    def press(browser: Client) -> None:
        try:
            at_once.wait()
            browser.post(act_url(order, "refund"), {"waiting": row.pk, "decision": "approve"})
        finally:
            connection.close()

    threads = [threading.Thread(target=press, args=(browser,)) for browser in (other, third)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Refund.objects.count() == 1
    assert HistoryEntry.objects.filter(act="approve").count() == 1


def test_it_is_off_by_default(two, order, settings):
    settings.REFUND_NEEDS_TWO_SATS = 0
    act(two[0], order, "refund")
    order.refresh_from_db()
    assert order.status == "canceled"


def test_the_start_page_leads_who_may_decide_to_what_waits(two, order):
    organizer = OrganizerFactory()
    Event.objects.update(organizer=organizer)
    finance = MembershipFactory(organizer=organizer, role="finance").user
    foreign, reader = (
        MembershipFactory(role="finance").user,
        MembershipFactory(organizer=organizer, role="reader").user,
    )
    act(two[0], order, "refund")
    shown = {}
    for user in (finance, foreign, reader):
        browser = Client()
        browser.force_login(user)
        shown[user] = browser.get("/admin/").content.decode()
    assert act_url(order, "refund") in shown[finance]
    assert "waits for a second person: 2,000 sats" in shown[finance]
    for user in (foreign, reader):
        assert order.code not in shown[user]
        assert "second person" not in shown[user]
