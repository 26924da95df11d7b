"""Mailbox of a shop in development: shows the mails that it writes as files into a folder.

Django's file backend writes one file a connection, its mails divided by a line of 79 dashes.
"""

from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

DIVIDER = b"-" * 79 + b"\n"
SHOWN = 100


@dataclass(frozen=True)
class Letter:
    """One mail and its name in addresses: the file's, and its number in it."""

    name: str
    mail: EmailMessage
    at: datetime | None

    def part(self, kind: str) -> str:
        """The mail's `plain` or `html` words; empty when it has none."""
        body = self.mail.get_body((kind,))
        return body.get_content() if body else ""

    @property
    def attachments(self) -> list[str]:
        return [part.get_filename() or part.get_content_type() for part in self.mail.iter_attachments()]


def letters() -> list[Letter]:
    """Every mail in the folder, newest first."""
    folder = Path(settings.SANDBOX_MAIL_FOLDER) if settings.SANDBOX_MAIL_FOLDER else None
    if folder is None or not folder.is_dir():
        return []
    files = sorted(folder.glob("*.log"), key=lambda file: file.stat().st_mtime_ns, reverse=True)
    return [letter for file in files[:SHOWN] for letter in reversed(_read(file))]


def _read(file: Path) -> list[Letter]:
    texts = [text.strip() for text in file.read_bytes().split(DIVIDER)]
    found = []
    for number, text in enumerate(texts):
        if text:
            mail = message_from_bytes(text, policy=policy.default)
            found.append(Letter(f"{file.stem}-{number}", mail, _date(mail)))
    return found


def _date(mail: EmailMessage) -> datetime | None:
    try:
        return parsedate_to_datetime(str(mail["Date"]))
    except ValueError:
        return None


@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    shown = {"letters": letters()[:SHOWN], "folder": settings.SANDBOX_MAIL_FOLDER}
    return render(request, "mails.html", shown)


@require_safe
def letter(request: HttpRequest, name: str) -> HttpResponse:
    """One mail. Its HTML is shown in a frame that runs no script; its links open tabs of their own."""
    found = next((one for one in letters() if one.name == name), None)
    if found is None:
        raise Http404
    return render(
        request, "mail.html", {"letter": found, "html": found.part("html"), "text": found.part("plain")}
    )
