"""A ticket on paper, and the name it bears."""

import base64
import re
import zlib

import pytest
from django.utils import timezone

from tests.shop import an_event
from tickets.models import CheckIn, Order, Ticket
from tickets.pdf import printable, ticket_pdf
from tickets.services import place_order

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ticket() -> Ticket:
    order = place_order(event=an_event(price_sats=0), quantity=1, email="ann@example.com", name="Ann")
    return order.tickets.select_related("order__event").get()


def words_of(pdf: bytes) -> str:
    """What the one page of `pdf` says, as its content stream draws it."""
    assert pdf.startswith(b"%PDF-")
    assert pdf.count(b"/Type /Page\n") == 1
    stream = re.search(rb"stream\n(.*?)~>endstream", pdf, re.DOTALL)[1]
    drawn = zlib.decompress(base64.a85decode(stream)).decode("cp1252")
    return " ".join(re.findall(r"\((.*?)(?<!\\)\) Tj", drawn))


def test_the_pdf_says_what_the_page_says_and_not_where_the_stream_is(client, ticket):
    answer = client.get(f"{ticket.get_absolute_url()}/ticket.pdf")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    assert answer["Cache-Control"] == "no-store, private"
    words = words_of(answer.content)
    assert "A talk" in words
    assert "Ann" in words
    assert ticket.ticket_code in words.replace(" ", "")
    assert b"stream.example" not in answer.content
    assert len(answer.content) < 20_000


@pytest.mark.parametrize(
    "title", ["W" * 160, "a " * 80, "東京の夜", "Łódź ü & <b>", "\u202e\u0007x", "🎷" * 40]
)
def test_any_title_and_name_fit_on_one_page(ticket, title):
    ticket.order.event.title = ticket.holder_name = title
    assert ticket.ticket_code in words_of(ticket_pdf(ticket)).replace(" ", "")


def test_letters_the_font_has_not_lose_their_accents():
    assert printable("Łódź  über\ncafé 東京") == "Lódz über café"


def test_a_ticket_that_admits_nobody_is_not_printed(client, ticket):
    Order.objects.get().advance(Order.Status.CANCELED, ended_at=timezone.now())
    answer = client.get(f"{ticket.get_absolute_url()}/ticket.pdf")
    assert answer["Location"] == ticket.get_absolute_url()


# -- the holder's name ------------------------------------------------------------------------------
def test_whoever_holds_the_link_puts_their_name_on_it(client, ticket):
    page = client.post(f"{ticket.get_absolute_url()}/holder", {"holder_name": " Bo  <b>Lee "}, follow=True)
    assert Ticket.objects.get().holder_name == "Bo <b>Lee"
    assert "Bo &lt;b&gt;Lee" in page.content.decode()


@pytest.mark.parametrize("name", ["x" * 121, "a\0b"])
def test_a_name_that_is_none_is_said_at_the_field(client, ticket, name):
    answer = client.post(f"{ticket.get_absolute_url()}/holder", {"holder_name": name})
    assert answer.status_code == 422
    assert Ticket.objects.get().holder_name == "Ann"


def test_a_used_ticket_keeps_its_name(client, ticket):
    CheckIn.objects.create(ticket=ticket)
    answer = client.post(f"{ticket.get_absolute_url()}/holder", {"holder_name": "Bo"})
    assert answer.status_code == 409
    assert "can no longer be changed" in answer.content.decode()
    assert Ticket.objects.get().holder_name == "Ann"
