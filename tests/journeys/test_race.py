"""Many buyers at once for few seats, over HTTP."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from tests.buyer import make_event, post_purchase

BUYERS, SEATS = 64, 20


def rush(stack, event: int) -> list:
    """BUYERS purchases that start together; their answers."""
    start = Barrier(BUYERS)

    def buy(_):
        start.wait(30)
        return post_purchase(stack, event)

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
