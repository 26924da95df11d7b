"""Work of open pages for the worker: the outbox."""

from datetime import timedelta

from django.db.models import Q

from ticketsuma import clock
from ticketsuma.jobs.registry import Queue, registry

from .grip import publish
from .models import News


def publish_news(news: News) -> None:
    """Publish, then forget; the worker's handler. News that came again meanwhile are rows of their own."""
    if clock.now() - news.created_at < News.is_worth_telling:
        publish(news.channel)
    News.objects.filter(pk=news.pk).delete()


registry.add_queue(
    Queue(
        name="news for open pages",
        priority=65,
        due=lambda now: News.objects.all(),
        handle=publish_news,
        lease=timedelta(seconds=5),
        is_external=True,
        host_of=lambda news: "pushpin",
        at_host=lambda host: Q(pk__isnull=False),
    )
)
