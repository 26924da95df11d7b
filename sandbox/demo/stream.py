"""A live stream of the sandbox's own: six seconds in a loop, as HLS (RFC 8216).

The pieces in `loop/` were written once by ffmpeg. The list is made anew at each asking: its last piece is
that of now, so a player joins in the middle and never comes to an end.
"""

import time
from pathlib import Path

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

LOOP = Path(__file__).parent / "loop"
PIECES, SECONDS, LISTED = 3, 2, 5
# Counted since the start: a player works through as many discontinuities as the list says there were.
STARTED = time.time() - LISTED * SECONDS


def playlist(now: float) -> str:
    """The pieces up to `now` (a Unix time in seconds); each first one of the loop is a discontinuity."""
    last = int(now - STARTED) // SECONDS
    first = last - LISTED + 1
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:3",
        f"#EXT-X-TARGETDURATION:{SECONDS}",
        f"#EXT-X-MEDIA-SEQUENCE:{first}",
        f"#EXT-X-DISCONTINUITY-SEQUENCE:{-(-first // PIECES)}",
    ]
    for number in range(first, last + 1):
        piece = number % PIECES
        lines += ["#EXT-X-DISCONTINUITY"] if piece == 0 else []
        lines += [f"#EXTINF:{SECONDS:.3f},", f"part{piece}.ts"]
    return "\n".join(lines) + "\n"


@require_safe
def live(request: HttpRequest) -> HttpResponse:
    answer = HttpResponse(playlist(time.time()), content_type="application/vnd.apple.mpegurl")
    answer["Cache-Control"] = "no-store"
    return _for_any_page(answer)


@require_safe
def part(request: HttpRequest, number: int) -> HttpResponse:
    if number >= PIECES:
        raise Http404
    answer = FileResponse((LOOP / f"part{number}.ts").open("rb"), content_type="video/mp2t")
    return _for_any_page(answer)


def _for_any_page(answer: HttpResponse) -> HttpResponse:
    answer["Access-Control-Allow-Origin"] = "*"
    answer["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer
