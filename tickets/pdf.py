"""A ticket on paper: one A5 page, drawn, with the QR as vectors."""

import io
import unicodedata

import segno
from django.conf import settings
from django.utils.translation import gettext as _
from reportlab.lib.colors import HexColor, white
from reportlab.lib.pagesizes import A5
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from ticketsuma.templatetags.show import city, clock_in, grouped, long_day_in

from .models import Ticket

INK, PINE, VOLT, MUTED = HexColor("#121c18"), HexColor("#0a4633"), HexColor("#d9f154"), HexColor("#55605b")
WIDTH, HEIGHT = A5
MARGIN = 14 * mm
TEAR = 116 * mm  # where the stub is torn off, from the foot of the page
QR_SIDE = 62 * mm
_MOST_LINES = 3


def ticket_pdf(ticket: Ticket) -> bytes:
    """The ticket as a PDF, in the reader's language; load `order__event` with it.

    The built-in fonts know the letters of western Europe; others lose their accents or are left out,
    and the printed page (HTML) shows them.
    """
    file = io.BytesIO()
    paper = Canvas(file, pagesize=A5, pageCompression=1, invariant=1)
    paper.setTitle(f"{_('Ticket')}: {ticket.order.event.title}")
    paper.setAuthor(settings.SITE_NAME)
    _draw_head(paper, ticket)
    _draw_stub(paper, ticket)
    paper.showPage()
    paper.save()
    return file.getvalue()


def _draw_head(paper: Canvas, ticket: Ticket) -> None:
    event, order = ticket.order.event, ticket.order
    paper.setFillColor(PINE)
    paper.rect(0, TEAR, WIDTH, HEIGHT - TEAR, stroke=0, fill=1)
    y = HEIGHT - MARGIN - 3 * mm
    paper.setFillColor(VOLT)
    paper.setFont("Helvetica-Bold", 10)
    paper.drawString(MARGIN, y, printable(settings.SITE_NAME))
    number = _("Ticket %(number)s of %(total)s") % {"number": ticket.number, "total": order.quantity}
    paper.setFont("Helvetica", 10)
    paper.drawRightString(WIDTH - MARGIN, y, printable(number))
    y -= 15 * mm
    paper.setFillColor(white)
    for line in _lines(printable(event.title) or _("Event"), "Helvetica-Bold", 22):
        paper.setFont("Helvetica-Bold", 22)
        paper.drawString(MARGIN, y, line)
        y -= 9.5 * mm
    y -= 2 * mm
    for text in _when(event):
        paper.setFont("Helvetica", 12)
        paper.drawString(MARGIN, y, printable(text))
        y -= 6 * mm
    if name := printable(ticket.holder_name):
        paper.setFillColor(VOLT)
        paper.setFont("Helvetica-Bold", 12)
        paper.drawString(MARGIN, TEAR + 10 * mm, _lines(name, "Helvetica-Bold", 12)[0])


def _when(event) -> list[str]:
    zone = _("%(city)s time") % {"city": city(event.timezone)}
    start, end = clock_in(event.start_time, event.zone), clock_in(event.end_time, event.zone)
    day = long_day_in(event.start_time, event.zone)
    if event.ends_another_day:
        return [f"{day}, {start}", f"{long_day_in(event.end_time, event.zone)}, {end} {zone}"]
    return [day, f"{start} – {end} {zone}"]


def _draw_stub(paper: Canvas, ticket: Ticket) -> None:
    paper.setFillColor(white)
    for x in (0, WIDTH):
        paper.circle(x, TEAR, 4 * mm, stroke=0, fill=1)
    paper.setStrokeColor(white)
    paper.setLineWidth(1.2)
    paper.setLineCap(1)
    paper.setDash(0.1, 5)
    paper.line(8 * mm, TEAR, WIDTH - 8 * mm, TEAR)
    paper.setDash()
    _draw_qr(paper, ticket.ticket_code, (WIDTH - QR_SIDE) / 2, TEAR - 14 * mm - QR_SIDE)
    paper.setFillColor(INK)
    paper.setFont("Courier-Bold", 11)
    paper.drawCentredString(WIDTH / 2, 30 * mm, grouped(ticket.ticket_code))
    paper.setFillColor(MUTED)
    paper.setFont("Helvetica", 8.5)
    words = _("Whoever has this code has the ticket. Pass it on only to the person who goes.")
    for number, line in enumerate(_lines(printable(words), "Helvetica", 8.5)):
        paper.drawCentredString(WIDTH / 2, 21 * mm - number * 4 * mm, line)


def _draw_qr(paper: Canvas, text: str, left: float, bottom: float) -> None:
    """One rectangle for every run of dark modules, without gaps between them."""
    rows = segno.make(text, error="m", micro=False).matrix
    side = QR_SIDE / len(rows)
    path = paper.beginPath()
    for down, row in enumerate(rows):
        y, start = bottom + (len(rows) - down - 1) * side, None
        for across, dark in enumerate([*row, 0]):
            if dark and start is None:
                start = across
            elif not dark and start is not None:
                path.rect(left + start * side, y, (across - start) * side, side)
                start = None
    paper.setFillColor(INK)
    paper.drawPath(path, stroke=0, fill=1)


def printable(text: str) -> str:
    """`text` on one line in letters the built-in fonts have: `Łódź 東京` → `Lódz`."""
    kept = []
    for letter in " ".join(text.split()).replace("Ł", "L").replace("ł", "l"):
        for piece in (letter, unicodedata.normalize("NFKD", letter)[0]):
            if piece.isprintable() and piece.encode("cp1252", "ignore"):
                kept.append(piece)
                break
    return "".join(kept).strip()


def _lines(text: str, font: str, size: float) -> list[str]:
    """`text` broken at its spaces to the width of the page; what is too long is cut."""
    most, lines = WIDTH - 2 * MARGIN, [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if stringWidth(longer, font, size) <= most:
            lines[-1] = longer
            continue
        while stringWidth(word, font, size) > most:
            word = word[:-2] + "…"
        lines = [*lines, word] if lines[-1] else [word]
    if len(lines) > _MOST_LINES:
        lines = [*lines[: _MOST_LINES - 1], f"{lines[_MOST_LINES - 1]} …"]
    return lines
