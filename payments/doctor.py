"""Checks of everything outside the shop, for `manage.py doctor`: node, own address, mail, what is around."""

import hashlib
import hmac
import logging
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from smtplib import SMTPAuthenticationError, SMTPException

import requests
from django.conf import settings
from django.core.mail import get_connection

from payments.checkup_models import Checkup
from payments.node.checks import NOTE, OK, UNKNOWN, WRONG, Finding, look_at_node
from payments.rates.checks import look_at_rates
from payments.surroundings import look_around
from payments.uma.keys import published_keys
from ticketsuma import clock

logger = logging.getLogger(__name__)

AGAIN_IF_WELL, AGAIN_IF_NOT = timedelta(hours=1), timedelta(minutes=5)
AGAIN_IF_UNKNOWN = timedelta(seconds=30)
TIMEOUT = (3, 10)


def examine() -> list[Finding]:
    """All findings. Asks the node, ourselves over SITE_URL, DNS and the mail server; takes some seconds."""
    ours = [*_own_address(), *_for_wallets(), *_webhook(), *_mail()]
    return [*look_at_node(), *ours, *look_at_rates(), *look_around()]


def check_up(row: Checkup) -> None:
    """Examine, keep what was found and log what is wrong; the worker's handler."""
    findings = examine()
    keep(findings)
    for finding in findings:
        if finding.level == WRONG:
            logger.error("doctor: %s: %s", finding.check, finding.says)


def keep(findings: list[Finding]) -> None:
    """Write the findings where health and admin read them, and say when to look again."""
    levels = {finding.level for finding in findings}
    again = AGAIN_IF_NOT if WRONG in levels else AGAIN_IF_UNKNOWN if UNKNOWN in levels else AGAIN_IF_WELL
    now = clock.now()
    Checkup.objects.update_or_create(
        name="doctor",
        defaults={
            "findings": [asdict(finding) for finding in findings],
            "checked_at": now, "next_attempt_at": now + again, "attempts": 0, "last_error": "",
        },
    )  # fmt: skip


def wanted_now() -> None:
    """Examine at the worker's next turn: a new version or a new setting may just have been started."""
    Checkup.objects.update_or_create(name="doctor", defaults=Checkup.scheduled())


# -- our own address --------------------------------------------------------------------------
def _own_address() -> Iterator[Finding]:
    url = f"{settings.SITE_URL}/.well-known/lnurlpubkey"
    try:
        answer = requests.get(url, timeout=TIMEOUT, allow_redirects=False)
        published = answer.json() if answer.ok else None
    except (requests.RequestException, ValueError) as error:
        yield Finding("address", UNKNOWN, f"{url} cannot be reached from here ({type(error).__name__}).")
        return
    ours = published_keys()
    if not isinstance(published, dict):
        yield Finding("address", WRONG, f"{url} answers {answer.status_code}, not our keys.")
    elif any(published.get(name) != ours[name] for name in ours if name != "expirationTimestamp"):
        yield Finding("address", WRONG, f"{url} shows other keys than this process has.")
    else:
        yield Finding("address", OK, f"Wallets find our keys at {url}.")


def _for_wallets() -> Iterator[Finding]:
    """What wallets ask before they pay gets through to us: our versions, and the address of no order."""
    asked = {"uma-configuration": "uma_major_versions", "lnurlp/doctor": "status"}
    for path, key in asked.items():
        url = f"{settings.SITE_URL}/.well-known/{path}"
        try:
            answer = requests.get(url, timeout=TIMEOUT, allow_redirects=False)
            is_ours = key in answer.json()
        except requests.JSONDecodeError:
            is_ours = False
        except requests.RequestException:
            return  # the check of the address has said so
        if not is_ours:
            yield Finding("wallets", WRONG, f"{url} answers {answer.status_code}, not as the shop does.")
            return
    yield Finding("wallets", OK, "Wallets reach what they ask for below /.well-known/.")


def _webhook() -> Iterator[Finding]:
    """A signed body that says nothing: refused as unreadable only after its signature was found right."""
    url, body = f"{settings.SITE_URL}/api/webhooks/payment", b"{}"
    for number, key in enumerate(settings.LIGHTSPARK_WEBHOOK_SIGNING_KEYS, 1):
        signature = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
        headers = {"lightspark-signature": signature, "Content-Type": "application/json"}
        try:
            answer = requests.post(url, data=body, headers=headers, timeout=TIMEOUT, allow_redirects=False)
            code = answer.json().get("code")
        except (requests.RequestException, ValueError, AttributeError) as error:
            says = f"{url} cannot be asked from here ({type(error).__name__})."
            yield Finding("webhook", UNKNOWN, says)
            return
        if (answer.status_code, code) != (400, "malformed_webhook"):
            says = f"{url} does not take what is signed with key {number} ({answer.status_code} {code})."
            yield Finding("webhook", WRONG, says)
            return
    yield Finding("webhook", OK, f"{url} takes what is signed with LIGHTSPARK_WEBHOOK_SIGNING_KEY.")


# -- mail -------------------------------------------------------------------------------------
def _mail() -> Iterator[Finding]:
    kind = settings.EMAIL_BACKEND.rpartition(".")[0].rpartition(".")[2]
    if kind == settings.MAIL_PROVIDER:
        yield Finding("mail", OK, f"Mails go by the API of {kind}, which is not tried here.")
        return
    if kind != "smtp":
        level = OK if settings.ALLOW_TEST_NETWORK else NOTE
        yield Finding("mail", level, f"Mails go to no mail server ({kind}).")
        return
    server = f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"
    connection = get_connection()
    try:
        connection.open()
    except SMTPAuthenticationError:
        yield Finding("mail", WRONG, f"The mail server {server} does not accept our user and password.")
    except (SMTPException, OSError) as error:
        yield Finding("mail", UNKNOWN, f"The mail server {server} cannot be used ({type(error).__name__}).")
    else:
        yield Finding("mail", OK, f"The mail server {server} lets us in.")
    finally:
        connection.close()
