"""Drafts: made by the admin's form, seen by their own staff and by link, published and withdrawn."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.history import HistoryEntry
from accounts.roles import Role
from events.models import Event
from events.publishing import LINK_DAYS, checklist, preview_path
from tests.acts import hold, pay
from tests.factories import EveningFactory, MembershipFactory, OrganizerFactory, UserFactory
from tickets.mail.notifications import queue_changes
from tickets.models import Mail, Order
from tickets.tests.admin_client import act, act_url, change_url, told
from tickets.tests.forms_in_pages import form_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def draft() -> Event:
    return EveningFactory(title="A quiet draft", is_active=False, price_sats=1000)


def test_what_the_form_makes_is_a_draft(staff):
    page = staff.get(reverse("admin:events_event_add"))
    day = f"{timezone.now() + timedelta(days=9):%Y-%m-%d}"
    said = form_in(page, "event_form") | {
        "title": "New", "capacity": "10", "price_sats": "0", "start_time_0": day, "start_time_1": "20:00",
        "end_time_0": day, "end_time_1": "22:00",
    }  # fmt: skip
    answer = staff.post(reverse("admin:events_event_add"), said, follow=True)
    event = Event.objects.get()
    assert not event.is_active
    assert answer.redirect_chain[-1][0] == change_url(event)
    assert "draft" in told(answer)[0]


def test_publishing_shows_its_checklist_and_puts_it_on_sale(staff, draft):
    Event.objects.filter(pk=draft.pk).update(start_time=timezone.now() - timedelta(hours=1), stream_url="")
    asked = staff.get(act_url(draft, "publish")).content.decode()
    assert "✗ It starts in the future." in asked
    assert "✗ It has the address of its stream." in asked
    assert "✓ It has a ticket type on sale." in asked
    assert Client().get(draft.get_absolute_url()).status_code == 404
    act(staff, draft, "publish")
    assert Client().get(draft.get_absolute_url()).status_code == 200
    assert list(HistoryEntry.objects.values_list("act", flat=True)) == ["publish"]


def test_of_two_who_publish_the_second_is_told(staff, draft):
    seen = staff.get(act_url(draft, "publish")).context["form"]["seen"].value()
    act(staff, draft, "publish")
    late = staff.post(act_url(draft, "publish"), {"seen": seen}, follow=True)
    assert "somebody was faster" in told(late)[0]


def test_a_withdrawn_event_sells_no_more_and_its_tickets_stay_good(staff, draft):
    act(staff, draft, "publish")
    order = hold(draft, email="ann@example.com")
    pay(order)
    act(staff, draft, "withdraw")
    assert Client().get(draft.get_absolute_url()).status_code == 404
    assert Client().get(order.get_absolute_url()).status_code == 200


def test_its_own_staff_see_a_draft_with_a_banner_and_nobody_else_does(draft, client):
    draft.organizer = OrganizerFactory()
    draft.save()
    client.force_login(MembershipFactory(organizer=draft.organizer, role=Role.MANAGER).user)
    page = client.get(draft.get_absolute_url())
    assert page.status_code == 200
    assert "nothing can be bought on it" in page.content.decode()
    assert page["Cache-Control"] == "no-store, private"
    for user in (UserFactory(), MembershipFactory(role=Role.OWNER).user):
        client.force_login(user)
        assert client.get(draft.get_absolute_url()).status_code == 404
    assert not Event.objects.get().is_active


def test_a_link_shows_a_draft_to_whoever_has_it(draft):
    path = preview_path(draft)
    page = Client().get(path)
    assert "A quiet draft" in page.content.decode()
    assert page["X-Robots-Tag"] == "noindex, nofollow"
    assert "Edit and publish" not in page.content.decode()
    assert Client().get(re.sub(r"preview/\d+", f"preview/{draft.pk + 1}", path)).status_code == 404
    Event.objects.update(is_active=True)
    assert Client().get(path)["Location"] == draft.get_absolute_url()


def test_a_link_ends(draft):
    path = preview_path(draft)
    with time_machine.travel(timezone.now() + timedelta(days=LINK_DAYS, seconds=5)):
        assert Client().get(path).status_code == 404


def test_nobody_buys_in_a_preview(draft, staff):
    said = {"quantity": "1", "price_sats": "1000"}
    assert staff.post(draft.get_absolute_url(), said).status_code == 404
    assert "inert" in staff.get(draft.get_absolute_url()).content.decode()


def test_the_checklist_of_a_good_event_is_all_good(draft):
    draft.contact_email, draft.cover, draft.summary = "us@example.com", "covers/a.webp", "Words."
    assert [str(point.says) for point in checklist(draft) if not point.is_good] == []


# -- whom a change concerns ----------------------------------------------------------------------
def edit(client, event: Event, **changes):
    form = form_in(client.get(change_url(event)), "event_form") | changes
    return client.post(change_url(event), form)


def test_a_change_that_mails_holders_is_asked_about_once(staff):
    event = EveningFactory(title="Before", price_sats=1000)
    for guest in ("ann", "bea"):
        pay(hold(event, 2, email=f"{guest}@example.com"))
    asked = edit(staff, event, title="After")
    [says] = asked.context["adminform"].form.non_field_errors()
    assert "4 seats of 2 orders" in says
    event.refresh_from_db()
    assert event.title == "Before"
    again = form_in(asked, "event_form")
    other = staff.post(change_url(event), again | {"title": "Something else"})
    assert other.status_code == 200  # another change is another question
    assert staff.post(change_url(event), form_in(other, "event_form")).status_code == 302
    event.refresh_from_db()
    assert event.title == "Something else"
    Order.objects.update(paid_at=timezone.now() - timedelta(hours=1))
    Event.objects.update(updated_at=timezone.now() - timedelta(minutes=2))
    queue_changes()
    assert Mail.objects.filter(kind=Mail.Kind.EVENT_CHANGED).count() == 2


def test_what_concerns_nobody_is_saved_at_once(staff):
    event = EveningFactory()
    hold(event)  # not paid: nobody is mailed
    assert edit(staff, event, title="After").status_code == 302
    pay(hold(event, email="ann@example.com"))
    assert edit(staff, event, summary="Some words").status_code == 302


def test_a_move_says_that_money_may_go_back(staff):
    event = EveningFactory(price_sats=1000)
    pay(hold(event, email="ann@example.com"))
    later = event.start_time + timedelta(minutes=-30)
    asked = edit(staff, event, start_time_0=f"{later:%Y-%m-%d}", start_time_1=f"{later:%H:%M:%S}")
    [says] = asked.context["adminform"].form.non_field_errors()
    assert "money back" in says
