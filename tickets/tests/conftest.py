import pytest
from django.test import Client

from tickets.tests.selling import make_staff


@pytest.fixture
def staff(transactional_db):
    """A browser in which staff are signed in."""
    client = Client()
    client.force_login(make_staff())
    return client
