"""Mail server faults: sales go on, mails go out when it is back."""

import uuid

import pytest

from tests.buyer import Buyer, make_event
from tests.faults.selling import assert_one_mail, assert_paid_once
from tests.mailbox import FAULTS
from tests.processes import wait_until

MAIL_OF = """
m = Mail.objects.get(order__pk=pk)
answer = [m.status, m.attempts, m.last_error]
"""

LIFT = """
from tickets.mail_health.states import resend
from tickets.mail_health.suppression import lift
order = Order.objects.get(pk=pk)
lift(order)
resend(order.mails.all())
"""


@pytest.mark.case("F42", fault="the mail server is down, busy (421), hangs, or rejects the recipient")
@pytest.mark.parametrize("fault", [name for name in FAULTS if name != "drop"])
def test_a_failing_mail_server_delays_only_the_mail(shop, fault):
    """The ticket is paid and shown at once; the mail is tried again and goes out once the server is well."""
    buyer, shop.mailbox.fault = Buyer(shop), fault
    if fault == "reject":
        shop.mailbox.rejected, shop.mailbox.refusal = buyer.email, "450 4.2.1"
    buyer.buy(make_event(shop))
    shop.node.pay_from_outside(buyer.bolt11())
    assert_paid_once(buyer)
    wait_until(lambda: shop.django(MAIL_OF, pk=buyer.order_id)[2], 30, "the mail failed")
    shop.mailbox.fault, shop.mailbox.rejected, shop.mailbox.refusal = None, "", "550 5.1.1"
    shop.hurry()
    assert_one_mail(buyer)


@pytest.mark.case("F42", fault="the mail server rejects one recipient for good")
def test_one_rejected_recipient_holds_nobody_else_up(shop):
    """Everybody else has their mail at once; theirs failed, and goes out once staff lift it."""
    event = make_event(shop, price_sats=0)
    rejected = Buyer(shop)
    shop.mailbox.rejected = rejected.email
    rejected.buy(event)
    others = [Buyer(shop).buy(event) for _ in range(5)]
    for buyer in others:
        assert_one_mail(buyer)
    status, _attempts, said = shop.django(MAIL_OF, pk=rejected.order_id)
    assert (status, said.partition(" <")[0]) == ("failed", "bounced: 550 5.1.1")
    shop.mailbox.rejected = ""
    shop.django(LIFT, pk=rejected.order_id)
    assert_one_mail(rejected)


@pytest.mark.case("F42", fault="the mail server takes the mail and hangs up before saying so")
def test_a_mail_sent_twice_has_one_message_id(shop):
    """Sent again, for nobody knows; with the same Message-ID, so that mail programs show it once."""
    shop.mailbox.fault = "drop"
    buyer = Buyer(shop).buy(make_event(shop, price_sats=0))
    wait_until(lambda: shop.mailbox.to(buyer.email), 20, "it was taken")
    shop.mailbox.fault = None
    shop.hurry()
    wait_until(lambda: shop.django(MAIL_OF, pk=buyer.order_id)[0] == "sent", 30, "it is sent")
    mails = shop.mailbox.to(buyer.email)
    assert len(mails) >= 2
    assert len({mail["Message-ID"] for mail in mails}) == 1


@pytest.mark.case("F42", fault="kill -9 worker after the mail was taken, before that is recorded")
def test_a_mail_whose_sender_died_is_sent_again_with_the_same_id(shop):
    """At least once; with the same Message-ID."""
    shop.arm("mail_sent")
    buyer = Buyer(shop).buy(make_event(shop, price_sats=0))
    shop.wait_reached("mail_sent")
    shop.revive()
    shop.hurry()
    wait_until(lambda: shop.django(MAIL_OF, pk=buyer.order_id)[0] == "sent", 30, "it is sent")
    mails = shop.mailbox.to(buyer.email)
    assert [mail["Message-ID"] for mail in mails] == [mails[0]["Message-ID"]] * 2


@pytest.mark.case("F42", fault="an event's title holds line ends and a header of its own")
def test_a_title_cannot_write_mail_headers(shop):
    """The mail goes out, with one subject line and one recipient."""
    thief = f"{uuid.uuid4().hex}@example.net"
    event = make_event(shop, price_sats=0, title=f"A night\r\nBcc: {thief}\r\n\r\nHello")
    buyer = Buyer(shop).buy(event)
    assert_one_mail(buyer)
    mail = shop.mailbox.to(buyer.email)[0]
    assert mail["Bcc"] is None
    assert mail.get_all("To") == [buyer.email]
    assert not shop.mailbox.to(thief)
