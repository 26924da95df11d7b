"""Webhooks of the mail provider (MAIL_PROVIDER): what came back, and who complained.

Anymail checks secret and signature and reads the provider's words; nothing of it is imported without one.
"""

from importlib import import_module
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import Http404, HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from accounts.models import normalize_email
from tickets.models import Mail, Order, Ticket
from ticketsuma.addresses import InvisibleSign
from ticketsuma.api.exceptions import CONTENT_TYPE, problem
from ticketsuma.conf.mail_provider import PROVIDERS
from ticketsuma.errors import DomainError
from ticketsuma.state_machine import InvalidTransition

from .models import Suppressed
from .sending import bounced, enhanced_code, names_no_mailbox, readable
from .suppression import suppress

REALM = 'Basic realm="webhooks"'  # RFC 9110: a 401 names what would be let in
# Bounces that may end by themselves, where a provider tells them as it tells the others.
_SOFT = {("Type", "SoftBounce"), ("event", "soft_bounce")}
_HARD = {("type", "bounce")}  # SendGrid's, for which Anymail gives no reason
_WITHOUT_DETAIL = ("", "5.0.0")
CLOCKS_DIFFER = 60  # seconds
LONGEST_NUMBER = 18  # digits


class BadSecret(DomainError):
    code = "invalid_signature"
    message = "The secret or the signature of this webhook is not ours."
    status = 401


class BadWebhook(DomainError):
    code = "malformed_webhook"
    message = "This webhook cannot be read."
    status = 400


@csrf_exempt
@require_POST
def receive(request: HttpRequest) -> JsonResponse:
    """200 once all of it is written down; 404 without a provider. Told twice it is the same."""
    if not settings.MAIL_PROVIDER:
        raise Http404
    try:
        events = _read(request)
    except DomainError as refusal:
        body = problem(request=request, status=refusal.status, code=refusal.code, detail=refusal.message)
        headers = {"WWW-Authenticate": REALM} if refusal.status == 401 else {}
        return JsonResponse(body, status=refusal.status, content_type=CONTENT_TYPE, headers=headers)
    for event in events:
        note(event)
    return JsonResponse({"received": True})


def _read(request: HttpRequest) -> list[Any]:
    """Anymail's events. Raises BadSecret, BadWebhook."""
    from anymail.exceptions import AnymailWebhookValidationFailure

    view = _view()
    try:
        view.run_validators(request)
        return view.parse_events(request)
    except AnymailWebhookValidationFailure as error:
        raise BadSecret from error
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise BadWebhook from error


def _view() -> Any:
    """The provider's view, which reads ANYMAIL."""
    module = import_module(f"anymail.webhooks.{settings.MAIL_PROVIDER}")
    return getattr(module, PROVIDERS[settings.MAIL_PROVIDER].webhook_view)()


def note(event: Any) -> None:
    """Take down what a provider tells of a mail; what is of no mail of ours, or no news, is nothing."""
    if event.event_type not in ("bounced", "rejected", "failed", "complained"):
        return
    try:
        address = normalize_email(event.recipient) if isinstance(event.recipient, str) else ""
    except InvisibleSign:
        return
    mail = _mail_of(event, address)
    if mail is None:
        return
    words = readable(str(event.mta_response or event.description or event.reject_reason or event.event_type))
    if event.event_type == "complained":
        suppress(address, Suppressed.Why.COMPLAINED, said=words, mail=mail)
        return
    with transaction.atomic():
        if _is_for_good(event, words):
            suppress(address, Suppressed.Why.BOUNCED, said=words, mail=mail)
        if mail.status == Mail.Status.SENT and not _is_older(event, mail):
            try:
                mail.advance(Mail.Status.FAILED, last_error=bounced(words), **mail.finished())
            except InvalidTransition:
                return  # it is being mailed again


def _mail_of(event: Any, address: str) -> Mail | None:
    """The mail by the number that it was sent with; else the latest one that went to this address."""
    if not address:
        return None
    number = str((event.metadata or {}).get("mail", ""))
    is_number = number.isascii() and number.isdecimal() and len(number) <= LONGEST_NUMBER
    if is_number and (mail := Mail.objects.filter(pk=int(number), to=address).first()):
        return mail
    holders = Ticket.objects.filter(holder_email=address)
    orders = {*Order.objects.filter(email=address).values_list("pk", flat=True)}
    orders |= {*holders.values_list("order", flat=True)}
    sent = Mail.objects.filter(order__in=orders, to=address, sent_at__isnull=False)
    return sent.order_by("-sent_at").first()


def _is_for_good(event: Any, words: str) -> bool:
    """Whether there is no such mailbox: by the server's code where there is one, else by the provider."""
    enhanced = enhanced_code(words)
    if enhanced not in _WITHOUT_DETAIL:
        return names_no_mailbox(enhanced)
    said = event.esp_event if hasattr(event.esp_event, "get") else {}
    if any(said.get(name) == value for name, value in _SOFT):
        return False
    is_hard = event.event_type == "bounced" and any(said.get(name) == value for name, value in _HARD)
    return is_hard or (event.event_type != "failed" and event.reject_reason in ("invalid", "bounced"))


def _is_older(event: Any, mail: Mail) -> bool:
    """Whether it is told of a sending before the last one."""
    if event.timestamp is None or mail.sent_at is None:
        return False
    return (mail.sent_at - event.timestamp).total_seconds() > CLOCKS_DIFFER
