"""Password hashing under load: refused with 503 and Retry-After, while other pages still answer."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test import Client

from accounts import hashers

from .api import PASSWORD, ann

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def all_turns(monkeypatch):
    """Every turn is taken; call it to give them back."""
    monkeypatch.setattr(hashers, "WAIT_SECONDS", 0.05)
    with contextlib.ExitStack() as taken:
        for _ in range(hashers.AT_ONCE):
            taken.enter_context(hashers.turn())
        yield taken.close


def test_who_finds_no_turn_is_asked_to_come_again(post, client, all_turns):
    credentials = {"email": "ann@example.com", "password": PASSWORD}
    for path in ("/users/login", "/users"):
        answer = post(path, credentials)
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert answer["Retry-After"] == "5"
    page = client.post("/accounts/login/", {"login": "ann@example.com", "password": PASSWORD})
    assert (page.status_code, page["Retry-After"]) == (503, "5")
    assert "<h1" in page.content.decode()
    all_turns()
    ann()
    assert post("/users/login", credentials).status_code == 200


def test_who_waits_holds_no_database_connection(all_turns):
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    with pytest.raises(hashers.HashingBusy), hashers.turn():
        pass
    assert connection.connection is None


def test_no_more_than_so_many_hash_at_once():
    now, most, lock = 0, 0, threading.Lock()
    meet = threading.Barrier(hashers.AT_ONCE)

    def work(number: int) -> None:
        nonlocal now, most
        with hashers.turn():
            with lock:
                now += 1
                most = max(most, now)
            if number < hashers.AT_ONCE:
                meet.wait(5)
            with lock:
                now -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert most == hashers.AT_ONCE


def test_a_wave_of_sign_ins_gets_an_answer_each():
    ann()

    def sign_in(number: int) -> int:
        body = {"email": f"{number}@example.com", "password": "wrong"}
        answer = Client().post("/api/users/login", body, content_type="application/json")
        connection.close()
        return answer.status_code

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(sign_in, range(60))) <= {401, 503}
