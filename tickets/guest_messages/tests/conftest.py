import pytest

from tests.mailbox import Mailbox
from tickets.tests.conftest import staff as staff


@pytest.fixture
def mailbox(settings):
    """A mail server, to which this test's mails go."""
    mailbox = Mailbox()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", mailbox.port
    yield mailbox
    mailbox.close()
