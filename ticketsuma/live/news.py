"""News for open pages, from the transaction that changes what they show."""

from django.conf import settings

from ticketsuma.listening import PAGES, tell_after_commit

from .models import News


def tell_pages(channel: str) -> None:
    """Have the open pages of `channel` ask anew what they show, once this transaction is committed.

    With Pushpin by a row that the worker publishes, so that a crash after the commit loses nothing;
    without it by waking the watchers of the web processes.
    """
    if settings.GRIP_URL:
        News.objects.create(channel=channel, **News.scheduled())
    else:
        tell_after_commit(PAGES)
