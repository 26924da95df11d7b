"""A11: a refused login takes the same CPU time whether or not the account exists."""

import time

import pytest

from accounts.staff import save_verified_user

TRIES = 6


@pytest.mark.django_db(transaction=True)
def test_a_wrong_password_takes_as_long_as_an_unknown_address(client):
    """A11: the fastest of each; other programs on the machine only add."""
    save_verified_user(email="there@example.com", password="correct horse battery staple")
    took = {"there@example.com": [], "not-there@example.com": []}
    for _ in range(TRIES):
        for email, times in took.items():
            body = {"email": email, "password": "not the password"}
            started = time.process_time()
            assert client.post("/api/users/login", body, content_type="application/json").status_code == 401
            times.append(time.process_time() - started)
    there, not_there = (min(times) for times in took.values())
    assert abs(there - not_there) < 0.1 * max(there, not_there) + 0.005, took
