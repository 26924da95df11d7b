"""The link that ends news: one click of a mail program, no click of a scanner, nobody else's address."""

import re

import pytest
from django.core import mail as outbox
from django.core.signing import Signer
from django.test import Client

from tests.factories import EveningFactory, OrderFactory, OrganizerFactory, UserFactory
from tickets.guest_messages import services
from tickets.guest_messages.models import Unsubscribed
from tickets.guest_messages.tests.factories import MessageFactory, work_off
from tickets.guest_messages.unsubscribing import key_of, unsubscribe_url, unsubscribed
from tickets.services.data_export import export_person

pytestmark = pytest.mark.django_db(transaction=True)

ANN = "ann@example.com"


def link(organizer=None, address: str = ANN) -> str:
    """The path of a link."""
    return re.sub(r"^https?://[^/]+", "", unsubscribe_url(organizer and organizer.pk, address))


@pytest.fixture
def program():
    """A mail program: no cookies, and every check of forms is on."""
    return Client(enforce_csrf_checks=True)


def test_a_mail_program_unsubscribes_with_one_post(program):
    """As RFC 8058 3.2 has it: form data, no cookie, no token, no question."""
    organizer = OrganizerFactory()
    OrderFactory(event=EveningFactory(price_sats=0, organizer=organizer), email=ANN)
    services.send(MessageFactory(event=organizer.events.get(), kind="news"))
    services.begin_due()
    work_off()
    header = outbox.outbox[-1].extra_headers["List-Unsubscribe"]
    path = re.fullmatch(r"<https?://[^/]+(/unsubscribe/[^>]+)>", header)[1]
    answer = program.post(path, {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert not answer.cookies
    assert unsubscribed(organizer.pk, [ANN]) == {ANN}


def test_looking_at_the_link_unsubscribes_nobody(program):
    """Scanners and previews of mail open every link."""
    for method in (program.get, program.head):
        assert method(link()).status_code == 200
    assert not Unsubscribed.objects.exists()


def test_the_page_asks_and_takes_it_back(program):
    page = program.get(link())
    assert "No more news, please" in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    assert "No more news for you" in program.post(link()).content.decode()
    assert program.post(link()).status_code == 200, "twice is once"
    assert "You get the news again" in program.post(link(), {"again": "1"}).content.decode()
    assert not Unsubscribed.objects.exists()


def test_a_link_is_for_one_organizer_and_one_address(program):
    ours, others = OrganizerFactory(), OrganizerFactory()
    program.post(link(ours))
    assert unsubscribed(ours.pk, [ANN, "bo@example.com"]) == {ANN}
    assert unsubscribed(others.pk, [ANN]) == set()
    assert unsubscribed(None, [ANN]) == set()


def test_a_link_names_nobody_and_nobody_is_kept(program):
    assert "ann" not in link().lower()
    assert "example.com" not in link().lower()
    program.post(link())
    assert ANN not in str(Unsubscribed.objects.values_list())


@pytest.mark.parametrize("token", ["", "x", "x:y", "0.", "é" * 300, "0" * 5000, "..", "../admin", "0.x:"])
def test_a_made_up_link_is_no_page(program, token):
    assert program.get(f"/unsubscribe/{token}").status_code == 404
    assert program.post(f"/unsubscribe/{token}").status_code in (403, 404)
    assert not Unsubscribed.objects.exists()


@pytest.mark.parametrize("salt", ["", "tickets.order", "tickets.ticket"])
def test_a_link_signed_for_something_else_is_no_link(program, salt):
    """Another address under a signature that is not its own; a token of orders and tickets."""
    said = f"0.{key_of(None, ANN)}"
    token = Signer(salt=salt).sign(said) if salt else link(None, "bo@example.com").replace(
        key_of(None, "bo@example.com"), key_of(None, ANN)
    ).rpartition("/")[2]  # fmt: skip
    assert program.post(f"/unsubscribe/{token}").status_code == 404
    assert not Unsubscribed.objects.exists()


def test_the_link_of_an_organizer_that_is_gone_is_no_page(program):
    organizer = OrganizerFactory()
    path = link(organizer)
    program.post(path)
    organizer.delete()
    assert program.post(path).status_code == 404
    assert not Unsubscribed.objects.exists()


def test_an_export_says_of_whom_its_owner_wants_no_news(program):
    ours, _others = OrganizerFactory(name="Club"), OrganizerFactory()
    user = UserFactory(email=ANN)
    program.post(link(ours))
    program.post(link(None, "bo@example.com"))
    assert export_person(user)["no_news_of"] == ["Club"]


def test_the_page_is_spanish_for_whoever_reads_spanish(program):
    page = program.get(link(), headers={"Accept-Language": "es"}).content.decode()
    assert "No quiero más noticias" in page
