import pytest

from tests.mail_api import MailApi
from tickets.guest_messages.tests.conftest import mailbox as mailbox
from tickets.tests.conftest import staff as staff


@pytest.fixture
def mail_api(settings):
    """A provider's API (Postmark's), by which this test's mails go."""
    api = MailApi()
    settings.MAIL_PROVIDER = "postmark"
    settings.EMAIL_BACKEND = "anymail.backends.postmark.EmailBackend"
    settings.ANYMAIL = {
        "POSTMARK_SERVER_TOKEN": "token", "POSTMARK_API_URL": api.url, "IGNORE_UNSUPPORTED_FEATURES": True,
        "WEBHOOK_SECRET": "mail:a-secret-of-this-test-only",
    }  # fmt: skip
    yield api
    api.close()
