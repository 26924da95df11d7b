"""R12: unpaid holds, and mails to strangers, from one network."""

from tests.attacks.attacker import assert_problem
from tests.buyer import make_event

BUY = "/api/tickets/purchase"


def test_one_network_holds_a_fifth_of_the_seats(shop, someone):
    event = make_event(shop.stack, capacity=40, max_per_order=4)

    def hold(number: int, by=someone):
        email = f"r12-{number}-{by.address}@example.com"
        return by.post(BUY, {"event_id": event, "quantity": 4, "email": email})

    said = [hold(number) for number in range(3)]
    assert [answer.status for answer in said] == [201, 201, 429]
    assert_problem(said[-1], 429, "hold_limit")
    order = said[0].json()["order"]
    assert someone.post(f"/api/orders/{order['id']}/cancel", order_token=order["token"]).status == 200
    assert hold(3).status == 201
    assert hold(4, shop.attacker()).status == 201
    body = {"event_id": event, "quantity": 4}
    assert someone.post(BUY, body, token=shop.person().token).status == 201


def test_one_network_takes_a_fifth_of_the_free_seats(shop, someone):
    event = make_event(shop.stack, capacity=40, max_per_order=4, price_sats=0)
    said = []
    for number in range(3):
        email = f"r12-free-{number}-{someone.address}@example.com"
        said.append(someone.post(BUY, {"event_id": event, "quantity": 4, "email": email}).status)
    assert said == [201, 201, 429]


def test_strangers_are_mailed_within_limits(shop, someone):
    """R12: by free orders and by /find, together."""
    victim = f"r12-victim-{someone.address}@example.com"
    body = {"event_id": shop.free, "email": victim}
    said = [someone.post(BUY, body).status for _ in range(3)]
    said += [someone.browser().submit("/find", email=victim).status_code for _ in range(3)]
    assert said == [201, 201, 201, 302, 302, 429]
