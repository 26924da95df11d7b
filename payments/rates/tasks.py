"""Work of rates for the worker: each currency's rate, taken anew every 20 seconds."""

from datetime import timedelta

from ticketsuma.jobs.registry import Queue, registry

from .models import CurrencyRate
from .sources import read_sources

registry.add_queue(
    Queue(
        name="rates",
        priority=15,
        due=lambda now: CurrencyRate.objects.all(),
        handle=read_sources,
        lease=timedelta(seconds=30),
        is_external=True,
    )
)
