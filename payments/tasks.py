"""Work of payments for the worker: the node, webhooks, invoices, pushes, refunds, callbacks, checks."""

from datetime import timedelta

from django.db.models import Q

from payments import doctor, invoices, reconciliation, services
from payments.checkup_models import Checkup
from payments.models import IncomingPayment, Invoice, Payment, PostTransaction, Refund, Sweep, WebhookEvent
from payments.node.lightspark import load_sdk
from payments.querysets import REQUEST_LEASE
from payments.refund_sending import send_refund
from payments.uma.address import domain_of
from payments.uma.nonces import purge_nonces
from payments.uma.post_transaction import tell_post_transaction
from payments.uma.push import push_request
from ticketsuma.jobs.host_turns import host_of_url, urls_at
from ticketsuma.jobs.registry import Queue, registry


def _callbacks_at(host: str) -> Q:
    return urls_at("refund__utxo_callback", host) | urls_at("incoming_payment__invoice__utxo_callback", host)


registry.add_queue(
    Queue(
        name="sweep",
        priority=10,
        due=lambda now: Sweep.objects.filter(name__in=[Sweep.INCOMING, Sweep.AGAIN]),
        handle=reconciliation.sweep,
        lease=timedelta(seconds=60),
    )
)
registry.add_queue(
    Queue(
        name="webhook events",
        priority=20,
        due=lambda now: WebhookEvent.objects.filter(processed_at=None),
        handle=services.process_webhook_event,
    )
)
registry.add_queue(
    Queue(
        name="incoming payments",
        priority=30,
        due=lambda now: IncomingPayment.objects.filter(allocated_at=None),
        handle=services.allocate,
    )
)
registry.add_queue(
    Queue(
        name="invoices",
        priority=40,
        due=lambda now: Invoice.objects.filter(status=Invoice.Status.REQUESTED).select_related("payment"),
        handle=invoices.request_invoice,
        lease=REQUEST_LEASE,
    )
)
registry.add_queue(
    Queue(
        name="leftover invoices",
        priority=50,
        due=lambda now: Invoice.objects.leftover(),
        handle=invoices.cancel_leftover,
    )
)
registry.add_queue(
    Queue(
        name="pushes",
        priority=60,
        due=lambda now: Payment.objects.filter(push=Payment.Push.QUEUED, status=Payment.Status.PENDING),
        handle=push_request,
        is_external=True,
        host_of=lambda payment: domain_of(payment.uma_address),
        at_host=lambda host: Q(uma_address__endswith=f"@{host}"),
    )
)
registry.add_queue(
    Queue(
        name="refunds",
        priority=90,
        due=lambda now: Refund.objects.exclude(status__in=[Refund.Status.SENT, Refund.Status.NEEDS_ADDRESS]),
        handle=send_refund,
        lease=timedelta(seconds=60),
        is_external=True,
        host_of=lambda refund: domain_of(refund.to),
        at_host=lambda host: Q(to__endswith=f"@{host}"),
    )
)
registry.add_queue(
    Queue(
        name="post-transaction callbacks",
        priority=100,
        due=lambda now: PostTransaction.objects.select_related("incoming_payment__invoice", "refund"),
        handle=tell_post_transaction,
        is_external=True,
        host_of=lambda row: host_of_url(row.url),
        at_host=_callbacks_at,
    )
)
registry.add_queue(
    Queue(
        name="doctor",
        priority=110,
        due=lambda now: Checkup.objects.all(),
        handle=doctor.check_up,
        lease=timedelta(minutes=2),
        is_external=True,
    )
)
registry.add_periodic_task(60, purge_nonces)
registry.add_start_hook(load_sdk)
registry.add_start_hook(reconciliation.sweep_row)
registry.add_start_hook(doctor.wanted_now)
