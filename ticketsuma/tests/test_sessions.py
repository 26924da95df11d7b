"""Sessions: expired ones are deleted."""

from datetime import timedelta

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.utils import timezone

from ticketsuma.jobs.worker import PERIODIC_TASKS, clear_sessions

pytestmark = pytest.mark.django_db(transaction=True)


def test_sessions_that_are_over_are_cleared_by_the_worker():
    good, old = SessionStore(), SessionStore()
    for session in (good, old):
        session["bought"] = []
        session.save()
    Session.objects.filter(pk=old.session_key).update(expire_date=timezone.now() - timedelta(seconds=1))
    assert clear_sessions in [chore for _every, chore in PERIODIC_TASKS]
    clear_sessions()
    assert [row.pk for row in Session.objects.all()] == [good.session_key]
