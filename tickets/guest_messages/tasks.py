"""Work of messages for the worker: beginning them, and mailing each guest's copy."""

from datetime import timedelta

from tickets.models import Mail
from ticketsuma.jobs.registry import Queue, registry

from .delivery import deliver
from .services import begin_due

registry.add_periodic_task(5, begin_due)
# Behind all other mails: thousands of messages make nobody wait for a ticket.
registry.add_queue(
    Queue(
        name="messages",
        priority=130,
        due=lambda now: Mail.objects.filter(status=Mail.Status.DUE, kind=Mail.Kind.MESSAGE).select_related(
            "order__event"
        ),
        handle=deliver,
        lease=timedelta(seconds=60),
    )
)
