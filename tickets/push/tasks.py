"""Work of web pushes for the worker: the outbox, what is news, and who is forgotten."""

from datetime import timedelta
from urllib.parse import urlsplit

from django.db.models import Q

from ticketsuma.jobs.registry import Queue, registry

from .devices import forget_guests_devices
from .models import Push
from .news import forget_pushes, queue_pushes
from .sending import send_push


def _service_of(push: Push) -> str:
    return urlsplit(push.device.endpoint).netloc


def _at_service(host: str) -> Q:
    return Q(device__endpoint__startswith=f"https://{host}/") | Q(
        device__endpoint__startswith=f"http://{host}/"
    )


registry.add_queue(
    Queue(
        name="web pushes",
        priority=125,
        due=lambda now: Push.objects.select_related("device", "order__event"),
        handle=send_push,
        lease=timedelta(seconds=30),
        is_external=True,
        host_of=_service_of,
        at_host=_at_service,
    )
)
registry.add_periodic_task(15, queue_pushes)
registry.add_periodic_task(60, forget_guests_devices)
registry.add_periodic_task(3600, forget_pushes)
