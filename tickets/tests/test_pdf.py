"""PDF tickets, and the names on them."""

import io
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.utils import timezone, translation
from pypdf import PdfReader

from tests.factories import CheckInFactory, EventFactory
from tickets.models import Order, Ticket
from tickets.pdf.ticket import ticket_pdf
from tickets.pdf.typesetting import printable
from tickets.services.orders import place_order

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ticket() -> Ticket:
    order = place_order(event=EventFactory(price_sats=0), quantity=1, email="ann@example.com", name="Ann")
    return order.tickets.select_related("order__event").get()


def words_of(pdf: bytes) -> str:
    """What a reader copies from the one page of `pdf`, in one line."""
    [page] = PdfReader(io.BytesIO(pdf)).pages
    return " ".join(page.extract_text().split())


def fonts_of(pdf: bytes) -> dict[str, bool]:
    """The names of the fonts of the one page, and whether they are in the file."""
    [page] = PdfReader(io.BytesIO(pdf)).pages
    fonts = [font.get_object() for font in page["/Resources"]["/Font"].values()]
    return {font["/BaseFont"]: "/FontFile2" in font.get("/FontDescriptor", {}) for font in fonts}


def test_a_network_has_so_many_papers_a_minute(client, ticket, settings):
    settings.LIMITS = settings.LIMITS | {"COSTLY_PER_IP": (2, 60)}
    answers = [client.get(f"{ticket.get_absolute_url()}/ticket.pdf") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[-1]["Retry-After"]) > 0
    assert client.get(f"/share/{ticket.order.event_id}.jpg").status_code == 429
    assert client.get("/sitemap.xml").status_code == 429
    assert client.get(ticket.get_absolute_url()).status_code == 200


def test_the_pdf_says_what_the_page_says_and_not_where_the_stream_is(client, ticket):
    answer = client.get(f"{ticket.get_absolute_url()}/ticket.pdf")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    assert answer["Cache-Control"] == "no-store, private"
    words = words_of(answer.content)
    assert "A talk" in words
    assert "Ann" in words
    assert ticket.ticket_code in words.replace(" ", "")
    assert b"stream.example" not in answer.content
    assert len(answer.content) < 50_000


MISSING = "Where letters are missing here"


@pytest.mark.parametrize(
    "title",
    [
        "W" * 160,
        "a " * 80,
        "東京の夜" * 40,
        "Łódź ü & <b>",
        "\u202e\u0007x",
        "🎷" * 40,
        "\ufffe",
        "مرحبا",
    ],
)
def test_any_title_and_name_fit_on_one_page(ticket, title):
    ticket.order.event.title = ticket.holder_name = title
    assert ticket.ticket_code in words_of(ticket_pdf(ticket)).replace(" ", "")


@pytest.mark.parametrize(
    "name",
    [
        "Łukasz Żółć-Ğüneş", "Đặng Thị Ngọc Ánh", "Þóra Ægisdóttir", "Љубица Ћирић", "Олександр Ґалаґан",
        "Ελένη Παπαδοπούλου", "Հայկ", "ნინო",
    ],
)  # fmt: skip
def test_a_name_is_printed_in_its_own_letters_with_a_font_of_ours(ticket, name):
    ticket.order.event.title = ticket.holder_name = name
    pdf = ticket_pdf(ticket)
    assert words_of(pdf).count(name) == 2
    assert MISSING not in words_of(pdf)
    brought_along = {font.partition("+")[2] for font, inside in fonts_of(pdf).items() if inside}
    assert brought_along == {"DejaVuSansCondensed", "DejaVuSansCondensed-Bold"}


@pytest.mark.parametrize(
    ("name", "font"),
    [
        ("山田太郎さん", "/HeiseiKakuGo"), ("김민준", "/HYGothic"), ("李龙", "/STSong"),
        ("連勝雄", "/HeiseiKakuGo"), ("妳們", "/MSung"),
    ],
)  # fmt: skip
def test_an_east_asian_name_is_printed_in_a_font_that_has_it(ticket, name, font):
    ticket.holder_name = name
    pdf = ticket_pdf(ticket)
    assert name in words_of(pdf)
    assert MISSING in words_of(pdf)  # not every program that shows PDFs has these fonts
    assert any(used.startswith(font) for used in fonts_of(pdf))


@pytest.mark.parametrize(
    ("name", "printed"), [("محمد Ali", "Ali"), ("שרה", ""), ("สมชาย 7", "7"), ("𠮷田", "田")]
)
def test_letters_that_cannot_be_printed_are_said_to_be_missing(ticket, name, printed):
    ticket.holder_name = name
    assert printable(name) == printed
    assert MISSING in words_of(ticket_pdf(ticket))


def test_pictures_are_left_out_and_lone_accents_too():
    assert printable("Łódź  über\ncafé 🎷 東京\u200b") == "Łódź über café 東京"
    assert printable("e\u0301 Ａ ﬁ ẖ") == "é Ａ ﬁ ẖ"


@pytest.fixture
def quick_turns():
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def test_tickets_drawn_at_once_are_those_drawn_one_by_one(ticket, quick_turns):
    """The fonts, and the position at which they are read, are one for all threads."""
    names = [f"ŻÓĆĘĄŚŹŃżóćęąśźńÀÁÂÃÄÅàáâãäåÈÉÊËèéêëÌÍÎÏ{number}" for number in range(40)]
    tickets = [Ticket(order=ticket.order, number=1, holder_name=name) for name in names]
    with ThreadPoolExecutor(8) as pool:
        at_once = list(pool.map(ticket_pdf, tickets))
    assert at_once == [ticket_pdf(one) for one in tickets]


def test_the_file_says_what_it_is_whose_and_of_when(ticket):
    with translation.override("es"):
        reader = PdfReader(io.BytesIO(ticket_pdf(ticket)))
    said = reader.metadata
    assert ("A talk" in said.title, said.author, said.creator) == (True, "Tickets by UMA", "Tickets by UMA")
    assert said.subject
    assert "anonymous" not in str(said)
    assert "unspecified" not in str(said)
    assert said.creation_date == said.modification_date
    assert abs(said.creation_date - timezone.now()) < timedelta(minutes=5)
    assert reader.trailer["/Root"]["/Lang"] == "es"
    assert reader.trailer["/Root"]["/ViewerPreferences"]["/DisplayDocTitle"]


def test_a_screen_reader_hears_a_heading_and_what_the_picture_is(ticket):
    """The tags of the file (ISO 32000-1, 14.7): all that is drawn is in one, in order."""
    root = PdfReader(io.BytesIO(ticket_pdf(ticket))).trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    tree = root["/StructTreeRoot"]
    document = tree["/K"]
    elements = [element.get_object() for element in document["/K"]]
    assert [element["/S"] for element in elements] == ["/P", "/P", "/H1", "/P", "/P", "/Figure", "/P", "/P"]
    assert elements[5]["/Alt"] == "QR code of this ticket; its code is below"
    [page] = PdfReader(io.BytesIO(ticket_pdf(ticket))).pages
    assert (tree["/ParentTree"]["/Nums"][0], page["/StructParents"]) == (0, 0)
    assert [parent.get_object() for parent in tree["/ParentTree"]["/Nums"][1]] == elements
    assert all(element["/P"] == document for element in elements)
    assert [element["/K"] for element in elements] == list(range(8))

    inside, numbers = 0, []
    for operands, operator in page.get_contents().operations:
        if operator in (b"BDC", b"BMC"):
            assert not inside
            numbers += [operands[1]["/MCID"]] if operator == b"BDC" else []
        inside += {b"BDC": 1, b"BMC": 1, b"EMC": -1}.get(operator, 0)
        assert inside or operator not in (b"Tj", b"TJ", b"f", b"f*", b"S", b"B", b"Do"), operator
    assert numbers == list(range(8))


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
    CheckInFactory(ticket=ticket)
    answer = client.post(f"{ticket.get_absolute_url()}/holder", {"holder_name": "Bo"})
    assert answer.status_code == 409
    assert "can no longer be changed" in answer.content.decode()
    assert Ticket.objects.get().holder_name == "Ann"
