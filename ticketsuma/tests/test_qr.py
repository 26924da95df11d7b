"""QR codes are read by another library than the one that makes them, on pages and on paper."""

import io
import uuid

import cv2
import numpy
import pytest
import resvg_py
from pypdf import PdfReader

from tests.factories import EventFactory
from tickets.offline_door.statements import code_of
from tickets.pdf.ticket import ticket_pdf
from tickets.services.orders import place_order
from ticketsuma.qr import qr_runs, qr_svg

BECH32 = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"
# In the alphabet of BOLT11: as short as any, as ours with the hash of its description, and with route hints.
BOLT11S = [
    "LIGHTNING:LNBC25U1P" + "".join(BECH32[(7 * at + at // 5) % 32] for at in range(length))
    for length in (190, 380, 700)
]


def read(picture: numpy.ndarray) -> str:
    text, _corners, _code = cv2.QRCodeDetectorAruco().detectAndDecode(picture)
    return text


def framed(svg: str, pixels: int) -> numpy.ndarray:
    """`svg` on `pixels` along each side, in a white frame as on the page."""
    whole = svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ')
    png = bytes(resvg_py.svg_to_bytes(svg_string=whole, width=pixels, height=pixels, background="#fff"))
    picture = cv2.imdecode(numpy.frombuffer(png, numpy.uint8), cv2.IMREAD_GRAYSCALE)
    return cv2.copyMakeBorder(picture, 40, 40, 40, 40, cv2.BORDER_CONSTANT, value=255)


@pytest.mark.parametrize("text", BOLT11S, ids=len)
@pytest.mark.parametrize("pixels", [600, 900])  # of a phone's 300 points, at two and three pixels each
def test_invoices_of_any_length_are_read_from_a_phones_screen(text, pixels):
    assert read(framed(qr_svg(text), pixels)) == text


def test_ticket_codes_are_read_small():
    code = uuid.uuid4().hex[:24].upper()
    assert read(framed(qr_svg(code), 160)) == code


def test_runs_are_within_the_code_and_the_finders_are_where_they_belong():
    side, rows = qr_runs(BOLT11S[0])
    assert len(rows) == side == 4 * ((side - 17) // 4) + 17
    assert rows[0][0] == rows[6][0] == rows[-1][0] == (0, 7)
    assert rows[0][-1] == (side - 7, 7)
    assert all(start + length <= side for row in rows for start, length in row)


@pytest.mark.django_db(transaction=True)
def test_the_paper_has_the_same_code():
    """The rectangles of the PDF's page, painted: there is no other program here that draws a PDF."""
    event = EventFactory(price_sats=0)
    order = place_order(event=event, quantity=1, email="ann@example.com", name="Ann")
    ticket = order.tickets.select_related("order__event").get()
    [page] = PdfReader(io.BytesIO(ticket_pdf(ticket))).pages
    picture = numpy.full((1200, 840), 255, numpy.uint8)
    for operands, operator in page.get_contents().operations:
        x, y, width, height = map(float, operands) if operator == b"re" else (0, 0, 0, 0)
        if 0 < height < 20:  # a module, not the head's ground
            corners = ((x, 595 - y - height), (x + width, 595 - y))
            (left, top), (right, bottom) = (tuple(round(2 * each) for each in corner) for corner in corners)
            picture[top:bottom, left:right] = 0
    assert code_of(read(picture)) == ticket.ticket_code
