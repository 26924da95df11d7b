"""Work of scheduled exports for the worker: beginning them, and sending each mail."""

from datetime import timedelta

from ticketsuma.jobs.registry import Queue, registry

from .delivery import deliver
from .models import ExportMail
from .services import begin_due, forget_export_mails

registry.add_periodic_task(30, begin_due)
registry.add_periodic_task(3600, forget_export_mails)
registry.add_queue(
    Queue(
        name="export mails",
        priority=140,
        due=lambda now: ExportMail.objects.filter(status=ExportMail.Status.DUE),
        handle=deliver,
        lease=timedelta(seconds=60),
    )
)
