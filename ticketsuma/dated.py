"""Rows that know when they last changed, however they were changed."""

from typing import Any

from django.db import models
from django.utils import timezone


class DatedQuerySet(models.QuerySet):
    """`update()` moves `updated_at` along, which Django's leaves alone (`auto_now` is for `save()`)."""

    def update(self, **changes: Any) -> int:
        return super().update(**{"updated_at": timezone.now()} | changes)

    update.alters_data = True  # type: ignore[attr-defined]
