"""Models of the node checks: the last result of each check of the node and of our own addresses."""

from datetime import timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _

from ticketsuma.jobs.models import Job


class Checkup(Job):
    """One row: the findings of `manage.py doctor`, which the worker repeats."""

    max_attempts = 10**9  # never given up
    furthest_due = timedelta(hours=2)

    name = models.CharField(_("name"), max_length=20, primary_key=True, default="doctor")
    findings = models.JSONField(_("findings"), default=list)
    checked_at = models.DateTimeField(_("checked"), null=True)

    class Meta:
        verbose_name, verbose_name_plural = _("health check"), _("health checks")

    def __str__(self) -> str:
        return self.name

    @property
    def word(self) -> str:
        """For monitors: wrong; unknown, while something could not be found out; else ok."""
        levels = {finding["level"] for finding in self.findings}
        return next((word for word in ("wrong", "unknown") if word in levels), "ok")

    @property
    def wrong(self) -> list[str]:
        """The sentences of what somebody has to put right."""
        return [finding["says"] for finding in self.findings if finding["level"] == "wrong"]
