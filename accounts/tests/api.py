"""Users and request bodies for the tests of the API."""

import json
import re

from django.core import mail

from .people import PASSWORD, ann

__all__ = ["PASSWORD", "ann", "as_json", "login", "mailed_key", "status"]


def as_json(body) -> bytes:
    return b"" if body is None else json.dumps(body).encode()


def mailed_key() -> str:
    return re.search(r"/confirm-email/([^/\s]+)", mail.outbox[-1].body)[1]


def login(post, email="ann@example.com", password=PASSWORD):
    return post("/users/login", {"email": email, "password": password})


def status(post, token) -> int:
    return post("/users/me", token=token, method="GET").status_code
