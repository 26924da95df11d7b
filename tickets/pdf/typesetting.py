"""Fonts of our PDFs: chooses one for each run of letters, and reports letters that none has."""

import functools
import threading
import unicodedata
from itertools import groupby
from pathlib import Path

from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.pdfmetrics import registerFont, stringWidth
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

# DejaVu Sans Condensed: the alphabets of Europe and the Caucasus, Vietnamese, and many signs.
_FOLDER = Path(__file__).parent / "fonts"
_REGULAR = TTFont("DejaVu", _FOLDER / "DejaVuSansCondensed.ttf", shapable=False)
_BOLD = TTFont("DejaVu-Bold", _FOLDER / "DejaVuSansCondensed-Bold.ttf", shapable=False)
# East Asian letters are too many to bring along. Programs that show PDFs mostly have fonts for these names;
# of each, the letters it surely has.
_EAST_ASIAN = {
    "HeiseiKakuGo-W5": "cp932",
    "STSong-Light": "gb2312",
    "MSung-Light": "big5",
    "HYGothic-Medium": "cp949",
}
for font in (_REGULAR, _BOLD, *map(UnicodeCIDFont, _EAST_ASIAN)):
    registerFont(font)
_LETTERS = _REGULAR.face.charToGlyph.keys() & _BOLD.face.charToGlyph.keys()
_writing = threading.Lock()  # reportlab cuts fonts to size with one read position for all threads
_FROM_THE_RIGHT = ("R", "AL", "AN")  # nobody here joins and turns the letters of Arabic and Hebrew


def printable(text: str) -> str:
    """`text` on one line without what cannot be printed; an accent that no font has is left away."""
    line = unicodedata.normalize("NFC", " ".join(text.split()))
    return " ".join("".join(map(_printable, line)).split())


def may_lose_letters(text: str) -> bool:
    """Whether letters or digits are left out, or need a font that the reader's program may not have.

    Signs and pictures do not count.
    """
    line = unicodedata.normalize("NFC", text)
    letters = [sign for sign in line if unicodedata.category(sign)[0] in "LN"]
    return not all(_is_ours(_printable(sign)) for sign in letters)


def _printable(sign: str) -> str:
    for one in (sign, unicodedata.normalize("NFKD", sign)[0]):
        if _is_ours(one) or any(_has(codec, one) for codec in _EAST_ASIAN.values()):
            return one
    return ""


def _is_ours(sign: str) -> bool:
    is_known = bool(sign) and ord(sign) in _LETTERS and sign.isprintable()
    return is_known and unicodedata.bidirectional(sign) not in _FROM_THE_RIGHT


@functools.lru_cache(maxsize=4096)
def _has(codec: str, sign: str) -> bool:
    return sign.isprintable() and len(sign.encode(codec, "ignore")) > 1


def runs(text: str, *, bold: bool = False) -> list[tuple[str, str]]:
    """(font, part) of a `printable` text; an East Asian text stays in one font if one has all of it."""
    east = sorted(_EAST_ASIAN, key=lambda font: -sum(_has(_EAST_ASIAN[font], sign) for sign in text))
    ours = (_BOLD if bold else _REGULAR).fontName

    def font_of(sign: str) -> str:
        if _is_ours(sign):
            return ours
        return next((font for font in east if _has(_EAST_ASIAN[font], sign)), ours)

    return [(font, "".join(part)) for font, part in groupby(text, key=font_of)]


def width_of(text: str, size: float, *, bold: bool = False) -> float:
    return sum(stringWidth(part, font, size) for font, part in runs(text, bold=bold))


def lines_of(text: str, size: float, *, within: float, most: int, bold: bool = False) -> list[str]:
    """A `printable` text in at most `most` lines, broken at spaces and inside of words that are too long."""
    lines = [""]
    for word in text.split():
        for part in _parts(word, size, within, bold):
            longer = f"{lines[-1]} {part}".strip()
            if width_of(longer, size, bold=bold) <= within:
                lines[-1] = longer
            else:
                lines.append(part)
    if len(lines) <= most:
        return lines
    last = lines[most - 1]
    while width_of(f"{last} …", size, bold=bold) > within:
        last = last[:-1]
    return [*lines[: most - 1], f"{last} …"]


def _parts(word: str, size: float, within: float, bold: bool) -> list[str]:
    """`word` in parts that each fit; whole when it does."""
    parts = [""]
    for sign in word:
        if parts[-1] and width_of(parts[-1] + sign, size, bold=bold) > within:
            parts.append("")
        parts[-1] += sign
    return parts


def write(paper: Canvas, x: float, y: float, text: str, size: float, *, bold: bool = False) -> None:
    """`text` on one line from `x` on, each letter in a font that has it."""
    for font, part in runs(f"{printable(text)} ", bold=bold):  # else lines read as one word
        paper.setFont(font, size)
        paper.drawString(x, y, part)
        x += width_of(part, size, bold=bold)


def save(paper: Canvas) -> None:
    with _writing:
        paper.save()
