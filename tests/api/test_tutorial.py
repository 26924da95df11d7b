"""The tutorial in docs/api.md: run from the first line to the last."""

import os
import re
import subprocess

import pytest

from tests.buyer import make_event
from tests.stack import ROOT
from ticketsuma.api.schema import CODES

TUTORIAL = (ROOT / "docs" / "api.md").read_text()
STAFF = (
    "from accounts.staff import save_verified_user\n"
    "save_verified_user(email='staff@example.com', password=password)"
)


@pytest.mark.short
def test_the_tutorial_runs_from_sign_up_to_check_in(postgres_stack):
    stack = postgres_stack
    stack.django(STAFF, password="a long enough passphrase")
    make_event(stack, price_sats=9_000)
    script = "set -euo pipefail\n" + "\n".join(re.findall(r"^```sh\n(.*?)^```$", TUTORIAL, re.M | re.S))
    env = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ} | {
        "SHOP": stack.shop_url,
        "WALLET": stack.sandbox_url,
        "MAILS": str(stack.folder / "mail"),
        "STAFF_PASSWORD": "a long enough passphrase",
    }
    done = subprocess.run(
        ["bash", "-c", script], cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "The ticket is paid." in done.stdout
    assert '"valid":true,"reason":"ok"' in done.stdout
    assert '"reason":"already_checked_in"' in done.stdout
    stack.audit()


def test_the_tutorial_names_every_refusal():
    named = set(re.findall(r"^\| \d+ \| `(\w+)` \|", TUTORIAL, re.M))
    assert named == set(CODES)
