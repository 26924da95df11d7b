import pytest

from tests.factories import EveningFactory, OrganizerFactory
from tickets.guest_messages.tests.conftest import mailbox as mailbox


@pytest.fixture
def event():
    return EveningFactory(price_sats=0, organizer=OrganizerFactory(), capacity=50)
