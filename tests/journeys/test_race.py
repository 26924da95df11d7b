"""Many buyers at once for few seats, over HTTP."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from tests.buyer import make_event, post_purchase

BUYERS, SEATS = 64, 20
WALLET = "$hoarder@wallet.example.com"


@pytest.fixture(scope="module")
def strict(stacks):
    """A shop that counts what one buyer and one network hold."""
    few = {"MAX_OPEN_ORDERS_PER_EMAIL": "3", "MAX_OPEN_ORDERS_PER_ADDRESS": "3"}
    few |= {"MAX_HELD_SEATS_PER_PERSON": "3", "MAX_HELD_PERCENT_PER_NETWORK": "50"}
    stack = stacks.new("postgresql", MAX_FREE_PERCENT_PER_NETWORK="50", **few)
    yield stack.start()
    stack.close()


def rush(stack, *events: int, **body) -> list:
    """BUYERS purchases that start together, each of the next of `events`; their answers."""
    start = Barrier(BUYERS)

    def buy(number):
        start.wait(30)
        return post_purchase(stack, events[number % len(events)], **body)

    with ThreadPoolExecutor(BUYERS) as pool:
        return list(pool.map(buy, range(BUYERS)))


def test_sixty_four_buyers_for_twenty_seats(either_stack):
    event = make_event(either_stack, capacity=SEATS)
    answers = rush(either_stack, event)
    outcomes = Counter((answer.status_code, answer.json().get("code")) for answer in answers)
    assert outcomes == {(201, None): SEATS, (409, "sold_out"): BUYERS - SEATS}
    held = either_stack.django("Order.objects.filter(event_id=pk, status='pending').count()", pk=event)
    taken = either_stack.django("Event.objects.get(pk=pk).seats_taken", pk=event)
    assert (held, taken) == (SEATS, SEATS)
    either_stack.audit()


def test_a_staff_edit_during_the_rush_loses_no_seat(either_stack):
    """Staff opened the form before the sale and press save during it."""
    event = make_event(either_stack, capacity=BUYERS)
    either_stack.django("kept.update(form=Event.objects.get(pk=pk))", pk=event)
    rush(either_stack, event)
    either_stack.django("kept['form'].title = 'New title'\nkept['form'].save()")
    assert either_stack.django("Event.objects.get(pk=pk).seats_taken", pk=event) == BUYERS
    either_stack.audit()


@pytest.mark.parametrize(
    "body", [{"email": "hoarder@example.com"}, {"uma_address": WALLET}], ids=["mailbox", "wallet"]
)
def test_one_hoarder_at_many_events_at_once(strict, body):
    """No event's row makes these wait for each other: what they hold is counted under their own."""
    answers = rush(strict, *[make_event(strict, capacity=BUYERS) for _ in range(8)], **body)
    outcomes = Counter((answer.status_code, answer.json().get("code")) for answer in answers)
    assert outcomes == {(201, None): 3, (429, "hold_limit"): BUYERS - 3}
    strict.audit()


@pytest.mark.parametrize(("price_sats", "body"), [(2500, {}), (0, {}), (0, {"email": "many@example.com"})])
def test_one_hoarder_at_one_event_at_once(strict, price_sats, body):
    """Half of the seats for a network, three for a person, and the others stay on sale."""
    event = make_event(strict, capacity=40, max_per_order=1, price_sats=price_sats)
    answers = rush(strict, event, **body)
    seats = 3 if body else 20
    assert Counter(answer.status_code for answer in answers)[201] == seats
    assert strict.django("Event.objects.get(pk=pk).seats_taken", pk=event) == seats
    strict.audit()
