"""Signed webhooks: written as rows in the transaction of the news, sent by the background thread."""

import hashlib
import hmac
import json
import logging
import secrets
import threading
from datetime import timedelta

import requests
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from node import faults, wakeup
from node.models import Delivery, Node

HEADER = "lightspark-signature"
LEASE = timedelta(seconds=20)
MAX_ATTEMPTS = 14
log = logging.getLogger(__name__)
_of_this_thread = threading.local()


def sign(*, secret: str, body: str) -> str:
    """Hex HMAC-SHA256 of the raw body, as Lightspark signs."""
    return hmac.new(secret.encode("ascii"), body.encode(), hashlib.sha256).hexdigest()


def write_body(*, event_type: str, event_id: str, entity_id: str) -> str:
    return json.dumps(
        {
            "event_type": event_type,
            "event_id": event_id,
            "timestamp": timezone.now().isoformat(),
            "entity_id": entity_id,
        }
    )


def announce(*, node: Node, entity_id: str, subject: str = "", event_type: str = "PAYMENT_FINISHED") -> None:
    """Queue a webhook to the node's owner; does nothing when the node has no URL. `subject` (the payment
    hash) is what faults match. Call it inside the transaction of the news."""
    if not node.webhook_url:
        return
    event_id = secrets.token_hex(16)
    body = write_body(event_type=event_type, event_id=event_id, entity_id=entity_id)
    state, due_at, secret, copies = Delivery.State.DUE, timezone.now(), node.webhook_secret, 1
    if faults.is_on("webhook_lost", subject):
        state = Delivery.State.LOST
    if late := faults.strike("webhook_late", subject):
        due_at += timedelta(seconds=late.delay_s)
    if shuffled := faults.strike("webhook_shuffled", subject):
        due_at += timedelta(seconds=shuffled.delay_s * secrets.randbelow(1000) / 1000)
    if faults.is_on("webhook_forged", subject):
        secret = secrets.token_hex(16)
    if twice := faults.strike("webhook_duplicate", subject):
        copies = int(twice.params["times"])
    row = {"node": node, "event_id": event_id, "event_type": event_type, "entity_id": entity_id, "body": body}
    row |= {"signature": sign(secret=secret, body=body), "state": state, "due_at": due_at}
    Delivery.objects.bulk_create(Delivery(**row) for _ in range(copies))
    transaction.on_commit(wakeup.wake)


def send_again(*, entity_ids: list[str], times: int = 1) -> int:
    """Queue every webhook about these entities again, properly signed, with its first event id.
    Returns how many were queued."""
    seen = {}
    for row in Delivery.objects.filter(entity_id__in=entity_ids).select_related("node").order_by("pk"):
        seen.setdefault(row.event_id, row)
    copies = [
        Delivery(
            node=row.node,
            event_id=row.event_id,
            event_type=row.event_type,
            entity_id=row.entity_id,
            body=row.body,
            signature=sign(secret=row.node.webhook_secret, body=row.body),
        )
        for row in seen.values()
        for _ in range(times)
    ]
    Delivery.objects.bulk_create(copies)
    wakeup.wake()
    return len(copies)


@transaction.atomic
def claim_due(*, limit: int) -> list[Delivery]:
    """Lease due deliveries. A transaction of the sandbox's database writes alone (`IMMEDIATE`), so nobody
    sends the same row at the same time."""
    now = timezone.now()
    free = Q(leased_until=None) | Q(leased_until__lte=now)
    due = Delivery.objects.filter(free, state=Delivery.State.DUE, due_at__lte=now)
    claimed = list(due.select_related("node").order_by("due_at", "pk")[:limit])
    taken = Delivery.objects.filter(pk__in=[row.pk for row in claimed])
    taken.update(leased_until=now + LEASE, attempts=F("attempts") + 1)
    for row in claimed:
        row.attempts += 1
    return claimed


def release_leases() -> None:
    """After a restart nobody holds a lease any more."""
    Delivery.objects.filter(state=Delivery.State.DUE).update(leased_until=None)


def _session() -> requests.Session:
    """One per sending thread: its connections are kept."""
    if not hasattr(_of_this_thread, "session"):
        _of_this_thread.session = requests.Session()
        _of_this_thread.session.trust_env = False  # reading it for each request costs more than the request
    return _of_this_thread.session


def deliver(row: Delivery) -> None:
    """Send one webhook. A 2xx answer ends it; anything else is tried again, later and later."""
    headers = {"Content-Type": "application/json", "User-Agent": "lightspark-sandbox"}
    if row.signature:
        headers[HEADER] = row.signature
    try:
        with _session().post(
            row.node.webhook_url,
            data=row.body,
            headers=headers,
            timeout=(2, 10),
            allow_redirects=False,
            stream=True,
        ) as answer:
            delivered, said = answer.ok and answer.status_code < 300, f"HTTP {answer.status_code}"
    except requests.RequestException as error:
        delivered, said = False, type(error).__name__
    changes = {"answer": said, "leased_until": None}
    if delivered:
        changes |= {"state": Delivery.State.DELIVERED, "delivered_at": timezone.now()}
    elif row.attempts >= MAX_ATTEMPTS:
        changes |= {"state": Delivery.State.GIVEN_UP}
    else:
        changes |= {"due_at": timezone.now() + timedelta(seconds=min(0.5 * 2**row.attempts, 60))}
    Delivery.objects.filter(pk=row.pk).update(**changes)
    log.info("webhook %s about %s: %s", row.event_type, row.entity_id, said)
