"""The outbox of news for open pages."""

from datetime import timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _

from ticketsuma.jobs.models import Job


class News(Job):
    """News for the open pages of `channel`: written with what they tell of, gone once they are published.

    Pages ask by themselves, too: what could not be published for a minute is known by then, and dropped.
    """

    max_attempts = 10**9
    first_delay_seconds = 0.5
    longest_delay_seconds = 5.0
    is_worth_telling: timedelta = timedelta(minutes=1)

    channel = models.CharField(_("channel"), max_length=60)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name, verbose_name_plural = _("news for open pages"), _("news for open pages")
        indexes = [models.Index(fields=["next_attempt_at"], name="live_news_due")]

    def __str__(self) -> str:
        return self.channel
