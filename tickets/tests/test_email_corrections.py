"""Corrections of an e-mail: who may make them, which mails go where, what the earlier address keeps."""

from datetime import timedelta

import pytest
from django.core import mail as outbox
from django.test import Client
from django.utils import timezone

from accounts.history import HistoryEntry
from accounts.rate_limits import RateLimited
from accounts.staff import save_verified_user
from tests.acts import hold, pay
from tests.factories import EveningFactory
from tickets.mail.messages import send_mail
from tickets.models import Mail, Order, Ticket
from tickets.services.email_corrections import EmailFixed, correct, correct_email, did_you_mean, may_correct
from tickets.services.hold_limits import FreeLimit
from tickets.staff.timeline import order_file, timeline
from tickets.tests.admin_client import act, told

pytestmark = pytest.mark.django_db(transaction=True)
WRONG, RIGHT = "zoe@gmial.com", "zoe@gmail.com"
IP = "192.0.2.7"


@pytest.fixture
def order() -> Order:
    return hold(EveningFactory(), 2, email=WRONG, name="Zoe")


def send_due() -> list[str]:
    """Send what is due as the worker does; to whom."""
    outbox.outbox.clear()
    for mail in Mail.objects.filter(status=Mail.Status.DUE, next_attempt_at__lte=timezone.now()):
        mail.acquire_lease(timedelta(minutes=1))
        send_mail(mail)
    return [message.to[0] for message in outbox.outbox]


def correct_on_page(order: Order, email: str = RIGHT):
    return Client().post(order.get_absolute_url(), {"act": "order_email", "email": email}, follow=True)


# -- what was meant -----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("zoe@gmial.com", "zoe@gmail.com"), ("zoe@gmail.con", "zoe@gmail.com"),
        ("zoe@gmail.co", "zoe@gmail.com"), ("zoe@hotnail.com", "zoe@hotmail.com"),
        ("zoe@outlok.com", "zoe@outlook.com"), ("zoe@yaho.com", "zoe@yahoo.com"),
        ("zoe@gmail.com", ""), ("zoe@mail.com", ""), ("zoe@gmx.at", ""), ("zoe@wallet.example", ""), ("", ""),
    ],
)  # fmt: skip
def test_did_you_mean(typed, meant):
    assert did_you_mean(typed) == meant


def test_the_pay_page_shows_the_address_and_what_was_meant(order):
    page = Client().get(order.get_absolute_url()).content.decode()
    assert "Your tickets go to" in page
    assert WRONG in page
    assert "Change" in page
    assert f'name="email" value="{RIGHT}"' in page, "a button that needs no JavaScript"


# -- the buyer ----------------------------------------------------------------------------------
def test_before_paying_the_tickets_go_to_the_right_mailbox(order):
    page = correct_on_page(order)
    assert (page.status_code, Order.objects.get().email) == (200, RIGHT)
    assert "Did you mean" not in page.content.decode()
    assert Order.objects.get().token == order.token, "nothing went anywhere: the link stays"
    pay(order)
    assert send_due() == [RIGHT]


def test_after_paying_all_mails_go_again_and_the_earlier_mailbox_holds_nothing(order):
    pay(order)
    assert send_due() == [WRONG]
    old, old_codes = order.token, set(order.tickets.values_list("ticket_code", flat=True))
    page = correct_on_page(order)
    assert "open nothing any more" in page.content.decode()
    assert page.redirect_chain[-1][0] == Order.objects.get().get_absolute_url() != f"/orders/{old}"
    assert Client().get(f"/orders/{old}").status_code == 410
    assert not old_codes & set(Ticket.objects.values_list("ticket_code", flat=True))
    assert send_due() == [RIGHT]
    assert Order.objects.get().get_absolute_url() in outbox.outbox[0].body
    assert send_due() == []


def test_a_mail_that_is_due_goes_to_the_right_mailbox_only(order):
    pay(order)
    correct_email(order, email=RIGHT, ip=IP)
    assert send_due() == [RIGHT]
    assert Order.objects.get().generation == 0, "it never went out"


def test_a_mail_under_way_in_a_frozen_worker_is_not_sent_to_the_earlier_address(order):
    pay(order)
    frozen = Mail.objects.select_related("order__event").get()
    frozen.acquire_lease(timedelta(minutes=1))
    Order.objects.update(email=RIGHT)
    send_mail(frozen)
    assert send_due() == [RIGHT]
    assert Mail.objects.get(to=WRONG).status == Mail.Status.FAILED


def test_there_and_back_is_mailed_again(order):
    pay(order)
    send_due()
    for email in (RIGHT, WRONG):
        correct_email(order, email=email, ip=IP)
        assert send_due() == [email]


def test_the_same_address_changes_nothing(order):
    pay(order)
    send_due()
    assert correct_email(order, email=WRONG.upper(), ip=IP) is False
    assert (send_due(), Order.objects.get().generation) == ([], 0)


def test_a_day_after_paying_it_is_settled(order):
    pay(order)
    Order.objects.update(paid_at=timezone.now() - timedelta(hours=23))
    assert may_correct(Order.objects.get())
    Order.objects.update(paid_at=timezone.now() - timedelta(hours=25))
    page = correct_on_page(order)
    assert (page.status_code, Order.objects.get().email) == (409, WRONG)
    assert "Change" not in Client().get(order.get_absolute_url()).content.decode()


def test_an_account_that_proved_its_mailbox_is_not_corrected(order):
    zoe = save_verified_user(email="zoe@example.com", password="a long enough password", name="Zoe")[0]
    mine = hold(order.event, 1, email=zoe.email, buyer=zoe)
    with pytest.raises(EmailFixed):
        correct_email(mine, email=RIGHT, ip=IP)


def test_a_strangers_account_at_the_wrong_address_does_not_keep_the_order(order):
    stranger = save_verified_user(email=WRONG, password="a long enough password", name="Zed")[0]
    Order.objects.update(buyer=stranger)
    correct_email(Order.objects.get(), email=RIGHT, ip=IP)
    assert (Order.objects.get().buyer, Order.objects.get().email) == (None, RIGHT)


def test_it_is_no_mail_cannon(order, settings):
    settings.LIMITS = settings.LIMITS | {"CORRECTION_PER_ORDER": (2, 60), "MAIL_PER_IP": (3, 60)}
    pay(order)
    for number in range(2):
        correct_email(order, email=f"v{number}@example.com", ip=IP)
    with pytest.raises(RateLimited):
        correct_email(order, email="v2@example.com", ip="192.0.2.8")
    other = hold(order.event, 1, email=WRONG)
    correct_email(other, email="w1@example.com", ip=IP)
    with pytest.raises(RateLimited):
        correct_email(other, email="w2@example.com", ip=IP)
    assert Order.objects.get(pk=other.pk).email == "w1@example.com"


# -- free seats ---------------------------------------------------------------------------------
def test_free_seats_that_wait_get_their_link_at_the_right_mailbox(settings):
    settings.FREE_SEATS_WAIT_FOR_MAIL = True
    order = hold(EveningFactory(price_sats=0), 1, email=WRONG)
    assert send_due() == [WRONG]
    old = outbox.outbox[0].body.split("/seats/")[1].split()[0]
    correct_on_page(order)
    assert send_due() == [RIGHT]
    assert Client().post(f"/seats/{old}").status_code == 404
    new = outbox.outbox[0].body.split("/seats/")[1].split()[0]
    assert Client().post(f"/seats/{new}").status_code == 302
    assert Order.objects.get().is_paid
    with pytest.raises(EmailFixed):  # its mailbox is proven: no way around the limits of one person
        correct_email(Order.objects.get(), email="another@example.com", ip=IP)


def test_no_more_free_seats_for_a_mailbox_than_one_person_may_take(settings):
    settings.MAX_HELD_SEATS_PER_PERSON = 2
    event = EveningFactory(price_sats=0)
    hold(event, 2, email=RIGHT)
    other = hold(event, 1, email=WRONG)
    with pytest.raises(FreeLimit):
        correct_email(other, email=RIGHT, ip=IP)
    assert Order.objects.get(pk=other.pk).email == WRONG


# -- API, staff, history ------------------------------------------------------------------------
def test_the_api_corrects_it_and_answers_the_new_token(order):
    pay(order)
    send_due()

    def send(email: str):
        headers = {"Order-Token": Order.objects.get().token}
        path = f"/api/orders/{order.pk}/email"
        return Client().post(path, {"email": email}, content_type="application/json", headers=headers)

    said = send(RIGHT)
    assert (said.status_code, said.json()["order"]["token"]) == (200, Order.objects.get().token)
    assert send_due() == [RIGHT]
    assert (send("no address").status_code, send("no address").json()["code"]) == (400, "invalid")
    Order.objects.update(paid_at=timezone.now() - timedelta(days=2))
    assert (send(WRONG).status_code, send(WRONG).json()["code"]) == (409, "email_fixed")


def test_staff_correct_it_at_any_time(staff, order):
    pay(order)
    send_due()
    Order.objects.update(paid_at=timezone.now() - timedelta(days=2))
    page = act(staff, order, "email", email=RIGHT)
    assert RIGHT in told(page)[0]
    assert send_due() == [RIGHT]
    done = HistoryEntry.objects.get(act="email")
    assert (done.actor_email, done.row_id, done.details) == ("staff@example.com", str(order.pk), {})
    says = [moment.says for moment in timeline(order_file(order.pk))]
    assert any("corrected the e-mail address" in line for line in says)
    assert [WRONG in line or RIGHT in line for line in says if "Tickets to" in line] == [True, True]


def test_a_forgotten_order_gets_no_address(order):
    Order.objects.update(is_forgotten=True)
    with pytest.raises(EmailFixed):
        correct(Order.objects.get(), email=RIGHT)
