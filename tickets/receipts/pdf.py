"""PDF of a receipt: one page of A4, longer where there are more lines than fit."""

import io
from datetime import UTC

from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from reportlab.lib.colors import Color
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from tickets.pdf.tags import Tags
from tickets.pdf.ticket import INK, MUTED
from tickets.pdf.typesetting import lines_of, may_lose_letters, printable, save, width_of, write
from ticketsuma.money import format_amount, format_basis_points

from .models import Receipt
from .saying import Facts, addressee_of, facts_of, payment_of, seller_of, title_of

WIDTH, HEIGHT = A4
MARGIN = 20 * mm
RIGHT = WIDTH - MARGIN
_INSIDE = WIDTH - 2 * MARGIN
_SIZE = 9.5
# Where the columns of numbers end, from the right edge: amount, tax, rate, price.
_COLUMNS = (0, 34 * mm, 62 * mm, 84 * mm)


def receipt_pdf(receipt: Receipt) -> bytes:
    """The receipt as a PDF, in the reader's language; its series, order and addressee are read.

    Letters that no font here has are left out, as on tickets, and the paper says where they are.
    """
    high = max(HEIGHT, MARGIN - _Sheet(_canvas(io.BytesIO(), HEIGHT), 0).draw(receipt))
    file = io.BytesIO()
    paper = _canvas(file, high)
    _say_what_it_is(paper, receipt)
    sheet = _Sheet(paper, high)
    sheet.draw(receipt)
    paper.showPage()
    sheet.tags.finish()
    save(paper)
    return file.getvalue()


def _canvas(file: io.BytesIO, high: float) -> Canvas:
    return Canvas(
        file, pagesize=(WIDTH, high), pageCompression=1, invariant=1, pdfVersion=(1, 7),
        lang=get_language() or "en",
    )  # fmt: skip


def _say_what_it_is(paper: Canvas, receipt: Receipt) -> None:
    paper.setTitle(title_of(receipt))
    paper.setAuthor(receipt.seller)
    paper.setSubject(receipt.event_title)
    paper.setCreator(settings.SITE_NAME)
    paper.setKeywords(receipt.order.code)
    paper.setViewerPreference("DisplayDocTitle", "true")
    # The same receipt is the same file: its date is that of what it says.
    changed = receipt.addressee.at if receipt.addressee else receipt.issued_at
    said = changed.astimezone(UTC).strftime("D:%Y%m%d%H%M%S+00'00'")
    paper.setDateFormatter(lambda *_now: said)


class _Sheet:
    """Draws from `top` downwards; `y` is where the next line is."""

    def __init__(self, paper: Canvas, top: float):
        self.paper, self.tags, self.y = paper, Tags(paper), top - MARGIN - 4 * mm

    def draw(self, receipt: Receipt) -> float:
        """All of it; answers how far down it went."""
        self._head(receipt)
        self._facts(facts_of(receipt))
        self._lines(receipt)
        self._taxes(receipt)
        self._facts(payment_of(receipt))
        texts = [receipt.event_title, *seller_of(receipt), *addressee_of(receipt)]
        if may_lose_letters(" ".join([*texts, *(part.text for part in receipt.parts)])):
            self.y -= 6 * mm
            says = _("Where letters are missing here, the receipt's page on the web shows them.")
            self._text([says], MARGIN, MUTED, size=8)
        return self.y

    def _head(self, receipt: Receipt) -> None:
        top = self.y
        with self.tags.tagged("H1"):
            self._write(MARGIN, title_of(receipt), 18, bold=True)
        self.y = top + 1.5 * mm
        self._party(seller_of(receipt), RIGHT - 80 * mm, to_the_right=True)
        seller_ends = self.y
        self.y = top - 20 * mm
        if to := addressee_of(receipt):
            self._text([_("For")], MARGIN, MUTED)
            self._party(to, MARGIN)
        self.y = min(self.y, seller_ends) - 6 * mm

    def _party(self, texts: list[str], x: float, *, to_the_right: bool = False) -> None:
        for number, text in enumerate(texts):
            with self.tags.tagged("P"):
                for line in lines_of(printable(text), 10, within=80 * mm, most=4, bold=not number):
                    wide = width_of(line, 10, bold=not number)
                    self._write(RIGHT - wide if to_the_right else x, line, 10, bold=not number)
                    self.y -= 4.8 * mm

    def _facts(self, facts: Facts) -> None:
        self.y -= 2 * mm
        for name, says in facts:
            with self.tags.tagged("P"):
                self._write(MARGIN, name, _SIZE, ink=MUTED)
                for line in lines_of(printable(says), _SIZE, within=_INSIDE - 45 * mm, most=3):
                    self._write(MARGIN + 45 * mm, line, _SIZE)
                    self.y -= 5.2 * mm
        self.y -= 6 * mm

    def _lines(self, receipt: Receipt) -> None:
        has_taxes, is_note = bool(receipt.taxes), receipt.is_credit_note
        heads = [
            _("Amount"), *([_("Tax included"), _("Tax rate")] if has_taxes else []),
            *([] if is_note else [_("Price")]),
        ]  # fmt: skip
        self._row(_("What"), heads, bold=True)
        self._rule(0.8)
        for part in receipt.parts:
            untold = part.rate is None
            cells = [self._amount(receipt, part.amount)]
            if has_taxes:
                tax = "–" if untold else self._amount(receipt, part.tax)
                cells += [tax, "–" if part.rate is None else format_basis_points(part.rate)]
            if not is_note:
                cells.append(format_amount(part.price, receipt.currency))
            self._row(part.said, cells)
            if part.discount:
                off = {"discount": format_amount(part.discount, receipt.currency)}
                self._text([_("Discount %(discount)s") % off], MARGIN, MUTED, size=8)
            self._rule(0.3)
        self.y -= 1.5 * mm
        total = _("Given back") if is_note else _("Total")
        self._row(total, [self._amount(receipt, receipt.amount)], bold=True, size=12)
        self.y -= 4 * mm

    def _taxes(self, receipt: Receipt) -> None:
        if not receipt.taxes:
            return
        heads = [_("With tax"), _("Tax"), _("Without tax"), _("Tax rate")]
        self._row("", heads, ink=MUTED)
        for rate, gross, tax in receipt.taxes:
            cells = [self._amount(receipt, minor) for minor in (gross, tax, gross - tax)]
            self._row("", [*cells, format_basis_points(rate)])
        self.y -= 6 * mm

    def _amount(self, receipt: Receipt, minor: int) -> str:
        sign = "\N{MINUS SIGN}" if receipt.is_credit_note else ""
        return f"{sign}{format_amount(minor, receipt.currency)}"

    def _row(
        self, text: str, cells: list[str], *, bold: bool = False, size: float = _SIZE, ink: Color = INK
    ) -> None:
        """`cells` from the right; `text` in what is left of them, on as many lines as it needs."""
        within = _INSIDE - _COLUMNS[len(cells) - 1] - 30 * mm
        with self.tags.tagged("P"):
            first = self.y
            for line in lines_of(printable(text), size, within=within, most=3, bold=bold):
                self._write(MARGIN, line, size, bold=bold, ink=ink)
                self.y -= 5.2 * mm
            below, self.y = self.y, first
            for cell, column in reversed(list(zip(cells, _COLUMNS, strict=False))):
                wide = width_of(printable(cell), size, bold=bold)
                self._write(RIGHT - column - wide, cell, size, bold=bold, ink=ink)
            self.y = below

    def _rule(self, wide: float) -> None:
        with self.tags.decoration():
            self.paper.setStrokeColor(MUTED)
            self.paper.setLineWidth(wide)
            self.paper.line(MARGIN, self.y + 3 * mm, RIGHT, self.y + 3 * mm)
        self.y -= 2 * mm

    def _text(self, texts: list[str], x: float, ink: Color, *, size: float = _SIZE) -> None:
        for text in texts:
            with self.tags.tagged("P"):
                self._write(x, text, size, ink=ink)
            self.y -= 5.2 * mm

    def _write(self, x: float, text: str, size: float, *, bold: bool = False, ink: Color = INK) -> None:
        self.paper.setFillColor(ink)
        write(self.paper, x, self.y, text, size, bold=bold)
