"""Webhooks of mail providers, in the shapes that they publish, and who may send them."""

import base64
import hashlib
import hmac
import json
import time

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.acts import hold
from tests.factories import EveningFactory
from tickets.mail.messages import send_mail
from tickets.mail_health.models import Suppressed
from tickets.models import Mail, Order

pytestmark = pytest.mark.django_db(transaction=True)
URL = "/api/webhooks/mail"
SECRET = "mail:a-secret-of-this-test-only"
WHEN = "2031-01-02T03:04:05Z"


@pytest.fixture
def order() -> Order:
    return hold(EveningFactory(price_sats=0), email="ann@example.com")


def provider(settings, name: str, **keys: str) -> None:
    settings.MAIL_PROVIDER, settings.ANYMAIL = name, {"WEBHOOK_SECRET": SECRET, **keys}


def post(client, body, *, secret: str = SECRET, **headers: str):
    raw = body if isinstance(body, str) else json.dumps(body)
    auth = {"Authorization": f"Basic {base64.b64encode(secret.encode()).decode()}"} if secret else {}
    return client.post(URL, raw, content_type="application/json", headers=auth | headers)


def sent(order: Order) -> Mail:
    order.mails.update(status="sent", sent_at="2030-01-01T00:00Z", next_attempt_at=None)
    return order.mails.get()


def postmark(mail: Mail | None, kind: str = "HardBounce", **fields) -> dict:
    """A bounce as Postmark's documentation has it."""
    return {
        "RecordType": "Bounce", "MessageStream": "outbound", "ID": 4323372036854775807, "Type": kind,
        "TypeCode": 1, "Name": "Hard bounce", "Tag": "", "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
        "ServerID": 23, "Description": "The server was unable to deliver your message.",
        "Details": "smtp;550 5.1.1 The email account that you tried to reach does not exist.",
        "Email": "ann@example.com", "From": "tickets@example.com", "BouncedAt": WHEN, "Inactive": True,
        "CanActivate": True, "Subject": "Your ticket",
        "Metadata": {"mail": str(mail.pk)} if mail else {},
    } | fields  # fmt: skip


def mailgun(key: str, **data) -> dict:
    """A failure as Mailgun's documentation has it, signed."""
    stamp, token = str(int(time.time())), "06c96bafc3f42a66b9edd546347a2fe18dc23461fe80dc52f0"
    digest = hmac.new(key.encode(), f"{stamp}{token}".encode(), hashlib.sha256).hexdigest()
    event = {
        "timestamp": 1925089445.0, "log-level": "error", "event": "failed", "severity": "permanent",
        "reason": "bounce", "recipient": "ann@example.com", "user-variables": {}, "tags": [],
        "message": {"headers": {"message-id": "20130503192659.13651.20287@example.com"}},
        "delivery-status": {
            "code": 550, "description": "",
            "message": "5.1.1 The email account that you tried to reach does not exist.",
        },
    } | data  # fmt: skip
    return {"signature": {"timestamp": stamp, "token": token, "signature": digest}, "event-data": event}


def states(order: Order) -> tuple[str, list[str]]:
    return order.mails.get().status, sorted(Suppressed.objects.values_list("why", flat=True))


# -- what is told ------------------------------------------------------------------------------
def test_a_hard_bounce_fails_the_mail_and_suppresses_the_address(client, settings, order):
    provider(settings, "postmark")
    mail = sent(order)
    assert post(client, postmark(mail)).json() == {"received": True}
    mail.refresh_from_db()
    assert mail.last_error.startswith("bounced: smtp;550 5.1.1 The email account")
    assert states(order) == ("failed", ["bounced"])
    post(client, postmark(mail))
    assert states(order) == ("failed", ["bounced"]), "told twice it is the same"


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ({"kind": "SoftBounce", "Details": "mailbox is full"}, ("failed", [])),
        ({"kind": "SoftBounce", "Details": "552 5.2.2 mailbox is full"}, ("failed", [])),
        ({"kind": "HardBounce", "Details": ""}, ("failed", ["bounced"])),
        ({"kind": "HardBounce", "Details": "550 5.7.1 policy"}, ("failed", [])),
        ({"kind": "Transient"}, ("sent", [])),
        ({"kind": "SpamComplaint", "RecordType": "SpamComplaint"}, ("sent", ["complained"])),
        ({"RecordType": "Delivery", "Recipient": "ann@example.com", "DeliveredAt": WHEN}, ("sent", [])),
        ({"RecordType": "Open"}, ("sent", [])),
        ({"Email": "stranger@example.com"}, ("sent", [])),
        ({"Email": "an\u200bn@example.com"}, ("sent", [])),
    ],
)
def test_what_postmark_tells(client, settings, order, told, state):
    provider(settings, "postmark")
    mail = sent(order)
    assert post(client, postmark(mail, **told)).status_code == 200
    assert states(order) == state


def test_a_mail_by_smtp_is_found_by_its_receiver(client, settings, order):
    """Their SMTP servers repeat no number."""
    provider(settings, "postmark")
    sent(order)
    post(client, postmark(None))
    assert states(order) == ("failed", ["bounced"])


def test_a_number_of_somebody_elses_mail_is_not_believed(client, settings, order):
    provider(settings, "postmark")
    sent(order)
    other = hold(order.event, email="bo@example.com").mails.get()
    Mail.objects.filter(pk=other.pk).update(status="sent", sent_at="2030-01-01T00:00Z")
    post(client, postmark(other))
    assert Mail.objects.get(pk=other.pk).status == "sent"
    assert order.mails.get().status == "failed"


def test_a_late_word_about_an_earlier_sending_leaves_the_new_one_alone(client, settings, order):
    provider(settings, "postmark")
    mail = sent(order)
    Mail.objects.update(sent_at="2031-02-01T00:00Z")
    post(client, postmark(mail))
    assert order.mails.get().status == "sent"


def test_mailgun_signs(client, settings, order):
    provider(settings, "mailgun", MAILGUN_WEBHOOK_SIGNING_KEY="its-key")
    sent(order)
    assert post(client, mailgun("another")).status_code == 401
    assert states(order) == ("sent", [])
    assert post(client, mailgun("its-key", severity="temporary")).status_code == 200
    assert states(order) == ("sent", [])
    assert post(client, mailgun("its-key")).status_code == 200
    assert states(order) == ("failed", ["bounced"])


def test_mailgun_complaint(client, settings, order):
    provider(settings, "mailgun", MAILGUN_WEBHOOK_SIGNING_KEY="its-key")
    sent(order)
    post(client, mailgun("its-key", event="complained"))
    assert states(order) == ("sent", ["complained"])


def test_sendgrid_signs_several_at_once(client, settings, order):
    key = ec.generate_private_key(ec.SECP256R1())
    der = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    provider(settings, "sendgrid", SENDGRID_TRACKING_WEBHOOK_VERIFICATION_KEY=base64.b64encode(der).decode())
    mail = sent(order)
    events = [
        {"email": "ann@example.com", "timestamp": 1925089445, "event": "processed", "sg_event_id": "a",
         "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>", "sg_message_id": "b"},
        {"email": "ann@example.com", "timestamp": 1925089446, "event": "bounce", "type": "bounce",
         "reason": "500 unknown recipient", "status": "5.0.0", "sg_event_id": "c", "sg_message_id": "b",
         "mail": str(mail.pk)},
    ]  # fmt: skip
    raw, stamp = json.dumps(events), "1925089447"
    signature = base64.b64encode(key.sign(stamp.encode() + raw.encode(), ec.ECDSA(hashes.SHA256()))).decode()
    headers = {
        "X-Twilio-Email-Event-Webhook-Signature": signature,
        "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
    }
    assert post(client, raw.replace("ann", "bob"), **headers).status_code == 401
    assert post(client, raw, **headers).status_code == 200
    assert states(order) == ("failed", ["bounced"])


@pytest.mark.parametrize(
    ("event", "state"),
    [
        ("hard_bounce", ("failed", ["bounced"])),
        ("soft_bounce", ("failed", [])),
        ("spam", ("sent", ["complained"])),
    ],
)
def test_brevo(client, settings, order, event, state):
    provider(settings, "brevo")
    sent(order)
    told = {
        "event": event, "email": "ann@example.com", "id": 26224, "date": "2031-01-02 03:04:05",
        "ts": 1925089445, "ts_event": 1925089445, "ts_epoch": 1925089445000, "reason": "a reason",
        "message-id": "<202001020304.1234567890@example.com>", "subject": "Your ticket",
    }  # fmt: skip
    assert post(client, told).status_code == 200
    assert states(order) == state


# -- who may tell it ---------------------------------------------------------------------------
def test_without_the_secret_nothing_is_believed(client, settings, order):
    provider(settings, "postmark")
    mail = sent(order)
    for secret in ("", "mail:wrong", "mail:"):
        refused = post(client, postmark(mail), secret=secret)
        assert (refused.status_code, refused.json()["code"]) == (401, "invalid_signature")
        assert refused["WWW-Authenticate"] == 'Basic realm="webhooks"'
    assert states(order) == ("sent", [])


def test_without_a_provider_there_is_no_such_page(client):
    assert post(client, {}).status_code == 404


@pytest.mark.parametrize(
    "body", ["", "no json", "[]", "7", '"text"', "null", '{"RecordType": ["Bounce"]}', "[" * 5000]
)
def test_what_cannot_be_read_is_a_400(client, settings, body):
    provider(settings, "postmark")
    refused = post(client, body)
    assert (refused.status_code, refused.json()["code"]) == (400, "malformed_webhook")


@pytest.mark.parametrize(
    "fields", [{"Email": None}, {"Email": 7}, {"Metadata": {"mail": "9" * 40}}, {"Details": None}]
)
def test_strange_fields_break_nothing(client, settings, order, fields):
    provider(settings, "postmark")
    assert post(client, postmark(sent(order), **fields)).status_code == 200


# -- mails by the provider's API ----------------------------------------------------------------
def test_a_mail_by_the_api_has_its_number_and_its_calendar_file(mail_api, order):
    mail = order.mails.select_related("order__event").get()
    send_mail(mail)
    [taken] = mail_api.mails
    assert taken["Metadata"] == {"mail": str(mail.pk)}
    assert [part["Name"] for part in taken["Attachments"]] == ["event.ics"]
    assert {"Name": "Auto-Submitted", "Value": "auto-generated"} in taken["Headers"]
    assert states(order) == ("sent", [])


def test_a_receiver_that_the_provider_refuses_fails(mail_api, order):
    mail_api.inactive.add(order.email)
    send_mail(order.mails.select_related("order__event").get())
    assert states(order) == ("failed", [])
    assert order.mails.get().last_error == "bounced: 550 refused by the provider"
