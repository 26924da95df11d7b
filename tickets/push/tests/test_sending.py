"""Tests of sending pushes: encrypted, signed, sent once, dropped when they are not true any more."""

from datetime import timedelta

import pytest
from django.utils import timezone

from events.models import Event
from payments.models import Refund
from payments.refunds import take_back
from tests.acts import hold, pay
from tests.factories import EveningFactory
from tickets.mail.notifications import queue_changes
from tickets.models import Order
from tickets.push.devices import add_device
from tickets.push.keys import public_key
from tickets.push.models import Device, Kind, Push
from tickets.push.news import forget_pushes, queue_pushes
from tickets.push.sending import send_push
from ticketsuma.jobs.registry import discover
from ticketsuma.jobs.worker import run_once

pytestmark = pytest.mark.django_db(transaction=True)


def soon(**fields) -> Event:
    """An event whose doors open within the next ten minutes."""
    start = timezone.now() + timedelta(minutes=22)
    return EveningFactory(start_time=start, end_time=start + timedelta(hours=1), price_sats=0, **fields)


def told(order: Order, phone, *kinds: str, **more) -> Device:
    return add_device(**phone.subscription, kinds=kinds or Kind.values, order=order, **more)


def send_all() -> None:
    queue_pushes()
    for push in Push.objects.filter(next_attempt_at__isnull=False).select_related("device", "order__event"):
        send_push(push)


def test_doors_are_told_encrypted_for_the_browser_and_signed_by_the_shop(service, phone):
    order = hold(soon(title="Night <b>of</b> waves"))
    told(order, phone)
    send_all()
    [push] = service.of(phone)
    assert phone.read(push) == {
        "title": "Night <b>of</b> waves", "body": "Doors open in 7 minutes.",
        "url": order.get_absolute_url(), "lang": "en", "tag": f"doors-{Push.objects.get().about.hex}",
    }  # fmt: skip
    assert (push.headers["Content-Encoding"], push.headers["TTL"]) == ("aes128gcm", "600")
    assert push.headers["Urgency"] == "high"
    claims = service.sender(push)
    assert claims["key"] == public_key()
    assert claims["sub"].startswith("mailto:")
    assert claims["exp"] < timezone.now().timestamp() + 24 * 3600
    assert b"waves" not in push.body


def test_each_piece_of_news_is_told_once(service, phone):
    event = soon()
    told(hold(event), phone)
    told(hold(event), phone)
    for _ in range(3):
        send_all()
    assert len(service.of(phone)) == 1


def test_a_changed_and_a_canceled_event_are_told(service, phone):
    event = EveningFactory(price_sats=0)
    order = hold(event)
    told(order, phone)
    later = timezone.now() - timedelta(minutes=2)
    Order.objects.update(paid_at=later - timedelta(hours=1))
    Event.objects.filter(pk=event.pk).update(title="Another evening", updated_at=later)
    assert queue_changes() == 1
    send_all()
    Event.objects.filter(pk=event.pk).update(canceled_at=timezone.now())
    send_all()
    bodies = [phone.read(push)["body"] for push in service.of(phone)]
    assert bodies[0].startswith("Something changed. It starts on ")
    assert bodies[1:] == ["This event will not take place."]


def test_a_sent_refund_is_told_in_the_buyers_language(service, phone):
    order = hold(EveningFactory(), email="ann@example.com")
    Order.objects.filter(pk=order.pk).update(language="es")
    incoming = pay(order)
    told(order, phone)
    take_back(incoming, amount_msats=1_000_000, reason=Refund.Reason.STAFF)
    Refund.objects.update(status=Refund.Status.SENT, sent_at=timezone.now())
    send_all()
    [push] = service.of(phone)
    assert phone.read(push)["body"].replace("\xa0", " ") == "Te hemos devuelto 1 000 sats."


def test_the_last_minutes_of_a_hold_are_told_to_a_device_that_is_known(service, phone):
    order = hold(EveningFactory())
    told(order, phone)
    Order.objects.update(expires_at=timezone.now() + timedelta(seconds=115))
    send_all()
    [push] = service.of(phone)
    assert phone.read(push)["body"] == "Your seat is held for 2 more minutes."


def test_what_is_switched_off_is_not_told(service, phone):
    order = hold(soon())
    told(order, phone, Kind.REFUNDS)
    send_all()
    assert service.taken == []


def test_what_is_no_longer_true_is_not_told(service, phone):
    order = hold(soon())
    told(order, phone)
    queue_pushes()
    Order.objects.update(status=Order.Status.CANCELED)
    send_all()
    assert service.taken == []
    assert Push.objects.get().last_error == "no longer true"


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_dead_subscription_is_removed(service, phone, status):
    told(hold(soon()), phone)
    service.status = status
    send_all()
    assert not Device.objects.exists()


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_service_is_asked_again_later(service, phone, status):
    told(hold(soon()), phone)
    service.status = status
    send_all()
    push = Push.objects.get()
    assert push.next_attempt_at > timezone.now() + timedelta(seconds=50)
    service.status = 201
    send_push(push)
    assert Push.objects.get().sent_at


def test_a_push_that_the_service_refuses_is_not_sent_again(service, phone):
    told(hold(soon()), phone)
    service.status = 413
    send_all()
    assert (Push.objects.get().next_attempt_at, Push.objects.get().last_error) == (None, "status 413")


def test_a_thousand_pushes_to_one_person_are_twenty(service, phone, settings):
    settings.LIMITS = settings.LIMITS | {"PUSH_PER_DEVICE": (20, 3600)}
    order = hold(EveningFactory())
    device = told(order, phone)
    take_back(pay(order), amount_msats=1_000_000, reason=Refund.Reason.STAFF)
    about = {"device": device, "order": order, "kind": Kind.REFUNDS}
    Push.objects.bulk_create([Push(**about, **Push.scheduled()) for _ in range(1000)])
    for push in Push.objects.select_related("device", "order__event"):
        push.about = Refund.objects.get().pk  # what each of them tells
        send_push(push)
    assert len(service.of(phone)) == 20
    assert Push.objects.filter(last_error="too many").count() == 980


def test_the_longest_words_fit_into_a_push(service, phone):
    told(hold(soon(title="\N{SNOWMAN}" * 160)), phone)
    send_all()
    [push] = service.of(phone)
    assert len(push.body) < 4096
    assert len(phone.read(push)["title"]) == 160


def test_the_worker_does_all_of_it(service, phone):
    told(hold(soon()), phone)
    queue_pushes()
    queue = discover().queue("web pushes")
    assert [queue.host_of(each) for each in queue.due(timezone.now())] == [service.domain]
    assert Push.objects.filter(queue.at_host(service.domain)).count() == 1
    run_once()
    assert len(service.of(phone)) == 1


def test_old_news_is_forgotten():
    order = hold(EveningFactory(price_sats=0))
    device = Device.objects.create(endpoint="x", digest="x")
    Push.objects.create(device=device, order=order, kind=Kind.DOORS)
    assert forget_pushes() == 0
    Push.objects.update(created_at=timezone.now() - timedelta(days=3))
    assert forget_pushes() == 1
