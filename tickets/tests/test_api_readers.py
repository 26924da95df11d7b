"""Readers of the API's bodies: one for each thread, for all who come."""

import pytest

from accounts.authentication import issue_token
from tests.factories import EventFactory, UserFactory
from tickets.models import Order


@pytest.mark.django_db(transaction=True)
def test_nobody_buys_as_the_one_before(client):
    """Of the former request nothing stays, neither who it was nor what was wrong with it."""
    user = UserFactory()
    signed_in, body = {"Authorization": f"Bearer {issue_token(user)}"}, {"event_id": EventFactory().pk}

    def buy(quantity, headers=None):
        said = body | {"quantity": quantity}
        answer = client.post("/api/tickets/purchase", said, content_type="application/json", headers=headers)
        return answer.status_code, [(one["field"], one["code"]) for one in answer.json().get("errors", [])]

    assert buy(1, signed_in) == (201, [])
    assert Order.objects.get().email == user.email
    assert buy(1) == (400, [("email", "required")])
    assert buy("two", signed_in) == (400, [("quantity", "invalid")])
    assert buy(1) == (400, [("email", "required")])
    assert Order.objects.count() == 1
