"""Every address that people can have in their address bar answers there with a page, not with a bare 405."""

import re

import pytest

from accounts.staff import save_verified_user
from tests.attacks.endpoints import admin_paths, endpoints
from tests.shop import an_event, an_order

pytestmark = pytest.mark.django_db(transaction=True)
FOR_PROGRAMS = ("/api/", "/.well-known/")


@pytest.fixture
def pages() -> list[str]:
    """Each address that is for people, with the names of things that are there."""
    order = an_order(an_event(price_sats=0))
    ticket = order.tickets.get()
    names = {
        "/orders/{token}": order.get_absolute_url(), "/tickets/{token}": ticket.get_absolute_url(),
        "{event_id}": str(order.event_id), "{slug}": order.event.slug, "{seed}": "1",
    }  # fmt: skip
    paths = [path for path in endpoints() if not path.split()[-1].startswith(FOR_PROGRAMS)]
    for name, value in names.items():
        paths = [path.replace(name, value) for path in paths]
    return sorted({re.sub(r"\{\w+\}", "1", path) for path in paths} | set(admin_paths()))


def test_no_address_refuses_to_be_looked_at(client, pages):
    assert len(pages) > 60
    staff, _is_new = save_verified_user(email="staff@example.com", password="a long enough passphrase")
    refused = []
    for path in pages:
        client.force_login(staff)  # some of them sign out
        answer = client.get(path, HTTP_REFERER="")
        if getattr(answer, "streaming", False):
            answer.close()
        if answer.status_code == 405:
            refused.append(path)
    assert refused == []


# -- a form that comes back with a mistake in it ---------------------------------------------------
def form_of(page: str, act: str) -> str:
    """Where the form of `act` posts to."""
    form = next(form for form in page.split("<form")[1:] if f'value="{act}"' in form.partition("</form>")[0])
    return form.partition('action="')[2].partition('"')[0]


def test_a_mistake_leaves_the_browser_at_the_pages_own_address(client):
    order = an_order()
    address = order.get_absolute_url()
    page = client.get(address).content.decode()
    assert {form_of(page, act) for act in ("order_address", "order_check", "order_cancel")} == {address}
    answer = client.post(address, {"act": "order_address", "uma_address": "no address"})
    assert (answer.status_code, answer.request["PATH_INFO"]) == (422, address)
    assert "That is not a UMA address" in answer.content.decode()
    event = order.event.get_absolute_url()
    assert f'<form method="post" action="{event}"' in client.get(event).content.decode()
    assert client.post(event, {"quantity": "0"}).status_code == 422


def test_an_act_that_is_not_there_does_nothing(client):
    order = an_order()
    for act in ("", "order", "ticket_holder", "stream_here", "delete"):
        answer = client.post(order.get_absolute_url(), {"act": act})
        assert (act, answer.status_code, answer["Location"]) == (act, 302, order.get_absolute_url())
    order.refresh_from_db()
    assert order.is_pending


@pytest.mark.parametrize("act", ["cancel", "address", "check", "refund-address"])
def test_the_address_of_an_act_leads_to_its_page(client, act):
    order = an_order()
    answer = client.get(f"{order.get_absolute_url()}/{act}")
    assert (answer.status_code, answer["Location"]) == (302, order.get_absolute_url())
    order.refresh_from_db()
    assert order.is_pending


def test_the_addresses_of_the_other_forms_lead_to_theirs(client):
    ticket = an_order(an_event(price_sats=0)).tickets.get()
    leads = {
        f"/events/{ticket.order.event_id}/buy": ticket.order.event.get_absolute_url(),
        f"{ticket.get_absolute_url()}/holder": ticket.get_absolute_url(),
        f"{ticket.get_absolute_url()}/stream/here": f"{ticket.get_absolute_url()}/stream",
        "/admin/logout/": "/admin/",
    }
    assert {path: client.get(path).headers.get("Location") for path in leads} == leads
