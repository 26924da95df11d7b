"""Covers: encoded anew, renamed, served; anything else is refused."""

import io

import pytest
from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from events.covers import MAX_BYTES, redraw_cover


def picture(width: int, height: int, kind: str = "PNG") -> bytes:
    drawn = io.BytesIO()
    Image.new("RGBA" if kind == "PNG" else "RGB", (width, height), "red").save(drawn, kind)
    return drawn.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF"])
def test_a_picture_is_drawn_anew_smaller_and_under_another_name(client, kind):
    drawn = redraw_cover(SimpleUploadedFile("../../evil.svg", picture(3200, 1000, kind)))
    with Image.open(drawn) as cover:
        assert (cover.format, cover.size) == ("WEBP", (1600, 500))
    name = default_storage.save(f"covers/{drawn.name}", drawn)
    answer = client.get(f"/media/{name}")
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/webp")
    assert "immutable" in answer["Cache-Control"]
    assert b"".join(answer.streaming_content)[8:12] == b"WEBP"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<svg onload=alert(1)>",
        b"\x89PNG\r\n\x1a\n" + b"\0" * 50,
        picture(20, 20)[:60],
        b"x" * (MAX_BYTES + 1),
    ],
    ids=["nothing", "svg", "broken", "cut off", "too large"],
)
def test_what_is_no_picture_is_refused(body):
    with pytest.raises(ValidationError):
        redraw_cover(SimpleUploadedFile("cover.png", body))


@pytest.mark.parametrize("name", ["nothing.webp", "0" * 32 + ".webp", "..%2f..%2fshop.sqlite3", "%00"])
def test_nothing_else_is_served(client, name):
    assert client.get(f"/media/covers/{name}").status_code in (400, 404)
