"""Fixtures: a push service on this machine that the shop may reach, and a device there."""

import pytest
from django.utils import translation

from tests.push_service import PushService


@pytest.fixture
def service(settings):
    played = PushService()
    settings.UMA_LOCAL_VASPS = settings.UMA_LOCAL_VASPS | {played.domain}
    yield played
    played.close()


@pytest.fixture(autouse=True)
def in_english():
    """Orders remember the language of their purchase."""
    with translation.override("en"):
        yield


@pytest.fixture
def phone(service):
    return service.browser()
