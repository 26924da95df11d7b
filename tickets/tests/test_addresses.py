"""Addresses that people type: one spelling each, and no invisible characters."""

import io

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command

from accounts.models import User, normalize_email
from payments.uma.address import InvalidUmaAddress, normalize_payable_address, normalize_uma_address
from tests.factories import EveningFactory, EventFactory
from tickets.models import Order
from tickets.services.payment_lookup import find_invoices
from ticketsuma.addresses import InvisibleSign, normalize_address
from ticketsuma.conf.env import Environment

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "a long enough passphrase"
# Zero-width space and joiner, soft hyphen, word joiner, byte order mark, override, isolate, bell, NUL's like.
SIGNS = ["\u200b", "\u200d", "\u00ad", "\u2060", "\ufeff", "\u202e", "\u2066", "\x07", "\x1f", "\x85"]
INSIDE = ["an{}n@example.com", "ann@exam{}ple.com", "ann@example.c{}om"]
each_sign = pytest.mark.parametrize("sign", SIGNS, ids=lambda sign: f"U+{ord(sign):04X}")


@each_sign
@pytest.mark.parametrize("address", INSIDE)
def test_every_normalizer_refuses(sign, address):
    typed = address.format(sign)
    for normalize in (normalize_address, normalize_email, User.objects.get_by_natural_key):
        with pytest.raises(InvisibleSign):
            normalize(typed)
    for normalize in (normalize_uma_address, normalize_payable_address):
        with pytest.raises(InvalidUmaAddress, match="invisible"):
            normalize(f"${typed}")
    assert find_invoices(f"${typed}") == []


def test_wide_letters_are_the_same_letters():
    assert normalize_email(" Ａnn@Example．com\n") == "ann@example.com"
    assert normalize_uma_address("＄Alice＠wallet.example") == "$alice@wallet.example"
    assert normalize_payable_address("Ａlice@wallet.example") == "alice@wallet.example"


@each_sign
def test_pages_refuse_and_say_why(client, sign):
    email = f"ann@exam{sign}ple.com"
    event = EventFactory()
    forms = [
        (event.get_absolute_url(), "email", {"quantity": 1, "email": email}),
        (event.get_absolute_url(), "uma_address",
         {"quantity": 1, "email": "a@example.com", "uma_address": f"$ann@wal{sign}let.example"}),
        ("/find", "email", {"email": email}),
        ("/accounts/signup/", "email", {"email": email, "password1": PASSWORD}),
        ("/accounts/login/", "login", {"login": email, "password": PASSWORD}),
        ("/accounts/login/code/", "email", {"email": email}),
        ("/accounts/password/reset/", "email", {"email": email}),
    ]  # fmt: skip
    for path, field, fields in forms:
        errors = client.post(path, fields).context["form"].errors
        assert "invisible sign" in str(errors[field]), path
    assert (User.objects.count(), Order.objects.count()) == (0, 0)


@each_sign
def test_the_api_refuses_and_says_why(client, sign):
    email = f"ann@exam{sign}ple.com"
    event = EventFactory()
    bodies = [
        ("/api/users", "email", {"email": email, "password": PASSWORD}),
        ("/api/users/login", "email", {"email": email, "password": PASSWORD}),
        ("/api/users/reset-password", "email", {"email": email}),
        ("/api/tickets/purchase", "email", {"event_id": event.pk, "email": email}),
    ]
    for path, field, body in bodies:
        answer = client.post(path, body, content_type="application/json")
        errors = answer.json()["errors"]
        assert [(answer.status_code, one["field"], one["code"]) for one in errors] == [
            (400, field, "invalid")
        ]
        assert "invisible sign" in errors[0]["message"]


@each_sign
def test_organizers_settings_and_the_console_refuse(sign, monkeypatch):
    email = f"ann@exam{sign}ple.com"
    with pytest.raises(ValidationError, match="invisible"):
        EveningFactory(contact_email=email)
    monkeypatch.setenv("STAFF", f"bob@example.com,{email}")
    env = Environment()
    assert env.addresses("STAFF") == frozenset()
    assert env.problems == ["STAFF holds an invisible sign"]
    with pytest.raises(CommandError, match="invisible"):
        call_command("create_staff", email, password_stdin=True)
    with pytest.raises(CommandError, match="invisible"):
        call_command("sign_in_link", email, stdout=io.StringIO())


def test_an_organizers_address_is_spelled_as_all_are():
    assert EveningFactory(contact_email=" Ａnn@Example.com ").contact_email == "ann@example.com"
