"""Signed statements in ticket QRs: what a door believes that cannot ask the shop.

A QR holds `CODE.T1.EVENT.TICKET.GENERATION.DOOR.KEY.SIGNATURE`: the ticket's code, the version of this
format, the event's id, the ticket's id, how often its link was replaced, 1 where it opens the door and 0
where the replay alone, the first letters of the key's digest, and the signature (Ed25519, RFC 8032) of all
that stands before the last dot. Ticket, key and signature are in base32 (RFC 4648) without padding: every
sign is one of QR's alphanumeric mode, in which the whole takes 45 modules a side.

A statement says that the ticket admitted when it was signed, and no more. Online the code alone decides,
and so it does for QRs from before there were statements.
"""

import base64
import functools
import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from events.catalogue_models import Admits
from tickets.models import Ticket
from ticketsuma.codes import normalize_code
from ticketsuma.encryption import derived_key

VERSION = "T1"
MAX_LENGTH = 256  # of what a scanner may send in place of a code


def qr_text(ticket: Ticket) -> str:
    """What the QR of a ticket that admits holds; its order and line are loaded."""
    opens_door = ticket.line is None or ticket.line.admits != Admits.REPLAY
    said = ".".join(
        (
            ticket.ticket_code, VERSION, str(ticket.order.event_id), _base32(ticket.pk.bytes),
            str(ticket.generation), str(int(opens_door)), key_id(),
        )
    )  # fmt: skip
    return f"{said}.{_base32(_key(settings.SECRET_KEY).sign(said.encode()))}"


def code_of(scanned: str) -> str:
    """The ticket code of what was scanned or typed: a statement's first part, or the whole."""
    return normalize_code(scanned.partition(".")[0])


def public_keys() -> dict[str, str]:
    """The keys that doors believe: their ids and 32 bytes each, in base64."""
    return {key_id(): base64.b64encode(_public_bytes(settings.SECRET_KEY)).decode()}


def key_id() -> str:
    return _base32(hashlib.sha256(_public_bytes(settings.SECRET_KEY)).digest())[:6]


# -- the key ----------------------------------------------------------------------------------
@functools.lru_cache(maxsize=2)
def _key(secret: str) -> Ed25519PrivateKey:
    """Made of SECRET_KEY, like the links of tickets, and replaced with it.

    A QR signed with the key before is a code to newer doors: good where it is on their list.
    """
    return Ed25519PrivateKey.from_private_bytes(derived_key(secret, "ticketsuma ticket statements"))


@functools.lru_cache(maxsize=2)
def _public_bytes(secret: str) -> bytes:
    return _key(secret).public_key().public_bytes_raw()


def _base32(data: bytes) -> str:
    return base64.b32encode(data).decode().rstrip("=")
