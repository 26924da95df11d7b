"""Tests of the address where browsers ask for pushes: who may, what is refused, who is forgotten."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.staff import save_verified_user
from events.models import Event
from tests.acts import hold
from tests.factories import EveningFactory
from tickets.models import Order
from tickets.push.devices import MOST_DEVICES, forget_guests_devices
from tickets.push.models import Device, Kind, Push
from tickets.services.voiding import replace_links

pytestmark = pytest.mark.django_db
ORIGIN = {"HTTP_ORIGIN": "http://testserver", "HTTP_SEC_FETCH_SITE": "same-origin"}


@pytest.fixture
def order():
    return hold(EveningFactory(price_sats=0))


@pytest.fixture
def ann():
    return save_verified_user(email="ann@example.com", password="a long enough password")[0]


def ask(client: Client, said: object, **headers):
    body = said if isinstance(said, str) else json.dumps(said)
    return client.post("/push", body, content_type="application/json", **ORIGIN | headers)


def test_a_guest_is_told_of_the_order_whose_link_they_have(client, order, phone):
    answer = ask(client, phone.subscription | {"order": order.token})
    assert answer.json() == {"kinds": Kind.values}
    device = Device.objects.get()
    assert (device.user, list(device.orders.all())) == (None, [order])


def test_each_kind_can_be_switched_off_and_all_of_them_forget_the_device(client, order, phone):
    said = phone.subscription | {"order": order.token}
    assert ask(client, said | {"kinds": ["refunds", "nonsense"]}).json() == {"kinds": ["refunds"]}
    assert ask(client, said).json() == {"kinds": ["refunds"]}  # another page of the same browser
    assert ask(client, said | {"kinds": []}).json() == {"kinds": []}
    assert not Device.objects.exists()


def test_a_browser_that_was_forgotten_is_told_of_what_it_was_told_of_before(client, order, phone):
    said = phone.subscription | {"order": order.token, "before": ["changes", "nonsense"]}
    assert ask(client, said).json() == {"kinds": ["changes"]}
    assert ask(client, said | {"before": ["doors"]}).json() == {"kinds": ["changes"]}  # it is known
    Device.objects.all().delete()
    assert ask(client, said | {"before": []}).json() == {"kinds": Kind.values}


def test_a_browser_moves_to_another_endpoint_by_the_former_ones_secret(client, order, service):
    former, fresh, other = (service.browser(name) for name in ("former", "fresh", "other"))
    ask(client, former.subscription | {"order": order.token, "kinds": ["refunds"]})
    knows = {name: former.subscription[name] for name in ("endpoint", "auth")}
    wrong = fresh.subscription | {"former": knows | {"auth": fresh.subscription["auth"]}}
    assert ask(Client(), wrong).status_code == 404
    inside = fresh.subscription | {"former": knows, "endpoint": "https://127.0.0.1/x"}
    assert ask(Client(), inside).status_code == 422
    assert ask(Client(), fresh.subscription | {"former": knows}).json() == {"kinds": ["refunds"]}
    device = Device.objects.get()
    assert (device.endpoint, device.auth) == (fresh.subscription["endpoint"], fresh.subscription["auth"])
    assert list(device.orders.all()) == [order]
    ask(client, other.subscription | {"order": order.token})
    knows = {name: other.subscription[name] for name in ("endpoint", "auth")}
    assert ask(Client(), fresh.subscription | {"former": knows}).status_code == 422  # it is another's
    assert Device.objects.count() == 2


def test_who_signs_out_is_told_nothing_more(client, ann, phone):
    client.force_login(ann)
    assert ask(client, phone.subscription).status_code == 200
    assert Device.objects.get().user == ann
    client.logout()
    assert not Device.objects.exists()


def test_a_device_that_somebody_else_used_hears_nothing_of_theirs(client, ann, order, phone):
    client.force_login(ann)
    ask(client, phone.subscription | {"order": order.token})
    guest = Client()
    other = hold(EveningFactory(price_sats=0))
    ask(guest, phone.subscription | {"order": other.token})
    device = Device.objects.get()
    assert (device.user, list(device.orders.all())) == (None, [other])


def test_who_had_a_link_that_was_replaced_is_told_nothing_more(client, ann, order, service):
    stranger, own = service.browser("stranger"), service.browser("own")
    ask(client, stranger.subscription | {"order": order.token})
    Order.objects.update(buyer=ann)
    client.force_login(ann)
    ask(client, own.subscription)
    about = {"order": order, "kind": Kind.CHANGES, **Push.scheduled()}
    for device in Device.objects.all():
        Push.objects.create(device=device, **about)
    replace_links(order)
    mine = Device.objects.get(user=ann)
    assert [push.device for push in Push.objects.all()] == [mine]
    assert not Device.orders.through.objects.exists()
    forget_guests_devices()
    assert Device.objects.get() == mine


def test_nobody_without_an_order_or_an_account_is_told_anything(client, phone):
    assert ask(client, phone.subscription).status_code == 404
    assert ask(client, phone.subscription | {"order": "forged:token"}).status_code == 404
    assert not Device.objects.exists()


def test_a_known_endpoint_is_not_taken_over_with_other_keys(client, order, service):
    first = service.browser("same")
    ask(client, first.subscription | {"order": order.token})
    attacker = service.browser("same")
    refused = ask(client, attacker.subscription | {"order": order.token})
    assert (refused.status_code, refused.json()["code"]) == (422, "device_refused")
    ask(client, attacker.subscription | {"kinds": []})
    assert Device.objects.get().auth == first.subscription["auth"]


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://127.0.0.1/push", "http://push.example.com/x", "https://localhost/x", "http://localhost:9/x",
        "https://[::1]/x", "https://169.254.169.254/latest", "https://push.example.com:8443/x",
        "https://user@push.example.com/x", "file:///etc/passwd", "https://shop.internal/x", "", "x" * 3000,
        f"https://push.example.com/{'x' * 1000}",
    ],
)  # fmt: skip
def test_an_endpoint_that_no_push_service_has_is_refused(client, order, phone, endpoint):
    said = phone.subscription | {"endpoint": endpoint, "order": order.token}
    assert ask(client, said).status_code == 422
    assert not Device.objects.exists()


@pytest.mark.parametrize(
    "changes", [{"p256dh": "AAAA"}, {"p256dh": "B" + "A" * 86}, {"auth": "AA"}, {"auth": "!"}, {"p256dh": ""}]
)
def test_keys_that_are_none_are_refused(client, order, phone, changes):
    assert ask(client, phone.subscription | {"order": order.token} | changes).status_code == 422


@pytest.mark.parametrize(
    "said",
    [
        "",
        "[]",
        "1",
        "[" * 4000,
        {"endpoint": 1},
        {"kinds": "all"},
        {"auth": "\0"},
        {"order": "x" * 5000},
        {"endpoint": "\ud800", "kinds": []},
        {"auth": "\ud800", "kinds": []},
        {"order": "\ud800"},
        {"before": "all"},
        {"former": []},
        {"former": {"endpoint": 1, "auth": "x"}},
    ],
)
def test_what_is_no_subscription_is_refused(client, said):
    assert ask(client, said).status_code == 400


def test_no_other_site_has_a_browser_told(client, ann, phone):
    client = Client(enforce_csrf_checks=True)
    client.force_login(ann)
    refused = ask(
        client, phone.subscription, HTTP_ORIGIN="https://evil.example", HTTP_SEC_FETCH_SITE="cross-site"
    )
    assert refused.status_code == 403
    assert ask(client, phone.subscription).status_code == 200


def test_an_order_has_so_many_devices_and_the_newest_count(client, order, service):
    other = hold(EveningFactory(price_sats=0))
    ask(client, service.browser("0").subscription | {"order": other.token})
    for number in range(MOST_DEVICES + 3):
        ask(client, service.browser(str(number)).subscription | {"order": order.token})
    names = {device.endpoint.rpartition("/")[2] for device in Device.objects.filter(orders=order)}
    assert names == {str(number) for number in range(3, MOST_DEVICES + 3)}
    forget_guests_devices()
    assert Device.objects.count() == MOST_DEVICES + 1  # the first one still hears of its other order


def test_asking_too_often_is_refused(client, order, phone, settings):
    settings.LIMITS = settings.LIMITS | {"COSTLY_PER_IP": (2, 60)}
    said = phone.subscription | {"order": order.token}
    assert [ask(client, said).status_code for _ in range(3)] == [200, 200, 429]


def test_a_guests_device_goes_after_the_event_and_with_the_guest(client, order, phone):
    ask(client, phone.subscription | {"order": order.token})
    assert forget_guests_devices() == 0
    Order.objects.update(is_forgotten=True)
    assert forget_guests_devices() > 0
    Order.objects.update(is_forgotten=False)
    ask(client, phone.subscription | {"order": order.token})
    over = timezone.now() - timedelta(days=2)
    Event.objects.update(start_time=over - timedelta(hours=1), end_time=over)
    assert forget_guests_devices() > 0
    assert not Device.objects.exists()


def test_the_question_is_on_the_paid_page_and_asks_nobody_before(client, order):
    page = client.get(order.get_absolute_url()).content.decode()
    assert "data-push-key" in page
