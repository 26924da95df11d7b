"""Lightspark's webhooks are hints: keep the event, then ask the node what is true."""

from datetime import timedelta

from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from . import lightspark
from .models import WebhookEvent
from .services import process_webhook_event

# While this request works on the event the worker leaves it alone.
HANDLING = timedelta(seconds=20)


@csrf_exempt
@require_POST
def receive(request: HttpRequest) -> JsonResponse:
    """200 once the event is stored, whatever the node says then; the worker takes leftovers.

    Fifty copies at once are one row and one effect. A bad signature is 401 and leaves no row.
    """
    try:
        hook = lightspark.verify_webhook(request.body, request.headers.get("lightspark-signature"))
    except (lightspark.BadSignature, lightspark.BadWebhook) as refusal:
        return problem(refusal)
    event, is_new = WebhookEvent.objects.get_or_create(
        event_id=hook.event_id,
        defaults={
            "type": hook.type,
            "entity_id": hook.entity_id,
            "next_attempt_at": timezone.now() + HANDLING,
        },
    )
    if is_new:
        process_webhook_event(event)
    return JsonResponse({"received": True})


def problem(refusal) -> JsonResponse:
    body = {
        "type": "about:blank",
        "title": str(refusal.sentence),
        "status": refusal.status,
        "code": refusal.code,
        "detail": str(refusal.sentence),
    }
    return JsonResponse(body, status=refusal.status, content_type="application/problem+json")
