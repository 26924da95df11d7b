"""Tests of the shop as an app on a phone: what may be kept, and what is said of copies."""

import json

import pytest
from django.conf import settings
from django.test import Client

from accounts.staff import save_verified_user
from tests.acts import hold
from tests.factories import EveningFactory
from tickets.services.voiding import replace_ticket, void_ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann():
    return save_verified_user(email="ann@example.com", password="a long enough password")[0]


@pytest.fixture
def bea():
    return save_verified_user(email="bea@example.com", password="a long enough password")[0]


def browser_of(user=None) -> Client:
    client = Client()
    if user:
        client.force_login(user)
    return client


def bought(**buyer):
    order = hold(EveningFactory(price_sats=0), 2, **buyer)
    return list(order.tickets.select_related("order__event"))


def asked(client: Client, *paths: object) -> dict:
    body = json.dumps({"tickets": paths})
    answer = client.post("/offline/tickets", body, content_type="application/json")
    assert answer.status_code == 200
    return answer.json()


def test_only_ones_own_tickets_are_kept_without_being_asked(ann, bea):
    path = bought(buyer=ann)[0].get_absolute_url()
    own, others, guest = browser_of(ann).get(path), browser_of(bea).get(path), browser_of().get(path)
    assert own["Keep-Offline"] == own["Signed-In"] != others["Signed-In"]
    assert "Keep-Offline" not in others
    assert "Keep-Offline" not in guest
    assert guest["Signed-In"] == "nobody"


def test_what_was_bought_as_a_guest_belongs_to_the_proven_mailbox(ann):
    path = bought(email=ann.email)[0].get_absolute_url()
    assert "Keep-Offline" in browser_of(ann).get(path)


def test_a_page_and_the_question_about_it_name_the_same_version(ann):
    ticket = bought(buyer=ann)[0]
    path = ticket.get_absolute_url()
    version = browser_of().get(path)["Ticket-Version"]
    assert asked(browser_of(), path)["asked"] == {path: version}
    assert asked(browser_of(ann))["mine"][path] == version


def test_a_void_ticket_has_another_version_and_a_replaced_link_none(ann):
    first, second = bought(buyer=ann)
    was = asked(browser_of(), first.get_absolute_url(), second.get_absolute_url())["asked"]
    void_ticket(first)
    old = second.get_absolute_url()
    replace_ticket(second)
    now = asked(browser_of(), first.get_absolute_url(), old)["asked"]
    assert set(now) == {first.get_absolute_url()}
    assert now[first.get_absolute_url()] != was[first.get_absolute_url()]


def test_nobody_is_told_of_the_tickets_of_others(ann, bea):
    bought(buyer=ann)
    assert asked(browser_of(bea))["mine"] == {}
    assert asked(browser_of())["mine"] == {}
    assert asked(browser_of(), "/tickets/forged:token")["asked"] == {}


def test_the_page_without_a_net_is_in_the_readers_language(client):
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "es"
    assert '"page": "/offline?lang=es"' in client.get("/sw.js").content.decode()
    page = Client().get("/offline?lang=es").content.decode()  # asked for without cookies
    assert '<html lang="es"' in page
    assert '<html lang="en"' in Client().get("/offline?lang=xx").content.decode()


@pytest.mark.parametrize(
    "body",
    ["", "[]", "{}", '{"tickets": 1}', '{"tickets": ["/me"]}', '{"tickets": [1]}', "[" * 9000,
     r'{"tickets": ["/tickets/\ud800"]}'],
)  # fmt: skip
def test_a_question_that_is_none_is_refused(client, body):
    answer = client.post("/offline/tickets", body, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


def test_no_more_than_sixty_tickets_are_asked_for(client):
    body = json.dumps({"tickets": ["/tickets/x"] * 61})
    assert client.post("/offline/tickets", body, content_type="application/json").status_code == 400
