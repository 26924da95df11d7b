"""Mails as mail programs and filters expect them: marked as automatic, their subject unbroken."""

from email.header import Header
from email.message import Message
from smtplib import SMTPRecipientsRefused

from django.conf import settings
from django.core.mail import EmailMultiAlternatives


def message_id(name: str) -> str:
    """A Message-ID of ours (RFC 5322): what is mailed twice under one `name` is shown once."""
    return f"<{name}@{settings.SITE_HOST.partition(':')[0]}>"


class ShopMail(EmailMultiAlternatives):
    """A mail that a program wrote and says so (RFC 3834), so that nobody's holiday notice answers it.

    Its subject begins on the line of its name: folded without knowing the name, a long one begins with
    an empty line, which some filters take for a forgery (RFC 5322 2.2.3). A provider repeats `metadata` when
    it tells what became of the mail.
    """

    metadata: dict[str, str]

    def __init__(self, *args, headers: dict[str, str] | None = None, **kwargs):
        headers = {"Auto-Submitted": "auto-generated"} | (headers or {})
        super().__init__(*args, headers=headers, **kwargs)

    def message(self):
        message = super().message()  # refuses a subject of several lines
        del message["Subject"]
        # Django's own setter would fold it again, as text.
        Message.__setitem__(message, "Subject", Header(str(self.subject), header_name="Subject"))
        return message

    def send(self, *args, **kwargs) -> int:
        """As Django's. A provider that refuses the receiver says so as a mail server does."""
        if not settings.MAIL_PROVIDER:
            return super().send(*args, **kwargs)
        from anymail.exceptions import AnymailRecipientsRefused

        try:
            return super().send(*args, **kwargs)
        except AnymailRecipientsRefused as error:
            raise SMTPRecipientsRefused(dict.fromkeys(self.to, (550, b"refused by the provider"))) from error
