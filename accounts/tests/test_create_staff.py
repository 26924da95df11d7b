"""`manage.py create_staff`: staff accounts without a confirmation mail."""

import io

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command

from accounts.models import User
from tests.factories import UnprovenUserFactory

pytestmark = pytest.mark.django_db
GOOD = "a long enough password"


def create_staff(monkeypatch, email, password=GOOD, **options):
    monkeypatch.setattr("sys.stdin", io.StringIO(password + "\n"))
    out, err = io.StringIO(), io.StringIO()
    call_command("create_staff", email, password_stdin=True, stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


def test_staff_can_sign_in_at_once(monkeypatch):
    said, warned = create_staff(monkeypatch, " Staff@Example.com ", name="Sam")
    user = authenticate(username="staff@example.com", password=GOOD)
    assert user.is_staff
    assert user.name == "Sam"
    assert "was made" in said
    assert warned == ""


def test_an_address_not_in_admin_emails_is_said_clearly(monkeypatch):
    _said, warned = create_staff(monkeypatch, "ops@example.com")
    assert "NOT staff yet: add ops@example.com to ADMIN_EMAILS" in warned
    assert not User.objects.get().is_staff


def test_an_existing_user_gets_a_new_password_and_is_signed_out_everywhere(monkeypatch):
    UnprovenUserFactory(email="staff@example.com", password="the old password", name="Sam", is_active=False)
    said, _warned = create_staff(monkeypatch, "staff@example.com")
    user = User.objects.get()
    assert "was updated" in said
    assert authenticate(username="staff@example.com", password="the old password") is None
    assert authenticate(username="staff@example.com", password=GOOD) == user
    assert (user.name, user.is_staff, user.token_epoch) == ("Sam", True, 1)
    create_staff(monkeypatch, "staff@example.com")
    assert user.emailaddress_set.count() == 1


@pytest.mark.parametrize(
    ("email", "password"),
    [("staff@example.com", "short"), ("staff@example.com", "passwordpassword1"), ("no address", GOOD)],
)
def test_a_bad_address_or_password_changes_nothing(monkeypatch, email, password):
    if password == "passwordpassword1":
        email = "passwordpassword1@example.com"  # too like the address
    with pytest.raises(CommandError):
        create_staff(monkeypatch, email, password)
    assert not User.objects.exists()


def test_two_different_passwords_change_nothing(monkeypatch):
    typed = iter(["one long password", "another long password"])
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(typed))
    with pytest.raises(CommandError, match="differ"):
        call_command("create_staff", "staff@example.com")
    assert not User.objects.exists()


def test_staff_needs_a_verified_address_of_admin_emails_and_an_active_account(monkeypatch, settings):
    create_staff(monkeypatch, "staff@example.com")

    def is_staff():
        return User.objects.get().is_staff

    assert is_staff()
    User.objects.get().emailaddress_set.update(verified=False)
    assert not is_staff()
    User.objects.get().emailaddress_set.update(verified=True)
    settings.ADMIN_EMAILS = frozenset({"staff@example.com.evil.example"})
    assert not is_staff()
    settings.ADMIN_EMAILS = frozenset({"staff@example.com"})
    assert is_staff()
    User.objects.update(is_active=False)
    assert not is_staff()
