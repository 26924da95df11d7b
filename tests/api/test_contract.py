"""OpenAPI contract: schemathesis finds no answer of the running API that its description does not allow."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.buyer import make_event
from tests.stack import Stack

CONFIG = Path(__file__).with_name("schemathesis.toml")
PASSWORD = "a long enough passphrase"
SAVE_STAFF = (
    "from accounts.staff import save_verified_user\n"
    "save_verified_user(email='staff@example.com', password=password)"
)
# What would end the very token that the run uses.
ENDS_THE_TOKEN = ("logout", "delete_user")


def fuzz(stack: Stack, *arguments: str, examples: int, seconds: int) -> None:
    """Run every check of schemathesis against `stack`; fail with its report."""
    command = [Path(sys.executable).with_name("schemathesis"), "--config-file", CONFIG, "run"]
    command += [f"{stack.shop_url}/api/schema", "--checks=all", f"--max-examples={examples}"]
    command += ["--suppress-health-check=all", "--no-color", "--continue-on-failure", *arguments]
    done = subprocess.run(
        [str(part) for part in command],
        cwd=stack.folder,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        env={name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    stack.audit()


def staff_token(stack: Stack) -> str:
    stack.django(SAVE_STAFF, password=PASSWORD)
    body = {"email": "staff@example.com", "password": PASSWORD}
    answer = requests.post(f"{stack.shop_url}/api/users/login", json=body, timeout=10)
    return answer.json()["token"]


@pytest.fixture(params=[pytest.param(5, marks=pytest.mark.short, id="short"), pytest.param(150, id="long")])
def examples(request) -> int:
    return request.param


def test_anybody(postgres_stack, examples):
    make_event(postgres_stack)
    fuzz(postgres_stack, examples=examples, seconds=examples * 30 + 300)


def test_staff(postgres_stack, examples):
    make_event(postgres_stack)
    excluded = [f"--exclude-operation-id={name}" for name in ENDS_THE_TOKEN]
    token = f"--header=Authorization:Bearer {staff_token(postgres_stack)}"
    fuzz(postgres_stack, token, *excluded, examples=examples, seconds=examples * 30 + 300)
