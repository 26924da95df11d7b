"""Orders whose time runs out while they are being paid."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from tests.buyer import Buyer, make_event
from tests.processes import wait_until

TRIES = 200
OVERDUE = """
soon = timezone.now() + timedelta(seconds=seconds)
Order.objects.filter(pk=pk).update(expires_at=soon, next_attempt_at=soon)
Payment.objects.filter(order__pk=pk).update(due_at=soon)
"""


def test_two_hundred_orders_expire_while_they_are_being_paid(stack, sandbox):
    """Whoever is first, it ends clean: a paid order, or an expired one whose money goes back."""
    event = make_event(stack, capacity=TRIES)
    with ThreadPoolExecutor(8) as pool:
        buyers = list(pool.map(lambda _: Buyer(stack).buy(event), range(TRIES)))
        bolt11s = list(pool.map(lambda buyer: buyer.bolt11(), buyers))
    order = random.sample(range(TRIES), TRIES)
    for place, index in enumerate(order):
        stack.django(OVERDUE, pk=buyers[index].order_id, seconds=place * 0.04)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda index: pay_if_still_possible(sandbox, bolt11s[index]), order))
    wait_until(lambda: not pending(stack, event), 60, "no order is pending")
    wait_until(lambda: arrived(stack, event) == sum(answers), 60, "all that arrived is recorded")
    outcomes = Counter(buyer.status() for buyer in buyers)
    assert set(outcomes) <= {"paid", "expired"}
    assert sum(outcomes.values()) == TRIES
    assert outcomes["paid"] <= sum(answers)
    stack.audit()


def pay_if_still_possible(sandbox, bolt11: str) -> int:
    """1 when the sandbox let the payment through, 0 when the invoice was closed by then."""
    try:
        return int(sandbox.pay_from_outside(bolt11)["status"] == "SUCCESS")
    except AssertionError:
        return 0


def pending(stack, event: int) -> int:
    return stack.django("Order.objects.filter(event_id=pk, status='pending').count()", pk=event)


def arrived(stack, event: int) -> int:
    code = "IncomingPayment.objects.filter(payment__order__event_id=pk, allocated_at__isnull=False).count()"
    return stack.django(code, pk=event)
