import pytest
from django.test import Client

from tests.factories import StaffFactory


@pytest.fixture
def staff(transactional_db):
    """A browser in which staff are signed in."""
    client = Client()
    client.force_login(StaffFactory())
    return client
