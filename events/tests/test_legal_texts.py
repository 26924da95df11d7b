"""Terms, privacy notice and imprint of the operator: pages, links in every footer, and what is refused."""

import pytest
from django.conf import settings as here

from tests.factories import EventFactory
from ticketsuma.tests.test_settings import DEVELOPMENT, started

pytestmark = pytest.mark.django_db

OURS = {
    "terms": ("/terms", "# Seats\n\nA seat is a *seat*. <script>alert(1)</script>"),
    "privacy": ("https://example.com/privacy", ""),
    "imprint": ("", ""),
}


def test_a_text_is_a_page_a_link_leads_away_and_none_is_not_there(client, settings):
    settings.LEGAL = OURS
    page = client.get("/terms").content.decode()
    assert "<em>seat</em>" in page
    assert "<script>alert" not in page
    assert client.get("/privacy")["Location"] == "https://example.com/privacy"
    assert client.get("/imprint").status_code == 404


@pytest.mark.parametrize("path", ["/", "/find", "/nothing", "/accounts/login/", "event"])
def test_every_footer_links_to_what_there_is(client, settings, path):
    settings.LEGAL = OURS
    page = client.get(EventFactory().get_absolute_url() if path == "event" else path).content.decode()
    assert 'href="/terms">Terms</a>' in page
    assert 'href="https://example.com/privacy">Privacy</a>' in page
    assert "Imprint" not in page


def test_the_terms_stand_above_the_button_that_buys(client, settings):
    event = EventFactory()
    assert "By pressing the button" not in client.get(event.get_absolute_url()).content.decode()
    settings.LEGAL = OURS
    free = EventFactory(price_sats=0)
    page = client.get(free.get_absolute_url()).content.decode()
    assert 'By pressing the button you agree to the <a class="textlink" href="/terms">terms</a>.' in page
    assert "Tickets are not given back for money" not in page


def test_they_are_read_at_the_start(tmp_path):
    (tmp_path / "terms.md").write_text("Be kind.")
    given = {"TERMS": str(tmp_path / "terms.md"), "PRIVACY": "https://example.com/p"}
    said, _refused = started(tmp_path, DEVELOPMENT, "settings.LEGAL", **given)
    assert "'terms': ('/terms', 'Be kind.'), 'privacy': ('https://example.com/p', '')" in said
    _said, refused = started(tmp_path, DEVELOPMENT, "settings.LEGAL", IMPRINT="http://example.com/imprint")
    assert "IMPRINT is neither an https:// address nor a text file" in refused
    assert here.LEGAL["terms"] == ("", "")
