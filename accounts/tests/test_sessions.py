"""Sessions: expired ones are deleted."""

from datetime import timedelta

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.utils import timezone

from accounts.tasks import clear_sessions
from ticketsuma.jobs.registry import discover

pytestmark = pytest.mark.django_db(transaction=True)


def test_sessions_that_are_over_are_cleared_by_the_worker():
    good, old = SessionStore(), SessionStore()
    for session in (good, old):
        session["bought"] = []
        session.save()
    Session.objects.filter(pk=old.session_key).update(expire_date=timezone.now() - timedelta(seconds=1))
    assert clear_sessions in [task.run for task in discover().periodic_tasks]
    clear_sessions()
    assert [row.pk for row in Session.objects.all()] == [good.session_key]
