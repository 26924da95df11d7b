"""The event page of strangers: kept, never stale, nobody's; and the form on it, which has no token."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.core.cache import caches
from django.test import Client
from django.utils import timezone

from events.models import Event, Organizer, TicketType
from tests.factories import EventFactory, OrderFactory, StaffFactory, UserFactory
from tickets.models import Order

pytestmark = pytest.mark.django_db(transaction=True)
OURS = {"HTTP_ORIGIN": "http://testserver"}
SAME_SITE = {"HTTP_SEC_FETCH_SITE": "same-origin"}


def page_of(event: Event, **headers) -> str:
    """What somebody new sees, in one line."""
    answer = Client().get(event.get_absolute_url(), **headers)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def key_in(page: str) -> str:
    return re.search(r'name="key" value="([^"]*)"', page)[1]


@pytest.fixture
def browser() -> Client:
    """A browser whose forms are looked at as everybody's are."""
    return Client(enforce_csrf_checks=True)


def send_form(browser: Client, event: Event, **headers):
    fields = {"quantity": 1, "email": "ann@example.com", "name": "", "uma_address": ""}
    fields |= {"key": key_in(page_of(event)), "price_sats": event.price_sats}
    return browser.post(event.get_absolute_url(), fields, **headers)


def test_the_kept_header_is_of_the_readers_language_and_of_who_reads(client):
    def header(who: Client, language: str) -> str:
        return who.get("/find", headers={"accept-language": language}).content.decode().split("</header>")[0]

    member = Client()
    member.force_login(UserFactory())
    for _ in range(2):  # made, and kept
        assert ("My tickets" in header(client, "en"), "Sign in" in header(client, "en")) == (True, True)
        assert "Mis entradas" in header(client, "es")
        assert ("My account" in header(member, "en"), "Sign in" in header(member, "en")) == (True, False)


# -- kept -------------------------------------------------------------------------------------
def test_a_strangers_page_takes_one_statement_and_is_rendered_once(client, django_assert_num_queries):
    event = EventFactory()
    rendered = []
    for statements in (2, 1, 1):
        with django_assert_num_queries(statements):
            rendered.append(bool(client.get(event.get_absolute_url()).templates))
    assert rendered == [True, False, False]


def test_each_page_has_a_key_of_its_own_and_no_cookie_and_no_token(client):
    event = EventFactory()
    answers = [client.get(event.get_absolute_url()) for _ in range(2)]
    keys = {key_in(answer.content.decode()) for answer in answers}
    assert len(keys) == 2
    for answer in answers:
        assert not answer.cookies
        assert "csrfmiddlewaretoken" not in answer.content.decode()
        assert "[key " not in answer.content.decode()
        assert "Cookie" in answer["Vary"]
        assert "Accept-Language" in answer["Vary"]
        assert answer["Cache-Control"] == "private"
        assert "X-Accel-Expires" not in answer


@pytest.mark.parametrize(
    "fields",
    [{}, {"price_sats": 0}, {"seats_taken": 50}, {"canceled_at": timezone.now()}],
    ids=["for money", "free", "sold out", "canceled"],
)
def test_a_strangers_page_looks_like_everybodys(client, fields):
    event = EventFactory(capacity=50, description="# Heading\n\nWords.", **fields)
    for page in (shared := page_of(event), page_of(event)):
        client.cookies["somebodys"] = "x"
        own = " ".join(client.get(event.get_absolute_url()).content.decode().split())
        own = re.sub(r'<input type="hidden" name="csrfmiddlewaretoken" value="[^"]+">', "", own)
        without_key = [re.sub(r'name="key" value="[^"]+"', "", each) for each in (page, own)]
        assert without_key[0] == without_key[1]
    assert "[seats " not in shared


def test_of_a_type_without_end_no_number_of_seats_is_said(client):
    event = EventFactory()
    TicketType.objects.create(event=event, name="Replay", price=100, position=1, admits="replay")
    client.get(event.get_absolute_url())
    page = page_of(event)
    assert "Replay" in page
    assert "[seats " not in page


def test_a_proxy_that_fills_the_key_in_may_keep_the_page_for_a_second(client):
    answer = client.get(EventFactory().get_absolute_url(), HTTP_X_FORM_KEY="proxy")
    assert (key_in(answer.content.decode()), answer["X-Accel-Expires"]) == ("", "1")
    assert not answer.cookies


# -- never stale ------------------------------------------------------------------------------
def test_what_staff_change_is_there_with_the_next_look():
    event = EventFactory(price_sats=2100, title="Before")
    assert "2,100" in page_of(event)
    Event.objects.update(price_sats=4200)
    page = page_of(event)
    assert ("4,200" in page, "2,100" in page, 'name="price_sats" value="4200"' in page) == (True, False, True)
    event.refresh_from_db()
    event.title = "After"
    event.save()
    assert "Before" not in page_of(event)
    Event.objects.update(canceled_at=timezone.now())
    assert "This event is canceled." in page_of(event)


def test_what_an_organizer_changes_is_there_with_the_next_look():
    organizer = Organizer.objects.create(name="Sala Azul")
    event = EventFactory(organizer=organizer, organizer_name="")
    assert "Sala Azul" in page_of(event)
    organizer.name = "Sala Verde"
    organizer.save()
    assert "Sala Verde" in page_of(event)
    assert f"/organizers/{organizer.slug}" in page_of(event)
    Organizer.objects.update(closed_at=timezone.now())
    assert f"/organizers/{organizer.slug}" not in page_of(event)


def test_every_sale_is_there_with_the_next_look():
    event = EventFactory(capacity=3)
    assert "3 seats left" in page_of(event)
    OrderFactory(event=event, quantity=2)
    assert "1 seat left" in page_of(event)
    OrderFactory(event=event)
    assert "All seats are taken." in page_of(event)


def test_the_page_follows_the_clock():
    now = timezone.now()
    event = EventFactory(sales_end=now + timedelta(minutes=90), start_time=now + timedelta(minutes=60),
        end_time=now + timedelta(minutes=95))  # fmt: skip
    said = []
    for minutes in (0, 61, 89, 91, 96):
        with time_machine.travel(now + timedelta(minutes=minutes), tick=False):
            said.append(page_of(event))
    assert "Your seats are held for 15 minutes" in said[0]
    assert "Live now" in said[1]
    assert "Your seats are held for 6 minutes" in said[2]
    assert "Ticket sales are closed." in said[3]
    assert "This event is over." in said[4]


def test_each_language_has_its_own():
    event = EventFactory()
    assert "seats left" in page_of(event)
    assert "plazas" in page_of(event, HTTP_ACCEPT_LANGUAGE="es")
    assert "seats left" in page_of(event, HTTP_ACCEPT_LANGUAGE="en")


def test_a_former_price_is_not_charged_though_somebody_has_it_on_the_screen(browser):
    event = EventFactory(price_sats=2100)
    fields = {"price_sats": 2100, "key": key_in(page_of(event))}
    Event.objects.update(price_sats=4200)
    fields |= {"quantity": 1, "email": "ann@example.com", "name": "", "uma_address": ""}
    answer = browser.post(event.get_absolute_url(), fields, **OURS)
    assert (answer.status_code, Order.objects.exists()) == (409, False)


# -- nobody's ---------------------------------------------------------------------------------
@pytest.mark.parametrize("cookie", ["sessionid", "messages", "somebody_elses"])
def test_a_page_for_somebody_is_neither_kept_nor_a_kept_one(client, cookie):
    event = EventFactory()
    page_of(event)
    caches["pages"].clear()
    client.cookies[cookie] = "x"
    answer = client.get(event.get_absolute_url())
    assert "csrfmiddlewaretoken" in answer.content.decode()
    assert "X-Accel-Expires" not in client.get(event.get_absolute_url(), HTTP_X_FORM_KEY="proxy")
    assert all("template.cache." in name for name in caches["pages"]._cache)


def test_seats_held_and_staffs_links_are_on_no_strangers_page(client):
    event = EventFactory()
    client.post(event.get_absolute_url(), {"quantity": 2, "email": "ann@example.com"})
    assert "You are holding 2 seats" in client.get(event.get_absolute_url()).content.decode()
    staff = Client()
    staff.force_login(StaffFactory())
    assert f"/door/{event.pk}" in staff.get(event.get_absolute_url()).content.decode()
    page = page_of(event)
    assert "You are holding" not in page
    assert "/door/" not in page


# -- the form ---------------------------------------------------------------------------------
def test_a_strangers_form_is_taken_by_its_origin(browser):
    event = EventFactory()
    assert send_form(browser, event, **OURS).status_code == 302
    assert Order.objects.count() == 1


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"HTTP_ORIGIN": "null"},
        {"HTTP_ORIGIN": "http://evil.example"},
        {"HTTP_ORIGIN": "https://testserver"},
        {"HTTP_ORIGIN": "http://testserver:81"},
        {"HTTP_ORIGIN": "http://testserver.evil.example"},
        {"HTTP_ORIGIN": "http://evil.example", **SAME_SITE},
        {"HTTP_REFERER": "http://testserver/", **SAME_SITE},
    ],
    ids=str,
)
def test_a_strangers_form_from_elsewhere_is_refused(browser, headers):
    event = EventFactory()
    assert send_form(browser, event, **headers).status_code == 403
    assert browser.post("/language", {"language": "es"}, **headers).status_code == 403
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    ("fetched", "status"),
    [
        ({}, 403),
        ({"HTTP_SEC_FETCH_SITE": "same-site"}, 403),
        ({"HTTP_SEC_FETCH_SITE": "cross-site"}, 403),
        (SAME_SITE, 302),
    ],
)
def test_who_signed_in_meanwhile_sends_it_by_two_proofs(browser, fetched, status):
    browser.force_login(UserFactory())
    assert send_form(browser, EventFactory(), **OURS, **fetched).status_code == status


def test_a_wrong_token_is_no_missing_one(browser):
    fields = {"quantity": 1, "email": "ann@example.com", "csrfmiddlewaretoken": "a" * 64}
    answer = browser.post(EventFactory().get_absolute_url(), fields, **OURS, **SAME_SITE)
    assert answer.status_code == 403


def test_other_forms_need_their_token_all_the_same(browser):
    answer = browser.post("/find", {"email": "ann@example.com"}, **OURS, **SAME_SITE)
    assert answer.status_code == 403


def test_a_mistake_is_shown_with_a_token_and_sent_again(browser):
    event = EventFactory()
    answer = browser.post(event.get_absolute_url(), {"quantity": 1, "email": ""}, **OURS)
    page = answer.content.decode()
    assert answer.status_code == 422
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]
    fields = {"quantity": 1, "email": "ann@example.com", "csrfmiddlewaretoken": token}
    assert browser.post(event.get_absolute_url(), fields).status_code == 302


def test_strangers_choose_their_language(browser):
    answer = browser.post("/language", {"language": "es", "next": "/"}, **OURS)
    assert (answer.status_code, browser.cookies["django_language"].value) == (302, "es")
    assert 'lang="es"' in browser.get(EventFactory().get_absolute_url()).content.decode()
