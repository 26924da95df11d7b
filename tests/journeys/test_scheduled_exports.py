"""Scheduled exports by two workers and a mail server: each recipient once by Message-ID, however they die."""

import pytest

from tests.mailbox import Mailbox
from tests.processes import wait_until

RECIPIENTS = 20
SCHEDULE = """
from accounts.staff import save_verified_user
organizer = Organizer.objects.create(name="Club")
today = timezone.now().date()
schedule = ScheduledExport.objects.create(organizer=organizer, table="orders", every="day", hour=0)
for number in range(recipients):
    user, _is_new = save_verified_user(email=f"staff{number}@example.com", password="x")
    Membership.objects.create(organizer=organizer, user=user, role="finance")
    schedule.recipients.add(user)
ScheduledExport.objects.update(is_active=True, next_on=today)
"""
STATES = "sorted(ExportMail.objects.values_list('status', flat=True))"


@pytest.fixture
def mailbox():
    mailbox = Mailbox()
    yield mailbox
    mailbox.close()


def test_each_recipient_gets_a_period_once_though_a_worker_is_killed(stacks, mailbox):
    """The mail server takes mails and does not say so, until both workers were killed in the middle."""
    mailbox.fault = "drop"
    stack = stacks.new("postgresql", workers=2, EMAIL_URL=f"smtp://127.0.0.1:{mailbox.port}").start()
    stack.django(SCHEDULE, recipients=RECIPIENTS)
    wait_until(lambda: len(mailbox.mails) >= RECIPIENTS // 4, 120, "some are taken")
    for worker in stack.workers:
        worker.kill()
    mailbox.fault = None
    for worker in stack.workers:
        worker.start()
    # What the dead had in hand comes back when its lease is over, after a minute.
    done = ["sent"] * RECIPIENTS
    wait_until(lambda: stack.django(STATES) == done, 300, "all of it is out")
    ids: dict[str, set[str]] = {}
    for mail in mailbox.mails:
        ids.setdefault(mail["To"], set()).add(mail["Message-ID"])
    assert len(ids) == RECIPIENTS
    assert {len(one) for one in ids.values()} == {1}
    assert len(set.union(*ids.values())) == RECIPIENTS
    stack.audit()
