"""`manage.py doctor` over real processes: first all is well, then each fault is named."""

import json

import pytest
import requests

from tests.processes import wait_until


def doctor(stack, **environment: str) -> dict[str, tuple[str, str]]:
    """What it says with these settings, by check; and whether it ended as it should."""
    kept = dict(stack.env)
    stack.env |= environment
    try:
        done = stack.manage("doctor", "--json", check=False)
    finally:
        stack.env.clear()
        stack.env.update(kept)
    report = json.loads(done.stdout)
    assert done.returncode == (0 if report["ok"] else 1)
    return {one["check"]: (one["level"], one["says"]) for one in report["findings"]}


def worker_looks(stack) -> None:
    """The worker examines the shop with its own settings, and finds it well."""
    stack.django("Checkup.objects.update(next_attempt_at='2026-01-01T00:00:00Z', checked_at=None)")
    wait_until(lambda: word(stack) == "ok", 30, "the worker looked")


def word(stack) -> str:
    return requests.get(f"{stack.shop_url}/health", timeout=10).json()["doctor"]


@pytest.fixture(autouse=True)
def well_afterwards(stack):
    yield
    worker_looks(stack)


def test_a_new_shop_is_well_and_says_so(stack):
    found = doctor(stack)
    assert {level for level, _says in found.values()} <= {"ok", "note"}, found
    assert {"token", "node", "permissions", "network", "key", "can send", "list"} <= set(found)
    assert {"address", "webhook", "mail"} <= set(found)


@pytest.mark.parametrize(
    ("name", "value", "check", "word"),
    [
        ("LIGHTSPARK_API_TOKEN_CLIENT_SECRET", "x" * 32, "token", "does not accept the API token"),
        ("LIGHTSPARK_NODE_PASSWORD", "another password", "key", "does not open"),
        ("LIGHTSPARK_NODE_ID", "LightsparkNodeWithOSK:nobody", "node", "names no node of this account"),
        ("LIGHTSPARK_NETWORK", "TESTNET", "network", "LIGHTSPARK_NETWORK is TESTNET"),
        ("LIGHTSPARK_WEBHOOK_SIGNING_KEY", "ab" * 32, "webhook", "does not take what is signed with key 1"),
    ],
)
def test_what_is_wrong_is_named(stack, name, value, check, word):
    level, says = doctor(stack, **{name: value})[check]
    assert (level, word in says) == ("wrong", True), says


def test_health_and_staff_are_told_what_was_found(stack):
    worker_looks(stack)
    doctor(stack, LIGHTSPARK_NODE_PASSWORD="another password")
    answer = requests.get(f"{stack.shop_url}/health", timeout=10)
    assert (answer.status_code, answer.json()["doctor"]) == (503, "wrong")
    assert "does not open with LIGHTSPARK_NODE_PASSWORD" in stack.manage("audit", "--json").stdout
