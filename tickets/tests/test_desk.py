"""The desk: search in the head, menu, lists as staff need them, a picture kept on an error."""

import io
import os
import time

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image

from accounts.roles import Role
from events.covers import forget_kept_covers
from events.models import Event
from payments.models import Refund
from tests.acts import hold, pay, stray_money
from tests.factories import EveningFactory, MembershipFactory, OrganizerFactory
from tickets.models import Order
from tickets.tests.admin_client import act_url, change_url, list_url
from tickets.tests.forms_in_pages import form_in

pytestmark = pytest.mark.django_db(transaction=True)
FIND = "/admin/tickets/order/find"


def find(client, words: str) -> str:
    return client.get(FIND, {"q": words})["Location"]


@pytest.fixture
def order() -> Order:
    hold(EveningFactory(), email="zed@example.com", name="Zed")
    order = hold(EveningFactory(price_sats=1000), 2, name="Ann Other", email="ann@example.com")
    pay(order)
    return order


def test_the_only_order_that_is_found_opens_itself(staff, order):
    ticket = order.tickets.first()
    payment_hash = order.payment.invoices.get().payment_hash
    for words in (order.code.lower(), "other", "ann@example.com", ticket.ticket_code, payment_hash):
        assert find(staff, words) == change_url(order), words


def test_several_or_none_are_listed(staff, order):
    for words in ("example.com", "nobody", "", "%_" * 300):
        assert find(staff, words).startswith(list_url(Order) + "?q=")
    assert staff.get(find(staff, "example.com")).context["cl"].result_count == 2


def test_nobody_finds_the_orders_of_another_organizer(client, order):
    client.force_login(MembershipFactory(organizer=OrganizerFactory(), role=Role.MANAGER).user)
    assert find(client, order.code) == f"{list_url(Order)}?q={order.code}"
    client.force_login(MembershipFactory(role=Role.DOOR).user)
    assert client.get(FIND, {"q": order.code}).status_code == 403


def test_orders_are_listed_by_event_with_their_guests(staff, order):
    event_page = staff.get(change_url(order.event)).content.decode()
    url = f"{list_url(Order)}?event={order.event_id}"
    assert url in event_page
    page = staff.get(url)
    assert list(page.context["cl"].result_list) == [order]
    assert "Ann Other" in page.content.decode()
    for odd in ("x", "9" * 30, "-1"):
        assert staff.get(list_url(Order), {"event": odd}).status_code == 200


def test_the_engine_room_is_one_closed_group_at_the_end(staff):
    page = staff.get(reverse("admin:index"))
    *others, hood = page.context["app_list"]
    assert hood["is_closed"]
    names = {model["object_name"] for model in hood["models"]}
    assert {"VaspNonce", "Usage", "WebhookEvent", "Sweep", "Viewer"} <= names
    shown = {model["object_name"] for app in others for model in app["models"]}
    assert not names & shown
    assert {"Order", "Event", "Refund", "User"} <= shown
    said = page.content.decode()
    assert "<details>" in said
    assert "<details open>" in staff.get("/admin/accounts/usage/").content.decode()


# -- unmatched money ------------------------------------------------------------------------------
def test_the_orders_that_money_may_be_meant_for_are_named(staff):
    close, far = hold(EveningFactory(price_sats=1000)), hold(EveningFactory(price_sats=5000))
    said = staff.get(act_url(stray_money(1_000_000), "attach")).content.decode()
    assert close.code in said
    assert far.code not in said


def test_money_that_goes_back_at_once_is_asked_about_first(staff):
    order = hold(EveningFactory(price_sats=1500), uma_address="$ann@wallet.example.com")
    money = stray_money(777_000)
    url = act_url(money, "attach")
    seen = staff.get(url).context["form"]["seen"].value()
    asked = staff.post(url, {"seen": seen, "code": order.code})
    said = asked.content.decode()
    assert "only 777 sats came" in said
    assert "$ann@wallet.example.com" in said
    assert not Refund.objects.exists()
    form = asked.context["form"]
    again = {"seen": seen, "code": order.code, "agreed": form["agreed"].value()}
    staff.post(url, again)
    assert Refund.objects.get().amount_msats == 777_000


# -- a picture ------------------------------------------------------------------------------------
def picture() -> SimpleUploadedFile:
    drawn = io.BytesIO()
    Image.new("RGB", (40, 20), "#0a4633").save(drawn, "PNG")
    return SimpleUploadedFile("poster.png", drawn.getvalue(), "image/png")


def test_a_chosen_picture_outlives_a_mistake_in_another_field(staff):
    event = EveningFactory(title="Before")
    form = form_in(staff.get(change_url(event)), "event_form")
    wrong = staff.post(change_url(event), form | {"title": "", "cover": picture()})
    assert wrong.status_code == 200
    assert "need not be chosen again" in wrong.content.decode()
    mended = form_in(wrong, "event_form") | {"title": "After"}
    assert staff.post(change_url(event), mended).status_code == 302
    event.refresh_from_db()
    assert event.title == "After"
    assert default_storage.exists(event.cover.name)


def test_a_picture_kept_for_a_form_that_nobody_sent_again_goes_after_a_day(staff, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    event = EveningFactory(title="Before")
    form = form_in(staff.get(change_url(event)), "event_form")
    for _time in range(2):
        staff.post(change_url(event), form | {"title": "", "cover": picture()})
    [old, new] = (f"kept-covers/{name}" for name in default_storage.listdir("kept-covers")[1])
    two_days_ago = time.time() - 2 * 86_400
    os.utime(default_storage.path(old), (two_days_ago, two_days_ago))
    Event.objects.filter(pk=event.pk).update(cover=default_storage.save("covers/used.webp", picture()))
    os.utime(default_storage.path("covers/used.webp"), (two_days_ago, two_days_ago))
    forget_kept_covers()
    kept = [default_storage.exists(path) for path in (old, new, "covers/used.webp")]
    assert kept == [False, True, True]


def test_a_kept_picture_is_not_public(staff, client, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    event = EveningFactory()
    form = form_in(staff.get(change_url(event)), "event_form")
    staff.post(change_url(event), form | {"title": "", "cover": picture()})
    [name] = default_storage.listdir("kept-covers")[1]
    for folder in ("media/covers", "media/kept-covers"):
        assert client.get(f"/{folder}/{name}").status_code == 404


def test_a_name_of_a_picture_that_we_did_not_sign_is_nothing(staff):
    event = EveningFactory()
    form = form_in(staff.get(change_url(event)), "event_form") | {"kept_cover": "covers/../../secret"}
    assert staff.post(change_url(event), form).status_code == 302
    event.refresh_from_db()
    assert not event.cover
