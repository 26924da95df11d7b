"""Acts that move money ask for the second factor again; what was typed comes back."""

import pytest
import time_machine

from accounts.second_factor import PROOF_SECONDS
from accounts.staff import save_verified_user
from accounts.tests.factors import App
from accounts.tests.people import PASSWORD, sign_in
from payments.models import Refund
from payments.refunds import take_back
from tests.acts import hold, pay
from tests.factories import EveningFactory
from tickets.admin import EventAdmin, IncomingPaymentAdmin, OrderAdmin, RefundAdmin, TicketAdmin
from tickets.guest_messages.admin import MessageAdmin
from tickets.models import Order
from tickets.tests.admin_client import act, act_url, told

pytestmark = pytest.mark.django_db(transaction=True)
# Every action of the admin: whether it asks again. Whoever adds one says here.
ASKS = {
    "reconcile": False, "push": False, "mail": False, "viewers": False, "refund-part": True,
    "note": False,
    "refund": True, "cancel": True, "forget": True, "try-again": None, "email": True,
    "replace-links": False, "void": True, "replace": False, "undo": False, "retry": True, "address": True,
    "attach": True, "retry-failed": True, "sell": False, "gift": True, "codes": False,
    "publish": False, "withdraw": False, "duplicate": False,
    "send": True, "test": False, "stop": False, "resend": False,
    "lift": False, "stop-mails": False,
}  # fmt: skip


@pytest.fixture
def app(settings):
    settings.STAFF_SECOND_FACTOR = "required"
    return App(save_verified_user(email="staff@example.com", password=PASSWORD)[0])


@pytest.fixture
def clock():
    with time_machine.travel("2030-01-01T12:00:00Z", tick=False) as clock:
        yield clock


@pytest.fixture
def staff(client, clock, app):
    sign_in(client, "staff@example.com")
    assert client.post("/accounts/2fa/authenticate/", {"code": app.code()}).status_code == 302
    return client


def paid_order() -> Order:
    order = hold(EveningFactory(price_sats=1000), 2, email="ann@example.com")
    pay(order)
    order.refresh_from_db()
    return order


def test_every_action_says_whether_it_asks_again():
    admins = (OrderAdmin, TicketAdmin, EventAdmin, RefundAdmin, IncomingPaymentAdmin, MessageAdmin)
    found = {one.name: one.asks_again for admin in admins for one in admin.staff_actions}
    assert found.keys() == ASKS.keys()
    wrong = {name for name, asks in ASKS.items() if asks is not None and found[name] is not asks}
    assert wrong == set()
    money = [one for admin in (RefundAdmin, IncomingPaymentAdmin) for one in admin.staff_actions]
    assert all(one.asks_again for one in money)


def test_a_fresh_proof_is_enough(staff, clock):
    order = paid_order()
    clock.shift(PROOF_SECONDS - 1)
    act(staff, order, "refund-part", amount_sats=100)
    assert Refund.objects.get().amount_msats == 100_000


def test_an_old_one_is_asked_for_and_what_was_typed_comes_back(staff, clock, app):
    order = paid_order()
    clock.shift(PROOF_SECONDS + 1)
    url = act_url(order, "refund-part")
    seen = staff.get(url).context["form"]["seen"].value()
    asked = staff.post(url, {"seen": seen, "amount_sats": "321"})
    assert asked["Location"].startswith("/accounts/2fa/reauthenticate/?next=")
    assert not Refund.objects.exists()
    back = staff.post(asked["Location"], {"code": app.code(), "next": url})
    assert back["Location"] == url
    page = staff.get(url)
    assert page.context["form"]["amount_sats"].value() == "321"
    assert "press once more" in told(page)[0]
    assert not Refund.objects.exists(), "looking at it is not pressing it"
    staff.post(url, {"seen": page.context["form"]["seen"].value(), "amount_sats": "321"})
    assert Refund.objects.get().amount_msats == 321_000
    assert staff.get(url).context["form"]["amount_sats"].value() is None, "once"


@pytest.mark.parametrize(
    ("action", "fields"),
    [("refund", {}), ("refund-part", {"amount_sats": "1"}), ("email", {"email": "thief@example.com"})],
)
def test_a_stolen_session_moves_nothing(staff, clock, action, fields):
    order = paid_order()
    clock.shift(PROOF_SECONDS + 1)
    answer = act(staff, order, action, **fields)
    assert answer.redirect_chain[0][0].startswith("/accounts/2fa/reauthenticate/")
    order.refresh_from_db()
    assert (order.status, order.email) == ("paid", "ann@example.com")
    assert not Refund.objects.exists()


def test_nor_does_it_tell_where_a_refund_goes(staff, clock):
    order = paid_order()
    refund = take_back(order.payment.incoming_payments.get(), amount_msats=5000, reason=Refund.Reason.STAFF)
    before = refund.to
    clock.shift(PROOF_SECONDS + 1)
    act(staff, refund, "address", to="$thief@localhost:8081")
    refund.refresh_from_db()
    assert refund.to == before


def test_nor_does_it_cancel_an_event(staff, clock):
    order = paid_order()
    clock.shift(PROOF_SECONDS + 1)
    act(staff, order.event, "cancel")
    order.event.refresh_from_db()
    assert not order.event.is_canceled


def test_the_password_is_no_second_factor(staff, clock):
    order = paid_order()
    clock.shift(PROOF_SECONDS + 1)
    asked = act(staff, order, "refund").redirect_chain[0][0]
    staff.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": asked})
    act(staff, order, "refund")
    assert not Refund.objects.exists()


def test_what_moves_nothing_asks_nothing(staff, clock):
    order = paid_order()
    clock.shift(PROOF_SECONDS + 1)
    assert "new code" in told(act(staff, order.tickets.first(), "replace", reason="lost"))[0]
