"""Messages to many guests through a real mail server: each once by Message-ID, however workers die.

`MESSAGES=5000` says to how many; a few hundred otherwise.
"""

import os
import time
from collections import Counter

import pytest

from tests.buyer import make_event
from tests.mailbox import Mailbox
from tests.processes import wait_until

GUESTS = int(os.environ.get("MESSAGES", "400"))
SELL = """
event, now = Event.objects.get(pk=event_id), timezone.now()
orders = Order.objects.bulk_create([
    Order(event=event, email=f"guest{number}@example.com", quantity=1, price_sats=0, status="paid",
          paid_at=now, expires_at=now, scope="guest:test", key=str(number), request_hash="",
          language="es" if number % 2 else "en")
    for number in range(guests)], batch_size=500)
lines = OrderLine.objects.bulk_create([
    OrderLine(order=order, type=event.default_type, quantity=1, price=0, admits="both")
    for order in orders], batch_size=500)
Ticket.objects.bulk_create([
    Ticket(order=order, line=line, number=1) for order, line in zip(orders, lines)], batch_size=500)
Event.objects.filter(pk=event.pk).update(seats_taken=guests)
event.default_type.__class__.objects.filter(pk=event.default_type_id).update(seats_taken=guests)
"""
SEND = """
from tickets.guest_messages import services
message = Message.objects.create(event_id=event_id, subject="Doors open", text="Come **early**.", kind="news")
services.send(message)
answer = message.pk.hex
"""
STATES = """
from tickets.guest_messages.services import copies_of
from tickets.mail_health.states import states_of
answer = states_of(copies_of(Message.objects.get(pk=message)))
"""


@pytest.fixture
def mailbox():
    mailbox = Mailbox()
    yield mailbox
    mailbox.close()


def test_each_guest_gets_a_message_once_though_a_worker_is_killed(stacks, mailbox):
    """Two workers share it; both are killed on the way, one after the other."""
    stack = stacks.new(
        "postgresql", workers=2, EMAIL_URL=f"smtp://127.0.0.1:{mailbox.port}", MESSAGES_PER_SECOND="5000",
        LIMIT_MESSAGES_PER_EVENT="5",
    ).start()  # fmt: skip
    event_id = make_event(stack, price_sats=0, capacity=GUESTS)
    stack.django(SELL, event_id=event_id, guests=GUESTS)
    began = time.monotonic()
    message = stack.django(SEND, event_id=event_id)
    wait_until(lambda: len(mailbox.mails) >= GUESTS // 4, 120, "a quarter is out")
    stack.workers[0].kill()
    stack.workers[0].start()
    wait_until(lambda: len(mailbox.mails) >= GUESTS // 2, 120, "half of it is out")
    stack.workers[1].kill()
    stack.workers[1].start()
    # What the dead had in hand comes back when its lease is over, after a minute.
    wait_until(lambda: stack.django(STATES, message=message)["sent"] == GUESTS, 400, "all of it is out")
    ids: dict[str, set[str]] = {}
    for mail in mailbox.mails:
        ids.setdefault(mail["To"], set()).add(mail["Message-ID"])
    assert len(ids) == GUESTS
    assert {len(one) for one in ids.values()} == {1}
    assert len(set.union(*ids.values())) == GUESTS
    twice = {count for count in Counter(mail["Message-ID"] for mail in mailbox.mails).values() if count > 1}
    print(f"{GUESTS} messages in {time.monotonic() - began:.0f} s; {len(mailbox.mails) - GUESTS} sent again")
    assert twice <= {2, 3}
    assert {mail["List-Unsubscribe-Post"] for mail in mailbox.mails} == {"List-Unsubscribe=One-Click"}
    stack.audit()
