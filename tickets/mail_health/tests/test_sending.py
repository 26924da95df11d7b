"""Refusals of mail servers, and addresses to which nothing is mailed, through a real SMTP server."""

import pytest

from events.models import Event
from tests.acts import hold, together
from tests.factories import EveningFactory, OrganizerFactory, UserFactory
from tickets.guest_messages import services
from tickets.guest_messages.models import Message
from tickets.guest_messages.tests.factories import MessageFactory, addresses, work_off
from tickets.mail.messages import mail_holder, send_mail
from tickets.mail_health import suppression
from tickets.mail_health.models import Suppressed
from tickets.mail_health.states import came_back, resend
from tickets.models import Mail, Order
from tickets.services.data_export import export_person
from tickets.services.email_corrections import correct
from tickets.services.personal_data import forget_email

pytestmark = pytest.mark.django_db(transaction=True)
DEAD = "bounced: 550 5.1.1 <[address]>: Recipient address rejected"


def bought(email: str = "ann@example.com", event: Event | None = None) -> Order:
    return hold(event or EveningFactory(price_sats=0), email=email)


def mail_out(order: Order) -> Mail:
    """The mail with its tickets, tried once."""
    mail = order.mails.select_related("order__event").get(kind=Mail.Kind.TICKETS, to=order.email)
    send_mail(mail)
    mail.refresh_from_db()
    return mail


def test_a_mailbox_that_is_not_there_fails_in_the_servers_words(mailbox):
    order = bought()
    mailbox.rejected = order.email
    mail = mail_out(order)
    assert (mail.status, mail.last_error, mail.next_attempt_at) == ("failed", DEAD, None)
    row = Suppressed.objects.get()
    assert (row.why, row.said, row.mail_id) == ("bounced", DEAD.partition(" ")[2], mail.pk)
    assert order.email not in f"{row.key} {row.said}"


def test_nothing_more_is_mailed_there_until_it_is_lifted(mailbox):
    """Of no order, and of no organizer; then everything that did not arrive goes out."""
    order = bought()
    mailbox.rejected = order.email
    mail_out(order)
    mailbox.rejected = ""
    other = bought()
    assert mail_out(other).last_error == "suppressed: bounced"
    assert mailbox.mails == []
    assert suppression.lift(other) == [order.email]
    assert resend(other.mails.all()) == resend(order.mails.all()) == 1
    assert [mail_out(other).status, mail_out(order).status] == ["sent", "sent"]
    assert len(mailbox.mails) == 2


@pytest.mark.parametrize("refusal", ["450 4.2.1", "421 4.7.0", "550 5.7.1", "554 5.7.26"])
def test_a_server_that_wants_us_to_come_again_or_refuses_us_is_tried_again(mailbox, refusal):
    """Who refuses all mails of ours says nothing about an address; the worker tries for half a day."""
    order = bought()
    mailbox.rejected, mailbox.refusal = order.email, refusal
    with pytest.raises(OSError, match="rejected"):
        mail_out(order)
    assert order.mails.get().status == "due"
    assert not Suppressed.objects.exists()


@pytest.mark.parametrize("refusal", ["552 5.2.2", "550", "553"])
def test_a_refusal_that_names_no_missing_mailbox_stops_this_mail_alone(mailbox, refusal):
    order = bought()
    mailbox.rejected, mailbox.refusal = order.email, refusal
    assert mail_out(order).last_error.startswith(f"bounced: {refusal}")
    assert not Suppressed.objects.exists()


def test_who_complained_gets_tickets_and_no_news(mailbox):
    event = EveningFactory(price_sats=0, organizer=OrganizerFactory())
    order = bought(event=event)
    bought("bo@example.com", event)
    suppression.suppress(order.email, Suppressed.Why.COMPLAINED)
    assert mail_out(order).status == "sent"
    news = MessageFactory(event=event, kind=Message.Kind.NEWS)
    assert addresses(news) == ["bo@example.com"]
    about_the_ticket = MessageFactory(event=event)
    assert addresses(about_the_ticket) == ["ann@example.com", "bo@example.com"]


def test_who_complains_meanwhile_is_left_out(mailbox):
    order = bought()
    news = MessageFactory(event=order.event, kind=Message.Kind.NEWS)
    services.send(news)
    services.begin_due()
    suppression.suppress(order.email, Suppressed.Why.COMPLAINED)
    work_off()
    assert services.copies_of(news).get().status == "failed"
    assert mailbox.mails == []


def test_two_at_once_suppress_an_address_once():
    order = bought()
    done = together(*[lambda: suppression.suppress(order.email, Suppressed.Why.BOUNCED)] * 4)
    assert [one for one in done if isinstance(one, Exception)] == []
    assert Suppressed.objects.count() == 1


def test_what_came_back_is_waited_for_until_the_address_is_corrected(mailbox):
    order = bought()
    mailbox.rejected = order.email
    mail_out(order)
    assert came_back(Mail.objects.all()).count() == 1
    correct(order, email="ann@right.example.com")
    assert came_back(Mail.objects.all()).count() == 0
    assert mail_out(order).status == "sent"


def test_what_is_over_needs_nobody(mailbox):
    order = bought()
    mailbox.rejected = order.email
    mail_out(order)
    Event.objects.update(start_time="2020-01-01T20:00Z", end_time="2020-01-01T22:00Z")
    assert came_back(Mail.objects.all()).count() == 0


def test_holders_have_addresses_of_their_own(mailbox):
    """The buyer's mails go out while a holder's come back."""
    order = bought()
    order.tickets.update(holder_email="bo@example.com")
    mail_holder(order, "bo@example.com")
    mailbox.rejected = "bo@example.com"
    for mail in Mail.objects.select_related("order__event"):
        send_mail(mail)
    assert {mail.to: mail.status for mail in Mail.objects.all()} == {
        "ann@example.com": "sent", "bo@example.com": "failed",
    }  # fmt: skip
    assert [*suppression.stopped_of(order)] == ["bo@example.com"]


def test_the_row_names_nobody_and_outlives_the_order(mailbox):
    """Or the next order would mail a dead mailbox again. Its owner finds it in their export."""
    order = bought()
    mailbox.rejected = order.email
    mail_out(order)
    user = UserFactory(email=order.email)
    assert [row["why"] for row in export_person(user)["mails_stopped"]] == ["bounced"]
    forget_email(order.email)
    assert not Mail.objects.exists()
    assert suppression.stopped("ANN@example.com").why == "bounced"
