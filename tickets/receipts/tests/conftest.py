"""Acts for tests of receipts: what was sold and sent back, without a node."""

import pytest
from django.utils import timezone, translation

from payments.models import Refund
from tests.acts import hold, pay
from tests.factories import EveningFactory, OrganizerFactory
from tickets.models import Order
from tickets.tests.conftest import staff as staff


@pytest.fixture(autouse=True)
def in_english():
    """Orders remember the language of their purchase."""
    with translation.override("en"):
        yield


@pytest.fixture
def organizer():
    return OrganizerFactory(
        name="Tuesday Talks", legal_name="Tuesday Talks GmbH", legal_address="Hauptstr. 1\n10115 Berlin",
        tax_number="DE123456789",
    )  # fmt: skip


@pytest.fixture
def event(organizer):
    event = EveningFactory(organizer=organizer, price_sats=1_190, capacity=500, timezone="Europe/Berlin")
    event.ticket_types.update(tax_basis_points=1900)
    return event


@pytest.fixture
def paid(event):
    """A paid order of two seats, each of 1,190 sats."""
    return sold(event, 2)


def sold(event, seats: int = 1, **buyer) -> Order:
    order = hold(event, seats, email="ann@example.com", **buyer)
    pay(order)
    return order


def sent(refund: Refund) -> Refund:
    """As if the node had sent it."""
    Refund.objects.filter(pk=refund.pk).update(
        status=Refund.Status.SENT, sent_at=timezone.now(), updated_at=timezone.now(), payment_hash="e" * 64,
        node_payment_id=f"OutgoingPayment:{refund.pk}", next_attempt_at=None, to="$ann@wallet.example.com",
    )  # fmt: skip
    refund.refresh_from_db()
    return refund
