"""Model mixin whose `updated_at` moves with every change, `update()` included."""

from typing import Any

from django.db import models
from django.utils import timezone


class DatedQuerySet(models.QuerySet):
    """`update()` moves `updated_at` along, which Django's leaves alone (`auto_now` is for `save()`)."""

    def update(self, **changes: Any) -> int:
        return super().update(**{"updated_at": timezone.now()} | changes)

    update.alters_data = True  # type: ignore[attr-defined]
