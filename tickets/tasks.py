"""Work of tickets for the worker: expiries, canceled events and mails."""

from datetime import timedelta

from tickets.mail import notifications
from tickets.mail.messages import send_mail
from tickets.metrics.process import serve as serve_metrics
from tickets.models import Mail, Order
from tickets.services import holds, refunds
from tickets.services.currencies import keep_rates
from tickets.services.hold_limits import forget_networks
from tickets.services.orders import expire_order
from tickets.services.personal_data import purge_erased_orders
from tickets.services.retention import purge
from tickets.services.worths import follow_rates
from ticketsuma.jobs.registry import Queue, registry

# Frequent looks for what was written lately would miss what a worker that was away, or a fault, left.
WHOLE_SECONDS = 600

registry.add_queue(
    Queue(
        name="expiries",
        priority=70,
        due=lambda now: Order.objects.overdue(now).select_related("event", "payment"),
        handle=expire_order,
    )
)
registry.add_queue(
    Queue(
        name="canceled events",
        priority=80,
        due=lambda now: refunds.orders_of_canceled_events().select_related("event", "payment"),
        handle=refunds.end_canceled_order,
    )
)
registry.add_queue(
    Queue(
        name="mails",
        priority=120,
        due=lambda now: (
            Mail.objects.filter(status=Mail.Status.DUE)
            .exclude(kind=Mail.Kind.MESSAGE)  # `tickets.guest_messages` mails these
            .select_related("order__event")
        ),
        handle=send_mail,
        lease=timedelta(seconds=60),
    )
)
registry.add_periodic_task(15, refunds.queue_recent_refund_mails)
registry.add_periodic_task(WHOLE_SECONDS, refunds.queue_refund_mails)
registry.add_periodic_task(10, refunds.wake_canceled_orders)
registry.add_periodic_task(30, holds.shorten_holds)
registry.add_periodic_task(15, notifications.queue_recent_changes)
registry.add_periodic_task(WHOLE_SECONDS, notifications.queue_changes)
registry.add_periodic_task(30, notifications.queue_reminders)
registry.add_periodic_task(60, purge_erased_orders)
registry.add_periodic_task(60, follow_rates)
registry.add_periodic_task(60, forget_networks)
registry.add_periodic_task(60, keep_rates)
registry.add_periodic_task(600, purge)
registry.add_start_hook(serve_metrics)
