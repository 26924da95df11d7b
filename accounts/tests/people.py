"""Account pages for tests: filling in their forms, and reading the mails that they send."""

import re

from django.core import mail

from accounts.models import User
from accounts.staff import save_verified_user

PASSWORD = "a long enough passphrase"
OTHER = "quite another passphrase"


def text_of(answer) -> str:
    return " ".join(answer.content.decode().split())


def ann() -> User:
    return save_verified_user(email="ann@example.com", password=PASSWORD, name="Ann")[0]


def sign_up(client, email="ann@example.com", password=PASSWORD, name="Ann"):
    return client.post("/accounts/signup/", {"email": email, "password1": password, "name": name})


def sign_in(client, email="ann@example.com", password=PASSWORD):
    return client.post("/accounts/login/", {"login": email, "password": password})


def ask_for_new_address(client, email="new@example.com"):
    """Answers the page to which the form leads, the password typed once more."""
    fields = {"email": email, "action_add": "1"}
    again = client.post("/accounts/email/", fields)["Location"]
    assert again == "/accounts/reauthenticate/?next=%2Faccounts%2Femail%2F"
    return client.post(again, {"password": PASSWORD, "next": "/accounts/email/"})


def mailed_code() -> str:
    return re.search(r"^([A-Z0-9]+-?[A-Z0-9]+)$", mail.outbox[-1].body, re.MULTILINE)[1]


def mailed_link() -> str:
    return re.search(r"http://[^/\s]+(/accounts/\S+)", mail.outbox[-1].body)[1]


def who(client) -> str | None:
    """Whose account page this browser sees."""
    answer = client.get("/me/account")
    return None if answer.status_code == 302 else answer.context["user"].email


def token_works(client, token: str) -> bool:
    answer = client.get("/api/users/me", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code in (200, 401)
    return answer.status_code == 200
