"""Sending one mail of the outbox, unless its address is suppressed; and what a refusal says."""

import re
import smtplib

from django.utils import timezone

from tickets.models import Mail
from ticketsuma.conf.logging_config import scrub
from ticketsuma.mail import ShopMail

from .models import Suppressed
from .states import BOUNCED, STOPPED
from .suppression import stopped, suppress

LONGEST = 200
_ENHANCED = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")  # RFC 3463
_NO_MAILBOX = {"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"}
_ABOUT_US = "5.7."  # security and policy: the server does not take mails of ours, whoever they are for


def send(mail: Mail, letter: ShopMail) -> None:
    """Send `letter`, which is a due mail, and note what became of it.

    An address that the server refuses for good (5xx at RCPT) makes it failed, in the server's words; where
    these say that there is no such mailbox, nothing goes there any more until it is lifted. Everything else
    raises what it raised, and is tried again: 4xx, a server that is away, and one that refuses us.
    """
    if stop := stopped(mail.to):
        mail.advance(Mail.Status.FAILED, last_error=f"{STOPPED}: {stop.why}", **mail.finished())
        return
    letter.metadata = {"mail": str(mail.pk)}  # a provider repeats it when it tells of a bounce
    try:
        letter.send()
    except smtplib.SMTPRecipientsRefused as refusal:
        code, said = min(refusal.recipients.values())
        words = readable(f"{code} {said.decode(errors='replace')}")
        enhanced = enhanced_code(words)
        if code < 500 or enhanced.startswith(_ABOUT_US):
            raise
        if names_no_mailbox(enhanced):
            suppress(mail.to, Suppressed.Why.BOUNCED, said=words, mail=mail)
        mail.advance(Mail.Status.FAILED, last_error=bounced(words), **mail.finished())
        return
    mail.advance(Mail.Status.SENT, sent_at=timezone.now(), last_error="", **mail.finished())


def readable(words: str) -> str:
    """What a server said, for staff: one bounded line without addresses."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in words).split())
    return scrub(line)[:LONGEST]


def enhanced_code(words: str) -> str:
    """The first enhanced status code in what a server said (RFC 3463), or nothing."""
    found = _ENHANCED.search(words)
    return found[0] if found else ""


def names_no_mailbox(enhanced: str) -> bool:
    """Whether a code says that there is no such mailbox; a full one, and policy, may end by themselves."""
    return enhanced in _NO_MAILBOX


def bounced(words: str) -> str:
    """`last_error` of a mail that was refused for good."""
    return f"{BOUNCED}: {words}"
