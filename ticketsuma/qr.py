"""QR codes: encoded by zxing-cpp, drawn here as paths for pages and as rows for the PDF."""

import functools
import math
import re
from collections.abc import Iterator

import zxingcpp
from django.utils.safestring import SafeString, mark_safe

_RUN = re.compile(b"\0+")  # dark modules beside each other


def qr_runs(text: str) -> tuple[int, list[list[tuple[int, int]]]]:
    """How many modules the code has along a side, and for each row from the top its runs of dark ones.

    A run is where it begins and how long it is. Error correction M: 15 % of the code may be unreadable.
    """
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    image = zxingcpp.write_barcode_to_image(code, scale=1, add_quiet_zones=False)
    data = memoryview(image).tobytes()  # type: ignore[arg-type]  # its stubs do not say that it is a buffer
    side = math.isqrt(len(data))
    rows = (data[start : start + side] for start in range(0, side * side, side))
    return side, [[(run.start(), run.end() - run.start()) for run in _RUN.finditer(row)] for row in rows]


@functools.lru_cache(maxsize=512)  # of 7 to 20 kB; making one takes 1 to 2 ms
def qr_svg(text: str) -> SafeString:
    """A QR code as inline SVG for a white frame; upper-case text makes it coarser, so easier to scan."""
    side, rows = qr_runs(text)
    path = "".join(_strokes(rows))
    return mark_safe(f'<svg viewBox="0 0 {side} {side}"><path stroke="#000" d="{path}"/></svg>')  # noqa: S308


def qr_image(text: str) -> str:
    """A QR code as an SVG file with its quiet zone. Nothing of it is kept: `text` may be a secret."""
    side, rows = qr_runs(text)
    path, whole = "".join(_strokes(rows)), side + 8
    white = f'<path fill="#fff" d="M-4-4h{whole}v{whole}h-{whole}z"/>'
    size = f'xmlns="http://www.w3.org/2000/svg" viewBox="-4 -4 {whole} {whole}"'
    return f'<svg {size}>{white}<path stroke="#000" d="{path}"/></svg>'


def _strokes(rows: list[list[tuple[int, int]]]) -> Iterator[str]:
    """One line through the middle of each run: stroked one wide, rows leave no gap between them."""
    for down, row in enumerate(rows):
        yield f"M0 {down}.5"
        pen = 0
        for start, length in row:
            yield f"m{start - pen} 0h{length}"
            pen = start + length
