"""Scheduled exports: due once a period by the clocks of their zone, told to those who may see them."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine

from accounts.models import User
from events.models import Event, Membership
from tests.acts import together
from tests.factories import MembershipFactory, OrganizerFactory, UserFactory
from tickets.mail_health.models import Suppressed
from tickets.mail_health.suppression import suppress
from tickets.scheduled_exports import services
from tickets.scheduled_exports.delivery import deliver
from tickets.scheduled_exports.models import ExportMail, ScheduledExport
from tickets.services.data_export import export_person
from tickets.services.personal_data import erase_personal_data

from .factories import ExportMailFactory, ScheduledExportFactory

pytestmark = pytest.mark.django_db(transaction=True)
MORNING = datetime(2031, 5, 2, 7, 30, tzinfo=UTC)


def member(event, role: str = "finance", **user) -> User:
    person = UserFactory(**user)
    MembershipFactory(organizer=event.organizer, user=person, role=role)
    return person


def scheduled(event, /, *people: User, **fields) -> ScheduledExport:
    return ScheduledExportFactory(organizer=event.organizer, recipients=people, **fields)


def mail_out() -> None:
    for mail in ExportMail.objects.filter(status="due"):
        deliver(mail)


def said(mail) -> str:
    return mail.get_payload(decode=True).decode()


# -- mails ------------------------------------------------------------------------------------
def test_each_recipient_is_told_of_the_days_before_and_of_nobody(event, mailbox):
    ann, bo = member(event), member(event, "reader")
    scheduled(event, ann, bo, columns=["email", "code"])
    with time_machine.travel(MORNING):
        services.begin_due()
        mail_out()
        services.begin_due()
    assert sorted(mail["To"] for mail in mailbox.mails) == sorted([ann.email, bo.email])
    for mail in mailbox.mails:
        assert not mail.is_multipart(), "nothing is attached"
        assert mail["Subject"] == f"Orders of {event.organizer.name}, 2031-05-01 to 2031-05-01"
        assert "@" not in said(mail)
        [link] = re.findall(r"http\S+exports\?\S+", said(mail))
        assert link.endswith(
            f"/admin/reports/exports?table=orders&organizer={event.organizer_id}&event=&first=2031-05-01"
            "&last=2031-05-01&zone=UTC&format=csv&columns_chosen=code&columns_chosen=email"
        )
    assert {*ExportMail.objects.values_list("status", flat=True)} == {"sent"}


def test_of_workers_at_once_one_writes_the_mails(event):
    scheduled(event, *(member(event) for _ in range(5)))
    with time_machine.travel(MORNING):
        assert together(*[services.begin_due] * 4) == [None] * 4
        services.begin_due()
    assert ExportMail.objects.count() == 5
    assert ScheduledExport.objects.get().next_on == date(2031, 5, 3)


def test_an_hour_that_is_moved_back_is_no_second_mail_of_the_day(event):
    schedule = scheduled(event, member(event))
    with time_machine.travel(MORNING):
        services.begin_due()
        schedule.hour = 9
        services.plan(schedule)
        schedule.save()
        assert schedule.next_on == date(2031, 5, 2)
    with time_machine.travel(MORNING + timedelta(hours=2)):
        services.begin_due()
    assert ExportMail.objects.count() == 1
    assert ScheduledExport.objects.get().next_on == date(2031, 5, 3)


def test_a_mail_sent_again_after_a_crash_has_the_same_message_id(event, mailbox):
    scheduled(event, member(event))
    with time_machine.travel(MORNING):
        services.begin_due()
        mail_out()
        ExportMail.objects.update(status="due")
        mail_out()
    assert len(mailbox.mails) == 2
    assert len({mail["Message-ID"] for mail in mailbox.mails}) == 1


# -- who gets none ----------------------------------------------------------------------------
def left_out(event, mailbox, change, **fields) -> dict[str, str]:
    """Why each was left out after `change` was done between the mails' writing and their sending."""
    with time_machine.travel(MORNING):
        services.begin_due()
        change()
        mail_out()
    assert [mail["To"] for mail in mailbox.mails] == [
        mail.recipient.email for mail in ExportMail.objects.filter(status="sent")
    ]
    return dict(ExportMail.objects.filter(status="left_out").values_list("recipient__email", "why"))


def test_whoever_lost_the_role_or_the_account_gets_nothing(event, mailbox):
    ann, bo, cy, dee = (member(event) for _ in range(4))
    scheduled(event, ann, bo, cy, dee, table="payments")

    def change():
        Membership.objects.filter(user=bo).update(role="manager")  # sees no money
        Membership.objects.filter(user=cy).delete()
        User.objects.filter(pk=dee.pk).update(is_active=False)

    why = left_out(event, mailbox, change)
    assert why == {bo.email: "no_right", cy.email: "no_right", dee.email: "shut_out"}
    assert len(mailbox.mails) == 1


def test_an_event_that_moved_to_somebody_else_is_told_of_no_more(event, mailbox):
    ann = member(event)
    scheduled(event, ann, event=event)
    other = OrganizerFactory()
    MembershipFactory(organizer=other, user=ann, role="owner")
    moved = Event.objects.filter(pk=event.pk)
    assert left_out(event, mailbox, lambda: moved.update(organizer=other)) == {ann.email: "moved"}


def test_what_was_switched_off_goes_to_nobody(event, mailbox):
    ann = member(event)
    scheduled(event, ann)
    off = ScheduledExport.objects.all()
    assert left_out(event, mailbox, lambda: off.update(is_active=False)) == {ann.email: "off"}


def test_a_suppressed_address_gets_nothing(event, mailbox):
    ann = member(event)
    scheduled(event, ann)
    stop = left_out(event, mailbox, lambda: suppress(ann.email, Suppressed.Why.BOUNCED))
    assert stop == {ann.email: "stopped"}


def test_with_an_account_its_mails_go(event, mailbox):
    ann, bo = member(event), member(event)
    scheduled(event, ann, bo)
    told = export_person(ann)["scheduled_exports"]
    assert told == [{"table": "orders", "every": "day", "name": event.organizer.name}]
    with time_machine.travel(MORNING):
        services.begin_due()
        late = ExportMail.objects.get(recipient=ann)
        ann.memberships.all().delete()
        erase_personal_data(User.objects.get(pk=ann.pk))
        deliver(late)
        mail_out()
    assert [mail["To"] for mail in mailbox.mails] == [bo.email]
    assert [*ScheduledExport.objects.get().recipients.all()] == [bo]


# -- when ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("every", "now", "first_on", "days", "then"),
    [
        ("day", "2031-05-02T06:59Z", "2031-05-02", ("2031-05-01", "2031-05-01"), "2031-05-03"),
        ("day", "2031-05-02T07:00Z", "2031-05-03", ("2031-05-02", "2031-05-02"), "2031-05-04"),
        ("week", "2031-05-02T06:00Z", "2031-05-05", ("2031-04-28", "2031-05-04"), "2031-05-12"),
        ("week", "2031-05-05T08:00Z", "2031-05-12", ("2031-05-05", "2031-05-11"), "2031-05-19"),
        ("month", "2031-05-01T06:00Z", "2031-05-01", ("2031-04-01", "2031-04-30"), "2031-06-01"),
        ("month", "2031-01-31T06:00Z", "2031-02-01", ("2031-01-01", "2031-01-31"), "2031-03-01"),
        ("month", "2031-12-01T08:00Z", "2032-01-01", ("2031-12-01", "2031-12-31"), "2032-02-01"),
    ],
)
def test_days_on_which_it_is_due(every, now, first_on, days, then):
    schedule = ScheduledExport(every=every, hour=7, timezone="UTC")
    on = schedule.first_on(datetime.fromisoformat(now))
    assert (f"{on}", tuple(map(str, schedule.days_before(on))), f"{schedule.after(on)}") == (
        first_on,
        days,
        then,
    )


@pytest.mark.parametrize(
    "zone", ["Europe/Madrid", "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Apia"]
)
def test_each_day_of_a_year_comes_once_whatever_clocks_do(event, zone):
    """Also where an hour is skipped, or comes twice; a worker looks every hour."""
    schedule = scheduled(event, member(event), hour=2, timezone=zone, next_on=date(2031, 3, 28))
    with time_machine.travel(datetime(2031, 3, 27, tzinfo=UTC), tick=False) as clock:
        for _ in range(5 * 24):
            services.begin_due()
            clock.shift(timedelta(hours=1))
    with time_machine.travel(datetime(2031, 10, 24, tzinfo=UTC), tick=False) as clock:
        ScheduledExport.objects.update(next_on=date(2031, 10, 25))
        for _ in range(5 * 24):
            services.begin_due()
            clock.shift(timedelta(hours=1))
    days = list(schedule.mails.values_list("first", "last").order_by("first"))
    assert [first for first, _last in days] == [last for _first, last in days]
    for month, day in ((3, 27), (10, 24)):
        found = [first for first, _last in days if first.month == month]
        assert found == [date(2031, month, day + number) for number in range(len(found))]
        assert len(found) >= 4


def test_what_a_worker_that_was_away_missed_is_made_up_for_a_week(event):
    schedule = scheduled(event, member(event), next_on=date(2031, 4, 1))
    with time_machine.travel(MORNING):
        services.begin_due()
    assert schedule.mails.count() == 7
    assert schedule.mails.earliest("first").first == date(2031, 4, 25)


def test_who_got_what_is_forgotten(event):
    ExportMailFactory(schedule=scheduled(event), recipient=member(event))
    with time_machine.travel(MORNING + timedelta(days=89)):
        services.forget_export_mails()
        assert ExportMail.objects.exists()
    with time_machine.travel(MORNING + timedelta(days=92)):
        services.forget_export_mails()
    assert not ExportMail.objects.exists()
