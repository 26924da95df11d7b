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


ADD_TYPES = (
    "event = Event.objects.get(pk=pk)\n"
    "rows = [TicketType(event=event, name=name, price=price) for name, price in names.items()]\n"
    "for row in rows: row.save()\n"
    "answer = [event.default_type_id, *(row.pk for row in rows)]"
)
ADD_CODE = "PromoCode.objects.create(event_id=pk, text='TEN', kind='percent', value=value, max_uses=10).pk"


def rush_for(stack, *bodies: dict, event: int) -> Counter:
    """BUYERS purchases that start together, each with the next of `bodies`; how they ended."""
    start = Barrier(BUYERS)

    def buy(number):
        start.wait(30)
        return post_purchase(stack, event, **bodies[number % len(bodies)])

    with ThreadPoolExecutor(BUYERS) as pool:
        answers = list(pool.map(buy, range(BUYERS)))
    return Counter((answer.status_code, answer.json().get("code")) for answer in answers)


def items(*types: int) -> list[dict]:
    return [{"ticket_type_id": pk, "quantity": 1} for pk in types]


def test_sixty_four_buyers_of_three_types_for_twenty_shared_seats(either_stack):
    event = make_event(either_stack, capacity=SEATS)
    first, second, third = either_stack.django(ADD_TYPES, pk=event, names={"B": 100, "C": 200})
    outcomes = rush_for(either_stack, *({"items": items(pk)} for pk in (first, second, third)), event=event)
    assert outcomes == {(201, None): SEATS, (409, "sold_out"): BUYERS - SEATS}
    counts = either_stack.django(
        "[Event.objects.get(pk=pk).seats_taken, Ticket.objects.filter(order__event_id=pk).count(),"
        " sum(TicketType.objects.filter(event_id=pk).values_list('seats_taken', flat=True))]",
        pk=event,
    )
    assert counts == [SEATS] * 3
    either_stack.audit()


def test_orders_of_several_types_wait_in_no_circle(either_stack):
    event = make_event(either_stack, capacity=2 * BUYERS)
    first, second, third = either_stack.django(ADD_TYPES, pk=event, names={"B": 100, "C": 200})
    baskets = [(first, second), (second, third), (third, first), (second, first), (third, second)]
    outcomes = rush_for(either_stack, *({"items": items(*basket)} for basket in baskets), event=event)
    assert outcomes == {(201, None): BUYERS}
    assert either_stack.django("Event.objects.get(pk=pk).seats_taken", pk=event) == 2 * BUYERS
    either_stack.audit()


def test_a_code_of_ten_uses_is_used_ten_times(either_stack):
    event = make_event(either_stack, capacity=BUYERS)
    code = either_stack.django(ADD_CODE, pk=event, value=20)
    outcomes = rush_for(either_stack, {"promo_code": "ten"}, event=event)
    assert outcomes == {(201, None): 10, (409, "promo_code_refused"): BUYERS - 10}
    assert either_stack.django("PromoCode.objects.get(pk=pk).uses", pk=code) == 10
    assert either_stack.django("Event.objects.get(pk=pk).seats_taken", pk=event) == 10
    either_stack.audit()


def test_a_staff_edit_of_types_during_the_rush_loses_no_seat(either_stack):
    """Price and seats of a type are changed over and over while it sells; each sale is at one of them."""
    event = make_event(either_stack, capacity=BUYERS)
    types = either_stack.django(ADD_TYPES, pk=event, names={"B": 100})
    edit = (
        "from contextlib import suppress\n"
        "from django.db import IntegrityError\n"
        "for number in range(30):\n"
        "    row = TicketType.objects.get(pk=pk)\n"
        "    row.price, row.capacity = 100 + number % 2, 60 + number % 5\n"
        "    with suppress(IntegrityError):  # more are sold by now\n"
        "        row.save()"
    )
    with ThreadPoolExecutor(1) as pool:
        edited = pool.submit(either_stack.django, edit, pk=types[1])
        outcomes = rush_for(either_stack, {"items": items(types[1])}, event=event)
        edited.result(60)
    assert set(outcomes) <= {(201, None), (409, "sold_out")}, outcomes
    sold = outcomes[201, None]
    assert either_stack.django("TicketType.objects.get(pk=pk).seats_taken", pk=types[1]) == sold >= 60
    prices = either_stack.django(
        "list(OrderLine.objects.filter(type_id=pk).values_list('price', flat=True))", pk=types[1]
    )
    assert set(prices) <= {100, 101}
    either_stack.audit()
