"""An independent wallet, Alby's SDK for JavaScript: it is connected, and pays by a press (NIP-47)."""

import json
import shutil
import subprocess

from nostr_sdk import Keys

from tests.buyer import Buyer, assert_sold_once, make_event
from tests.journeys.test_connected_wallet import Page
from tests.processes import die_with_parent, wait_until

from .test_second_sender import HERE


def test_a_wallet_on_another_sdk_pays_by_a_press(sqlite_stack, tmp_path):
    stack = sqlite_stack.with_relay()
    wallet, client = Keys.generate(), Keys.generate()
    log = tmp_path / "wallet.log"
    program = shutil.which("node")
    assert program, "Node.js is not on this machine"
    assert (HERE / "node_modules/@getalby/sdk").is_dir(), "run `npm ci` in tests/second_sender"
    with log.open("wb") as out:
        service = subprocess.Popen(
            [program, "--experimental-websocket", "wallet.mjs"],
            cwd=HERE, stdin=subprocess.PIPE, stdout=out, stderr=out,
            preexec_fn=die_with_parent, text=True,
        )  # fmt: skip
    try:
        told = {
            "relay": f"ws://{stack.relay_domain}", "walletSecret": wallet.secret_key().to_hex(),
            "clientPubkey": client.public_key().to_hex(), "node": stack.sandbox_url,
        }  # fmt: skip
        service.stdin.write(json.dumps(told))
        service.stdin.close()
        wait_until(lambda: "listening" in log.read_text(), 30, "the wallet listens")
        relay = f"ws%3A%2F%2F{stack.relay_domain.replace(':', '%3A')}"
        key, secret = wallet.public_key().to_hex(), client.secret_key().to_hex()
        buyer = Buyer(stack).buy(make_event(stack))
        page = Page(stack, buyer)
        connected = page.connect(f"nostr+walletconnect://{key}?relay={relay}&secret={secret}")
        page.post("wallet_pay", wallet=connected)
        buyer.wait_for("paid")
        assert_sold_once(buyer)
    finally:
        service.kill()
        service.wait()
