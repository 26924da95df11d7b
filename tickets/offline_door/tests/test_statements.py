"""Statements in ticket QRs: what they say, who signed them, and that the code alone is still good."""

import base64
import hashlib
import re

import pytest
import zxingcpp
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from events.catalogue_models import Admits
from tests.acts import hold
from tests.factories import EventFactory
from tickets.models import Ticket
from tickets.offline_door.statements import code_of, key_id, public_keys, qr_text
from tickets.services.check_ins import validate_code
from tickets.services.voiding import replace_ticket
from ticketsuma.qr import qr_runs

pytestmark = pytest.mark.django_db


def free_ticket(**event) -> Ticket:
    order = hold(EventFactory(price_sats=0, **event))
    return Ticket.objects.select_related("order__event", "line__type").get(order=order)


def bytes_of(text: str) -> bytes:
    return base64.b32decode(text + "=" * (-len(text) % 8))


def verify(statement: str) -> None:
    """As a door does it: with the published key that the statement names."""
    said, _dot, signature = statement.rpartition(".")
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_keys()[said.split(".")[6]]))
    key.verify(bytes_of(signature), said.encode())


def test_it_says_which_ticket_of_which_event():
    ticket = free_ticket()
    code, version, event, pk, generation, door, key = qr_text(ticket).split(".")[:7]
    assert (code, version, event, generation, door) == (
        ticket.ticket_code, "T1", str(ticket.order.event_id), "0", "1",
    )  # fmt: skip
    assert bytes_of(pk) == ticket.pk.bytes
    assert (
        key
        == key_id()
        == base64.b32encode(hashlib.sha256(base64.b64decode(public_keys()[key])).digest()).decode()[:6]
    )


def test_it_is_signed_and_any_change_shows():
    statement = qr_text(free_ticket())
    verify(statement)
    for field, other in ((0, "0" * 26), (2, "999"), (4, "7"), (5, "0")):
        parts = statement.split(".")
        parts[field] = other
        with pytest.raises(InvalidSignature):
            verify(".".join(parts))


def test_a_replay_ticket_says_that_it_opens_no_door():
    ticket = free_ticket()
    ticket.line.admits = Admits.REPLAY
    assert qr_text(ticket).split(".")[5] == "0"


def test_a_replaced_ticket_says_its_new_generation():
    ticket = free_ticket()
    old = qr_text(ticket)
    new = qr_text(replace_ticket(ticket))
    assert (old.split(".")[4], new.split(".")[4]) == ("0", "1")
    assert old.split(".")[3] == new.split(".")[3]


def test_another_secret_is_another_key(settings):
    statement, before = qr_text(free_ticket()), public_keys()
    settings.SECRET_KEY = "another secret of the shop, long enough to be one"
    assert public_keys().keys().isdisjoint(before)
    with pytest.raises(KeyError):
        verify(statement)


def test_it_fits_into_a_qr_of_45_modules():
    statement = qr_text(free_ticket())
    assert re.fullmatch(r"[0-9A-Z.]+", statement)
    side, _rows = qr_runs(statement)
    assert side <= 45


def test_a_reader_reads_it_and_online_the_code_decides():
    ticket = free_ticket()
    drawn = zxingcpp.create_barcode(qr_text(ticket), zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    [read] = zxingcpp.read_barcodes(zxingcpp.write_barcode_to_image(drawn, scale=4))
    assert code_of(read.text) == ticket.ticket_code
    assert validate_code(read.text, event_id=ticket.order.event_id).valid
    assert validate_code(ticket.ticket_code.lower(), event_id=ticket.order.event_id).valid
