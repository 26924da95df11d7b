"""Mails that came back, in the admin: seen on the start page, sent again, addresses lifted and stopped."""

import re

import pytest
from django.urls import reverse

from accounts.history import HistoryEntry
from tests.acts import hold
from tests.factories import EveningFactory, MembershipFactory, OrganizerFactory, UserFactory
from tickets.mail.messages import send_mail
from tickets.mail_health import suppression
from tickets.mail_health.models import Suppressed
from tickets.models import Mail, Order
from tickets.tests.admin_client import act, act_url, change_url, list_url, told

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def order(mailbox) -> Order:
    """Whose mail came back."""
    order = hold(EveningFactory(price_sats=0, organizer=OrganizerFactory()), email="ann@example.com")
    mailbox.rejected = order.email
    send(order)
    mailbox.rejected = ""
    return order


def send(order: Order) -> Mail:
    mail = order.mails.select_related("order__event").get()
    send_mail(mail)
    return mail


def test_from_the_start_page_to_the_mail_in_three_clicks(staff, order, mailbox):
    """The line of the start page, the mail in the list, the button."""
    page = staff.get("/admin/").content.decode()
    [line] = re.findall(r'<a href="([^"]+)">Mails about events to come were not delivered', page)
    listed = staff.get(line).content.decode()
    assert "550 5.1.1" in listed
    mail = order.mails.get()
    assert act_url(mail, "resend") in listed
    asked = staff.get(act_url(mail, "resend")).content.decode()
    assert "Nothing is mailed to ann@example.com" in asked
    suppression.lift(order)
    on_the_order = staff.get(change_url(order)).content.decode()
    assert "bounced (bounced: 550 5.1.1 &lt;[address]&gt;: Recipient address rejected)" in on_the_order
    assert "1 mail is tried again." in told(act(staff, mail, "resend"))
    assert send(order).status == "sent"
    assert "were not delivered" not in staff.get("/admin/").content.decode()


def test_an_address_is_lifted_on_the_order_and_its_mail_goes_out(staff, order, mailbox):
    asked = staff.get(act_url(order, "lift")).content.decode()
    assert "550 5.1.1" in asked
    assert "Mails go to ann@example.com again." in told(act(staff, order, "lift"))
    assert send(order).status == "sent"
    assert not Suppressed.objects.exists()
    assert "lift_mails" in HistoryEntry.objects.about([order]).values_list("act", flat=True)
    assert "Mail to this address again" not in staff.get(change_url(order)).content.decode()


def test_an_operator_stops_an_address_by_hand(staff, order):
    suppression.lift(order)
    act(staff, order, "stop-mails")
    assert suppression.stopped(order.email).why == "staff"
    order.mails.update(status="due")
    assert send(order).last_error == "suppressed: staff"


def test_suppressed_addresses_are_found_by_the_address_and_lifted(staff, order):
    row = Suppressed.objects.get()
    listed = staff.get(list_url(Suppressed), {"q": "ANN@example.com"})
    assert [each.pk for each in listed.context["cl"].queryset] == [row.pk]
    assert "ann@example.com" in listed.content.decode()
    assert not staff.get(list_url(Suppressed), {"q": "bo@example.com"}).context["cl"].queryset.exists()
    act(staff, row, "lift")
    assert not Suppressed.objects.exists()


def test_managers_lift_for_their_own_guests_and_stop_nobody(client, settings, order):
    settings.STAFF_SECOND_FACTOR = "optional"
    other = hold(EveningFactory(price_sats=0, organizer=OrganizerFactory()), email="ann@example.com")
    user = UserFactory()
    MembershipFactory(organizer=order.event.organizer, user=user, role="manager")
    client.force_login(user)
    page = client.get("/admin/").content.decode()
    assert "were not delivered" in page
    assert client.get(act_url(order, "lift")).status_code == 200
    assert client.get(act_url(order, "stop-mails")).status_code in (403, 404)
    assert client.get(act_url(other, "lift")).status_code in (403, 404)
    assert client.get(list_url(Suppressed)).status_code == 403


def test_each_state_has_a_filter(staff, order):
    url = reverse("admin:tickets_mail_changelist")
    for state, count in {"bounced": 1, "sent": 0, "came_back": 1, "suppressed": 0, "nonsense": 1}.items():
        assert staff.get(url, {"state": state}).context["cl"].queryset.count() == count, state


def test_the_buyer_sees_that_the_mail_came_back_and_corrects_it(client, order):
    page = client.get(order.get_absolute_url()).content.decode()
    assert "came back, so keep the address of this page" in page
    assert re.search(r'<details class="disclose" open>\s*<summary>.*?Is the address right\?', page, re.DOTALL)
    client.post(order.get_absolute_url(), {"act": "order_email", "email": "ann@right.example.com"})
    order.refresh_from_db()
    assert order.email == "ann@right.example.com"
    assert Mail.objects.get(to=order.email).status == "due"
