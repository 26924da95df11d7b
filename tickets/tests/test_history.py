"""History: acts by pages, API and commands; append-only, and kept when its authors leave."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from accounts.authentication import issue_token
from accounts.history import AppendOnly, HistoryEntry, by_command, record
from accounts.models import User
from accounts.staff import save_verified_user
from events.models import Event
from tests.acts import hold, pay
from tests.factories import EveningFactory, StaffFactory
from tickets.models import CheckIn, Mail, Order
from tickets.services.check_ins import check_in
from tickets.services.personal_data import StaffStay, erase_personal_data
from tickets.services.refunds import cancel_event
from tickets.staff.timeline import order_file, timeline
from tickets.tests.admin_client import act, act_url, change_url
from tickets.tests.test_admin_events import event_form

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "a long enough password"


def last() -> HistoryEntry:
    return HistoryEntry.objects.latest("pk")


def bearer(user: User) -> dict:
    return {"Authorization": f"Bearer {issue_token(user)}"}


@pytest.fixture
def paid() -> Order:
    order = hold(EveningFactory(), 2)
    pay(order)
    return order


# -- kept ---------------------------------------------------------------------------------------
def test_what_staff_did_outlives_their_account(staff, paid, settings):
    act(staff, paid, "refund-part", amount_sats=10)
    settings.ADMIN_EMAILS = frozenset()  # they are no longer staff, so they may leave
    erase_personal_data(User.objects.get(email="staff@example.com"))
    entry = HistoryEntry.objects.get(act="refund_part")
    assert (entry.actor, entry.actor_name, entry.actor_email) == (None, "Sam", "staff@example.com")
    told = [moment.says for moment in timeline(order_file(paid.pk)) if moment.kind == "done by"]
    assert told == [f"staff@example.com (operator): {paid.code} refunded in part: 10 sats"]


def test_who_let_in_is_known_when_they_are_gone(paid, settings):
    sam = StaffFactory()
    ticket = paid.tickets.first()
    check_in(code=ticket.ticket_code, event_id=paid.event_id, by=sam)
    settings.ADMIN_EMAILS = frozenset()
    erase_personal_data(sam)
    assert (CheckIn.objects.get().by, CheckIn.objects.get().by_name) == (None, "staff@example.com")
    assert any("staff@example.com" in moment.says for moment in timeline(order_file(paid.pk)))


def test_staff_cannot_delete_themselves(staff, client):
    sam = User.objects.get(email="staff@example.com")
    with pytest.raises(StaffStay):
        erase_personal_data(sam)
    body = {"current_password": PASSWORD}
    path = f"/api/users/{sam.pk}"
    refused = client.delete(path, body, content_type="application/json", headers=bearer(sam))
    assert (refused.status_code, refused.json()["code"]) == (409, "staff_stay")
    again = staff.get("/me/delete")["Location"]
    assert staff.post(again, {"password": PASSWORD, "next": "/me/delete"})["Location"] == "/me/delete"
    page = staff.post("/me/delete")
    assert (page.status_code, "You are staff of this shop" in page.content.decode()) == (409, True)
    assert User.objects.filter(pk=sam.pk).exists()


def test_nothing_in_the_history_is_changed_or_deleted(staff, paid):
    act(staff, paid, "refund-part", amount_sats=10)
    entry = last()
    for change in (entry.save, entry.delete, HistoryEntry.objects.all().delete):
        with pytest.raises(AppendOnly):
            change()
    with pytest.raises(AppendOnly):
        HistoryEntry.objects.update(actor_email="")
    for column in ("actor_email = ''", "act = 'press'", "at = '2020-01-01'", "details = '{}'"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE accounts_historyentry SET {column}")
    assert HistoryEntry.objects.get(pk=entry.pk).actor_email == "staff@example.com"


def test_an_act_that_fails_leaves_no_entry(staff, paid):
    act(staff, paid, "refund-part", amount_sats=10**6)
    assert not HistoryEntry.objects.filter(act="refund_part").exists()
    with transaction.atomic(), by_command("test"):
        record("refund", paid)
        transaction.set_rollback(True)
    assert not HistoryEntry.objects.filter(act="refund").exists()


# -- by every way -------------------------------------------------------------------------------
def test_prices_and_streams_changed_by_the_api_are_kept(client):
    sam, event = StaffFactory(), EveningFactory(price_sats=1000)
    body = {"price_sats": 250_000, "stream_url": "https://elsewhere.example/secret"}
    path = f"/api/events/{event.pk}"
    assert client.patch(path, body, content_type="application/json", headers=bearer(sam)).status_code == 200
    entry = last()
    assert (entry.act, entry.via, entry.actor_email) == ("change", "api", sam.email)
    assert entry.details == {"price_sats": [1000, 250_000], "stream_url": "…"}
    assert "elsewhere" not in entry.says
    count = HistoryEntry.objects.count()
    client.patch(path, body, content_type="application/json", headers=bearer(sam))
    assert HistoryEntry.objects.count() == count, "nothing changed"


def test_events_made_and_deleted_are_kept(client):
    sam, soon = StaffFactory(), timezone.now() + timedelta(days=1)
    body = {
        "title": "New", "start_time": soon.isoformat(), "capacity": 5, "price_sats": 21,
        "end_time": (soon + timedelta(hours=1)).isoformat(),
    }  # fmt: skip
    made = client.post("/api/events", body, content_type="application/json", headers=bearer(sam)).json()
    assert (last().act, last().row_id) == ("add", str(made["id"]))
    assert client.delete(f"/api/events/{made['id']}", headers=bearer(sam)).status_code == 204
    assert (last().act, last().row_name) == ("delete", "New")


def test_the_admins_form_is_kept_too(staff):
    event = EveningFactory(price_sats=1000)
    staff.post(change_url(event), event_form(staff, event, price_sats=2000))
    assert Event.objects.get().price_sats == 2000
    entry = last()
    assert (entry.act, entry.via, entry.details["price_sats"]) == ("change", "page", [1000, 2000])
    page = staff.get(change_url(event).replace("change", "history")).content.decode()
    assert "price in sats 1,000 sats → 2,000 sats" in page
    assert "staff@example.com" in page


def test_commands_are_kept(paid):
    call_command("cancel_event", str(paid.event_id), "--json", stdout=open("/dev/null", "w"))  # noqa: SIM115
    assert (last().act, last().who) == ("cancel", "manage.py cancel_event")


def test_what_the_shop_does_by_itself_is_not_an_act(paid):
    cancel_event(paid.event)
    assert not HistoryEntry.objects.exists()


def test_buyers_are_not_copied(paid):
    """They may leave and be forgotten; an entry says that it was done by the order's page."""
    ann = save_verified_user(email="bea@example.com", password=PASSWORD)[0]
    browser = Client()
    browser.force_login(ann)
    order = hold(EveningFactory(price_sats=0), buyer=ann)
    browser.post(f"{order.get_absolute_url()}/cancel")
    entry = last()
    assert (entry.act, entry.actor, entry.actor_email, entry.who) == ("cancel", ann, "", "page")
    erase_personal_data(ann)
    assert HistoryEntry.objects.get(pk=entry.pk).actor is None


@pytest.mark.parametrize("action", ["refund", "refund-part", "mail"])
def test_every_button_of_staff_leaves_an_entry(staff, paid, action):
    Mail.objects.update(status=Mail.Status.SENT, sent_at=timezone.now())
    act(staff, paid, action, **({"amount_sats": 5} if action == "refund-part" else {}))
    assert staff.get(act_url(paid, action)).status_code in (200, 302)
    assert HistoryEntry.objects.get().actor_email == "staff@example.com"


# -- proof --------------------------------------------------------------------------------------
@pytest.mark.parametrize("way", ["export", "delete"])
def test_a_token_alone_takes_nothing_along_and_deletes_nobody(client, way, settings):
    bea = save_verified_user(email="bea@example.com", password=PASSWORD)[0]
    path, ask = f"/api/users/{bea.pk}", client.delete
    if way == "export":
        path, ask = f"{path}/export", client.post
    for body, code in (({}, "invalid"), ({"current_password": "a guess"}, "wrong_password")):
        refused = ask(path, body, content_type="application/json", headers=bearer(bea))
        assert (refused.status_code, refused.json()["code"]) == (400, code)
    assert User.objects.filter(pk=bea.pk).exists()
    settings.LIMITS = settings.LIMITS | {"LOGIN_PER_EMAIL_AND_IP": (1, 900)}
    guess = {"current_password": "a guess"}
    assert ask(path, guess, content_type="application/json", headers=bearer(bea)).status_code == 429


def test_the_page_asks_for_the_password_before_it_hands_the_data_out():
    bea = save_verified_user(email="bea@example.com", password=PASSWORD)[0]
    browser = Client()
    browser.force_login(bea)
    assert browser.get("/me/data")["Location"].startswith("/accounts/reauthenticate/")
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert browser.get("/me/data").status_code == 200
