"""Shared links: Open Graph, and the files that crawlers and phones ask for by name."""

import io
import re
from xml.etree import ElementTree

import pytest
from django.conf import settings
from PIL import Image

from events.covers import redraw_cover
from events.sitemaps import LEFT_ALONE
from tests.factories import EventFactory

pytestmark = pytest.mark.django_db


def shared(client, event) -> tuple[bytes, dict[str, str]]:
    """The picture that an event's page names, and what the page says of it."""
    page = client.get(event.get_absolute_url()).content.decode()
    said = dict(re.findall(r'<meta property="og:image(\S*)" content="([^"]*)"', page))
    answer = client.get(said[""].removeprefix(settings.SITE_URL))
    assert answer["Content-Type"] == said[":type"] == "image/jpeg"
    assert answer["Cross-Origin-Resource-Policy"] == "cross-origin"
    return answer.content, said


def test_each_event_has_a_picture_of_its_own_of_the_size_that_is_said(client):
    one, said = shared(client, EventFactory(title="One"))
    other, _said = shared(client, EventFactory(title="Other"))
    assert one != other
    assert (said[":width"], said[":height"], said[":alt"]) == ("1200", "630", "One")
    assert Image.open(io.BytesIO(one)).size == (1200, 630)


def test_a_cover_is_what_is_shared(client):
    event = EventFactory()
    upload = io.BytesIO()
    Image.new("RGB", (800, 800), "#ff0000").save(upload, "PNG")
    upload.size = len(upload.getvalue())
    event.cover = redraw_cover(upload)
    event.save()
    picture, _said = shared(client, event)
    red, green, blue = Image.open(io.BytesIO(picture)).convert("RGB").getpixel((600, 300))
    assert red > 240
    assert max(green, blue) < 20


def test_a_hidden_event_has_none(client):
    assert client.get(f"/share/{EventFactory(is_active=False).pk}.jpg").status_code == 404


def test_crawlers_are_told_where_to_look_and_where_not(client):
    event, hidden = EventFactory(), EventFactory(is_active=False)
    robots = client.get("/robots.txt")
    assert robots["Content-Type"].startswith("text/plain")
    lines = robots.content.decode().splitlines()
    assert f"Sitemap: {settings.SITE_URL}/sitemap.xml" in lines
    assert {f"Disallow: {path}" for path in LEFT_ALONE} < set(lines)
    tree = ElementTree.fromstring(client.get("/sitemap.xml").content)
    places = [place.text for place in tree.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
    assert places == [settings.SITE_URL + event.get_absolute_url()]
    assert hidden.slug not in str(places)


@pytest.mark.parametrize(
    ("path", "kind", "size"), [("favicon.ico", "ICO", (48, 48)), ("apple-touch-icon.png", "PNG", (180, 180))]
)
def test_icons_that_are_asked_for_by_name_are_there(client, path, kind, size):
    answer = client.get(f"/{path}")
    picture = Image.open(io.BytesIO(b"".join(answer.streaming_content)))
    assert (answer.status_code, picture.format, picture.size) == (200, kind, size)
