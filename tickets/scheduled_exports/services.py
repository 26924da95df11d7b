"""Scheduled exports, begun: a mail for each recipient on each day on which one is due."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.roles import may

from .models import ExportMail, ScheduledExport

LATE = timedelta(days=7)  # what is older than that is not made up for
KEPT = timedelta(days=90)
Why = ExportMail.Why


def why_not(user: User, schedule: ScheduledExport) -> str:
    """Why `user` is not told of it, "" if they are: asked where recipients are chosen, and for each mail."""
    if not user.is_active:
        return Why.SHUT_OUT
    if schedule.event and schedule.event.organizer_id != schedule.organizer_id:
        return Why.MOVED
    return "" if may(user, schedule.of.needs, schedule.organizer) else Why.NO_RIGHT


def plan(schedule: ScheduledExport) -> None:
    """Say when it is due next, after it was switched on or its times were changed; the caller saves it."""
    schedule.next_on = schedule.first_on(timezone.now()) if schedule.is_active else None


def begin_due() -> None:
    """Write the mails of what is due. A periodic task of every worker."""
    now = timezone.now()
    coming = ScheduledExport.objects.filter(is_active=True, next_on__lte=now.date() + timedelta(days=1))
    for schedule in coming:
        if _is_due(schedule, now):
            _begin(schedule.pk, now)


def _is_due(schedule: ScheduledExport, now: datetime) -> bool:
    return bool(schedule.next_on and schedule.due_at(schedule.next_on) <= now)


def _begin(pk: int, now: datetime) -> None:
    """All mails of what is due or, when killed on the way, none; of two workers one writes them.

    A period for which somebody has a mail already (the hour was changed to a later one) gets no other.
    """
    with transaction.atomic():
        schedule = ScheduledExport.objects.select_for_update().filter(pk=pk, is_active=True).first()
        if schedule is None:
            return
        people = list(schedule.recipients.all())
        while (on := schedule.next_on) and _is_due(schedule, now):
            if schedule.due_at(on) > now - LATE:
                first, last = schedule.days_before(on)
                mails = [
                    ExportMail(
                        schedule=schedule, recipient=one, first=first, last=last, **ExportMail.scheduled()
                    )
                    for one in people
                ]
                ExportMail.objects.bulk_create(mails, ignore_conflicts=True)
            schedule.next_on = schedule.after(on)
        schedule.save(update_fields=["next_on"])


def forget_export_mails() -> None:
    """Who got what is told for three months."""
    ExportMail.objects.filter(last__lt=timezone.now().date() - KEPT).delete()
