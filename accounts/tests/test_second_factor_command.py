"""`second_factor`: a lost factor is taken away, audited; secrets are encrypted anew."""

import io

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.core.management import CommandError, call_command

from accounts.authentication import issue_token
from accounts.history import HistoryEntry
from accounts.models import User
from accounts.tests.factors import App
from accounts.tests.people import ann, sign_in, token_works, who

pytestmark = pytest.mark.django_db(transaction=True)


def command(*arguments: str) -> str:
    out = io.StringIO()
    call_command("second_factor", *arguments, stdout=out)
    return out.getvalue()


def test_a_lost_factor_is_taken_away(client):
    app = App(ann())
    sign_in(client)
    client.post("/accounts/2fa/authenticate/", {"code": app.code()})
    token = str(issue_token(User.objects.get(), second_factor=True))
    assert "signed out everywhere" in command("reset", "Ann@example.com")
    assert not Authenticator.objects.exists()
    assert (who(client), token_works(client, token)) == (None, False)
    [entry] = HistoryEntry.objects.filter(act="factor_reset")
    assert entry.via == "manage.py second_factor reset"
    assert (mail.outbox[-1].to, mail.outbox[-1].subject) == (
        ["ann@example.com"],
        "Your second factor was taken away",
    )
    assert sign_in(client)["Location"] == "/me"


def test_nobody_and_nothing_are_said(client):
    ann()
    for email in ("nobody@example.com", "ann@example.com", "ann\u200b@example.com"):
        with pytest.raises(CommandError):
            command("reset", email)
    assert not HistoryEntry.objects.filter(act="factor_reset").exists()


def test_secrets_are_encrypted_anew(client, settings):
    app = App(ann())
    old = settings.SECOND_FACTOR_KEYS
    settings.SECOND_FACTOR_KEYS = ["another key of at least 32 characters", *old]
    assert command("reencrypt").startswith("2 secrets")
    settings.SECOND_FACTOR_KEYS = settings.SECOND_FACTOR_KEYS[:1]
    sign_in(client)
    client.post("/accounts/2fa/authenticate/", {"code": app.code()})
    assert who(client) == "ann@example.com"
    settings.SECOND_FACTOR_KEYS = old
    with pytest.raises(CommandError, match="former key"):
        command("reencrypt")
