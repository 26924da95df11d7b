"""Lightspark's webhooks: kept as hints, after which the node is asked for the state."""

import hashlib
import hmac
import json
import logging
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, IntegrityError
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from prometheus_client import Counter

from ticketsuma import clock
from ticketsuma.api.exceptions import CONTENT_TYPE
from ticketsuma.api.exceptions import problem as problem_body
from ticketsuma.errors import DomainError

from .models import WebhookEvent
from .services import process_webhook_event

logger = logging.getLogger(__name__)

CHALLENGE = 'Lightspark-Signature realm="webhooks"'  # RFC 9110: a 401 names what would be let in

WEBHOOKS = Counter("tickets_webhooks", "Webhooks of the node, by what they were answered", ["answer"])

# While this request works on the event the worker leaves it alone.
HANDLING = timedelta(seconds=20)


@dataclass(frozen=True)
class Webhook:
    event_id: str
    type: str
    entity_id: str


class BadSignature(DomainError):
    code = "invalid_signature"
    message = "The signature of this webhook is not ours."
    status = 401


class BadWebhook(DomainError):
    code = "malformed_webhook"
    message = "This webhook is signed, but it cannot be read."
    status = 400


class NotStored(DomainError):
    code = "unavailable"
    message = "The webhook could not be stored. Please send it again."
    status = 503
    retry_after = 5


def verify_webhook(body: bytes, signature: str | None) -> Webhook:
    """Check `lightspark-signature` (hex HMAC-SHA256 of the raw body) against every configured key.

    The SDK's own check is not constant-time and raises KeyError on event types it does not know yet.
    """
    given = (signature or "").strip().lower().encode("utf-8", "replace")
    keys = settings.LIGHTSPARK_WEBHOOK_SIGNING_KEYS
    expected = [hmac.new(key.encode(), body, hashlib.sha256).hexdigest().encode() for key in keys]
    matches = [hmac.compare_digest(given, digest) for digest in expected]
    if not any(matches):
        raise BadSignature
    try:
        event = json.loads(body)
        fields = [event[name] for name in ("event_id", "event_type", "entity_id")]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadWebhook from error
    if not all(isinstance(value, str) and 0 < len(value) <= 120 and "\0" not in value for value in fields):
        raise BadWebhook
    return Webhook(event_id=fields[0], type=fields[1][:60], entity_id=fields[2])


@csrf_exempt
@require_POST
def receive(request: HttpRequest) -> JsonResponse:
    """200 once the event is stored, whatever the node says then; the worker takes leftovers.

    Fifty copies at once are one row and one effect. A bad signature is 401 and leaves no row. Without
    the database it is 503: the sender must come again.
    """
    try:
        hook = verify_webhook(request.body, request.headers.get("lightspark-signature"))
    except (BadSignature, BadWebhook) as refusal:
        return problem(request, refusal)
    try:
        event = _store(hook)
    except DatabaseError as error:
        logger.warning("a webhook could not be stored: %s", type(error.__cause__ or error).__name__)
        return problem(request, NotStored())
    WEBHOOKS.labels("new" if event else "known").inc()
    if event:
        _process(event)
    return JsonResponse({"received": True})


def _store(hook: Webhook) -> WebhookEvent | None:
    """The event's row; None for a copy of what is stored already."""
    due = WebhookEvent.scheduled(clock.now() + HANDLING)
    try:
        return WebhookEvent.objects.create(
            event_id=hook.event_id, type=hook.type, entity_id=hook.entity_id, **due
        )
    except IntegrityError:
        return None


def _process(event: WebhookEvent) -> None:
    """Act on a stored event; if that breaks, HANDLING runs out and the worker acts on it."""
    try:
        process_webhook_event(event)
    except DomainError as error:
        event.retry(error.noted)
    except Exception:
        logger.exception("webhook event %s is left to the worker", event.pk)


def problem(request: HttpRequest, refusal: DomainError) -> JsonResponse:
    WEBHOOKS.labels(refusal.code).inc()
    body = problem_body(request=request, status=refusal.status, code=refusal.code, detail=refusal.message)
    headers = refusal.headers | ({"WWW-Authenticate": CHALLENGE} if refusal.status == 401 else {})
    return JsonResponse(body, status=refusal.status, content_type=CONTENT_TYPE, headers=headers)
