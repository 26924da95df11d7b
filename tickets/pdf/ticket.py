"""PDF ticket: one A5 page with the QR as vectors."""

import io
from datetime import UTC

from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from reportlab.lib.colors import HexColor, white
from reportlab.lib.pagesizes import A5
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from tickets.models import Ticket
from tickets.offline_door.statements import qr_text
from ticketsuma.bidi import isolate
from ticketsuma.qr import qr_runs
from ticketsuma.templatetags.display import city, end_clock, grouped, long_day_in, start_clock

from .tags import Tags
from .typesetting import lines_of, may_lose_letters, printable, save, width_of, write

INK, PINE, VOLT, MUTED = HexColor("#121c18"), HexColor("#0a4633"), HexColor("#d9f154"), HexColor("#55605b")
WIDTH, HEIGHT = A5
MARGIN = 14 * mm
_INSIDE = WIDTH - 2 * MARGIN
TEAR = 116 * mm  # where the stub is torn off, from the foot of the page
QR_SIDE = 62 * mm


def ticket_pdf(ticket: Ticket) -> bytes:
    """The ticket as a PDF, in the reader's language; load `order__event` and `line__type` with it.

    Letters that no font here has (Arabic, for example) are left out, and the paper says where they are.
    """
    file = io.BytesIO()
    language = get_language() or "en"
    paper = Canvas(file, pagesize=A5, pageCompression=1, invariant=1, pdfVersion=(1, 7), lang=language)
    tags = Tags(paper)
    _say_what_it_is(paper, ticket)
    _draw_head(paper, tags, ticket)
    _draw_stub(paper, tags, ticket)
    paper.showPage()
    tags.finish()
    save(paper)
    return file.getvalue()


def _say_what_it_is(paper: Canvas, ticket: Ticket) -> None:
    """What readers show and screen readers say of the file."""
    event = ticket.order.event
    paper.setTitle(f"{_('Ticket')}: {isolate(event.title)}")
    paper.setAuthor(event.shown_organizer or settings.SITE_NAME)
    paper.setSubject(f"{', '.join(_when(event))}")
    paper.setCreator(settings.SITE_NAME)
    paper.setKeywords(ticket.order.code)
    paper.setViewerPreference("DisplayDocTitle", "true")
    # The same ticket is the same file: its date is that of what it says, not that of drawing it.
    changed = max(row.updated_at for row in (ticket, event) if row.updated_at)
    said = changed.astimezone(UTC).strftime("D:%Y%m%d%H%M%S+00'00'")
    paper.setDateFormatter(lambda *_now: said)


def _draw_head(paper: Canvas, tags: Tags, ticket: Ticket) -> None:
    event, order = ticket.order.event, ticket.order
    with tags.decoration():
        paper.setFillColor(PINE)
        paper.rect(0, TEAR, WIDTH, HEIGHT - TEAR, stroke=0, fill=1)
    y = HEIGHT - MARGIN - 3 * mm
    paper.setFillColor(VOLT)
    with tags.tagged("P"):
        write(paper, MARGIN, y, settings.SITE_NAME, 10, bold=True)
    number = _("Ticket %(number)s of %(total)s") % {"number": ticket.number, "total": order.quantity}
    with tags.tagged("P"):
        write(paper, WIDTH - MARGIN - width_of(printable(number), 10), y, number, 10)
    y -= 15 * mm
    paper.setFillColor(white)
    with tags.tagged("H1"):
        for line in lines_of(printable(event.title) or _("Event"), 22, within=_INSIDE, most=3, bold=True):
            write(paper, MARGIN, y, line, 22, bold=True)
            y -= 9.5 * mm
    y -= 2 * mm
    with tags.tagged("P"):
        for text in _when(event):
            write(paper, MARGIN, y, text, 12)
            y -= 6 * mm
    paper.setFillColor(VOLT)
    for height, text in ((16, ticket.type_name), (10, ticket.holder_name)):
        if name := printable(text):
            [line] = lines_of(name, 12, within=_INSIDE, most=1, bold=True)
            with tags.tagged("P"):
                write(paper, MARGIN, TEAR + height * mm, line, 12, bold=True)


def _when(event) -> list[str]:
    zone = _("%(city)s time") % {"city": city(event.timezone)}
    start, end = start_clock(event), end_clock(event)
    day = long_day_in(event.start_time, event.zone)
    if event.ends_another_day:
        return [f"{day}, {start}", f"{long_day_in(event.end_time, event.zone)}, {end} {zone}"]
    return [day, f"{start} – {end} {zone}"]


def _draw_stub(paper: Canvas, tags: Tags, ticket: Ticket) -> None:
    with tags.decoration():
        paper.setFillColor(white)
        for x in (0, WIDTH):
            paper.circle(x, TEAR, 4 * mm, stroke=0, fill=1)
        paper.setStrokeColor(white)
        paper.setLineWidth(1.2)
        paper.setLineCap(1)
        paper.setDash(0.1, 5)
        paper.line(8 * mm, TEAR, WIDTH - 8 * mm, TEAR)
        paper.setDash()
    with tags.tagged("Figure", Alt=_("QR code of this ticket; its code is below")):
        _draw_qr(paper, qr_text(ticket), (WIDTH - QR_SIDE) / 2, TEAR - 14 * mm - QR_SIDE)
    paper.setFillColor(INK)
    with tags.tagged("P"):
        paper.setFont("Courier-Bold", 11)
        paper.drawCentredString(WIDTH / 2, 30 * mm, grouped(ticket.ticket_code))
    paper.setFillColor(MUTED)
    words = [_("Whoever has this code has the ticket. Pass it on only to the person who goes.")]
    if may_lose_letters(ticket.holder_name + ticket.type_name + ticket.order.event.title):
        words.append(_("Where letters are missing here, the ticket's page on the web shows them."))
    y = 21 * mm
    for text in words:
        with tags.tagged("P"):
            for line in lines_of(text, 8.5, within=_INSIDE, most=2):
                write(paper, (WIDTH - width_of(line, 8.5)) / 2, y, line, 8.5)
                y -= 4 * mm


def _draw_qr(paper: Canvas, text: str, left: float, bottom: float) -> None:
    """One rectangle for every run of dark modules, without gaps between them."""
    modules, rows = qr_runs(text)
    side = QR_SIDE / modules
    path = paper.beginPath()
    for down, row in enumerate(rows):
        for start, length in row:
            path.rect(left + start * side, bottom + (modules - down - 1) * side, length * side, side)
    paper.setFillColor(INK)
    paper.drawPath(path, stroke=0, fill=1)
