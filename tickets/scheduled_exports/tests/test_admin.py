"""Admin of scheduled exports: begun, changed and read by whoever may see the table, up to the file."""

import re
from io import BytesIO

import pytest
import time_machine
from django.urls import reverse
from openpyxl import load_workbook

from accounts.history import HistoryEntry
from events.models import Membership
from tests.acts import hold
from tests.factories import EveningFactory, OrganizerFactory, StaffFactory
from tickets.models import Order
from tickets.reports.tables import TABLES
from tickets.scheduled_exports import services
from tickets.scheduled_exports.delivery import link_to
from tickets.scheduled_exports.models import ExportMail, ScheduledExport
from tickets.tests.admin_client import change_url, list_url
from tickets.tests.forms_in_pages import form_in

from .factories import ExportMailFactory
from .test_scheduled_exports import MORNING, mail_out, member, said, scheduled

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _without_second_factor(settings):
    settings.STAFF_SECOND_FACTOR = "optional"


def begun(client, event, table: str):
    """Its page, after it was begun."""
    add = reverse("admin:scheduled_exports_scheduledexport_add")
    data = form_in(client.get(add), "scheduledexport_form")
    return client.post(add, data | {"organizer": event.organizer_id, "table": table}, follow=True)


def downloaded(client, link: str):
    """What the page behind the link of a mail gives on pressing its only "Download"."""
    page = client.get(link)
    [form] = page.context["forms"]
    organizer, event = page.context["organizer"], page.context["event"]
    data = {name: form[name].value() for name in ("first", "last", "zone", "format", "columns_chosen")}
    whose = {"organizer": organizer.pk} | ({"event": event.pk} if event else {})
    assert f'name="organizer" value="{organizer.pk}"' in page.content.decode()
    return client.post(reverse("export", args=[form.table.name]), data | whose)


def sold(event, email: str, at: str) -> Order:
    order = hold(event, email=email)
    Order.objects.filter(pk=order.pk).update(created_at=at, paid_at=at)
    return order


@pytest.mark.parametrize("table", TABLES)
def test_each_table_from_its_schedule_to_its_file(client, event, mailbox, table):
    boss = member(event, "owner")
    client.force_login(boss)
    page = begun(client, event, table)
    schedule = ScheduledExport.objects.get()
    assert (schedule.timezone, schedule.is_active, schedule.next_on) == (event.timezone, False, None)
    data = form_in(page, "scheduledexport_form") | {
        "every": "month", "hour": "0", "timezone": "UTC", "recipients": [boss.pk], "is_active": "on",
        "columns": [TABLES[table].columns[0].name], "format": "xlsx",
    }  # fmt: skip
    assert client.post(change_url(schedule), data).status_code == 302
    schedule.refresh_from_db()
    assert schedule.is_active
    assert [*schedule.recipients.all()] == [boss]
    with time_machine.travel(schedule.due_at(schedule.next_on)):
        services.begin_due()
        mail_out()
    [mail] = mailbox.mails
    [link] = re.findall(r"http\S+exports\?\S+", said(mail))
    client.force_login(boss)
    book = load_workbook(BytesIO(b"".join(downloaded(client, link).streaming_content)))
    assert list(book.active.values) == [(str(TABLES[table].columns[0].label),)]
    assert f"{boss.email} · Sent" in client.get(change_url(schedule)).content.decode()
    assert client.get(list_url(ExportMail)).status_code == 200
    client.post(
        reverse("admin:scheduled_exports_scheduledexport_delete", args=[schedule.pk]), {"post": "yes"}
    )
    assert not ScheduledExport.objects.exists()
    acts = [entry.act for entry in HistoryEntry.objects.order_by("pk")]
    assert acts == ["add", "change", "export_table", "delete"]


def test_the_file_holds_the_days_and_the_organizers_rows_alone(client, event):
    """Also for an operator, who sees everybody's; by the clocks of the schedule's zone."""
    elsewhere = EveningFactory(price_sats=0, organizer=OrganizerFactory())
    sold(event, "early@example.com", "2031-04-30T21:59Z")
    sold(event, "first@example.com", "2031-04-30T22:00Z")
    sold(event, "last@example.com", "2031-05-01T21:59Z")
    sold(event, "late@example.com", "2031-05-01T22:00Z")
    sold(elsewhere, "other@example.com", "2031-05-01T12:00Z")
    schedule = scheduled(event, columns=["email"], timezone="Europe/Madrid")
    boss = StaffFactory()
    mail = ExportMailFactory(schedule=schedule, recipient=boss)
    client.force_login(boss)
    lines = b"".join(downloaded(client, link_to(mail)).streaming_content).decode("utf-8-sig").splitlines()
    assert lines[1:] == ["first@example.com", "last@example.com"]
    entry = HistoryEntry.objects.get(act="export_table")
    assert (entry.row, entry.row_id) == ("events.organizer", str(event.organizer_id))


def test_a_link_opens_for_whoever_may_see_the_table(client, event):
    ann = member(event)
    mail = ExportMailFactory(schedule=scheduled(event, ann, table="payments"), recipient=ann)
    link = link_to(mail)
    assert "/login/" in client.get(link)["Location"]
    for stranger, status in (
        (member(event, "door"), 403), (member(event, "manager"), 403),
        (member(EveningFactory(organizer=OrganizerFactory())), 404),
    ):  # fmt: skip
        client.force_login(stranger)
        assert client.get(link).status_code == status
        sent = client.post(reverse("export", args=["payments"]), {"organizer": event.organizer_id})
        assert sent.status_code == status
    client.force_login(ann)
    assert client.get(link).status_code == 200
    Membership.objects.filter(user=ann).update(role="manager")
    assert client.get(link).status_code == 403


def test_its_page_says_who_got_it_and_why_somebody_did_not(client, event):
    boss, ann = member(event, "owner"), member(event)
    schedule = scheduled(event, boss, ann)
    ExportMailFactory(schedule=schedule, recipient=boss, status="sent")
    ExportMailFactory(schedule=schedule, recipient=ann, status="left_out", why="no_right")
    client.force_login(boss)
    page = client.get(change_url(schedule)).content.decode()
    assert f"2031-05-01 – 2031-05-01 · {boss.email} · Sent<" in page
    assert f"2031-05-01 – 2031-05-01 · {ann.email} · Not sent: may not see it any more<" in page
    assert "Hold down" not in page


def test_nobody_is_chosen_who_may_not_see_it(client, event):
    client.force_login(member(event, "owner"))
    door, stranger = member(event, "door"), StaffFactory()
    page = begun(client, event, "orders")
    data = form_in(page, "scheduledexport_form") | {"is_active": "on"}
    schedule = ScheduledExport.objects.get()
    refused = client.post(change_url(schedule), data | {"recipients": [door.pk]})
    assert f"Without the right to see it: {door.email}" in refused.content.decode()
    refused = client.post(change_url(schedule), data | {"recipients": [stranger.pk]})
    assert "is not one of the available choices" in refused.content.decode()
    assert "Choose somebody to mail it to." in client.post(change_url(schedule), data).content.decode()
    assert not ScheduledExport.objects.get().recipients.exists()


def test_nobody_schedules_what_they_may_not_see(client, event):
    client.force_login(member(event, "manager"))
    page = begun(client, event, "payments")
    assert "You may not see this table yourself." in page.content.decode()
    page = begun(client, event, "nothing")
    assert "nothing is not one of the available choices" in page.content.decode()
    page = begun(client, EveningFactory(organizer=OrganizerFactory()), "orders")
    assert "That choice is not one of the available choices" in page.content.decode()
    assert not ScheduledExport.objects.exists()
    schedule = scheduled(event, table="payments")
    other = scheduled(EveningFactory(organizer=OrganizerFactory()))
    assert 'name="hour"' not in client.get(change_url(schedule)).content.decode()
    assert client.post(change_url(schedule), {"hour": "3"}).status_code == 403
    assert client.get(change_url(other)).status_code in (302, 404)


def test_saving_what_is_due_puts_nothing_off(client, event):
    """A change of other things between the hour and the worker's look."""
    boss = member(event, "owner")
    schedule = scheduled(event, boss)
    with time_machine.travel(MORNING, tick=False):
        client.force_login(boss)
        data = form_in(client.get(change_url(schedule)), "scheduledexport_form")
        client.post(change_url(schedule), data | {"recipients": [boss.pk], "format": "xlsx"})
        schedule.refresh_from_db()
        assert (schedule.format, f"{schedule.next_on}") == ("xlsx", "2031-05-02")
        services.begin_due()
    assert schedule.mails.count() == 1
