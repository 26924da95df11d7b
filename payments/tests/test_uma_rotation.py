"""Rotation of our signing key (UMAD-02): no wallet that follows it refuses us at any moment."""

import re
from datetime import timedelta

import pytest
import uma
from django.test import Client
from django.utils import timezone

from payments.tests.test_uma_lookup import get
from tests.environment import key_pair

OUR_KEYS = "/.well-known/lnurlpubkey"


@pytest.fixture
def switch(settings):
    """The moment, in a quarter of an hour, when our next key is used."""
    keys = key_pair("SIGNING")
    settings.UMA_SIGNING_NEXT_PRIVATE_KEY = keys["UMA_SIGNING_PRIVATE_KEY"]
    settings.UMA_SIGNING_NEXT_CERT_CHAIN = keys["UMA_SIGNING_CERT_CHAIN"].replace("\\n", "\n")
    settings.UMA_SIGNING_NEXT_FROM = timezone.now().replace(microsecond=0) + timedelta(minutes=15)
    return settings.UMA_SIGNING_NEXT_FROM


class KeepingWallet:
    """Fetches our keys when it has none, keeps them until their end, and believes nothing else."""

    def __init__(self):
        self.kept = None

    def check(self, answer: str) -> None:
        if self.kept is None or self.kept.expiration_timestamp <= timezone.now():
            self.kept = uma.PubkeyResponse.from_json(Client().get(OUR_KEYS).content.decode())
        recent = uma.InMemoryNonceCache(timezone.now() - timedelta(minutes=1))
        uma.verify_uma_lnurlp_response_signature(uma.parse_lnurlp_response(answer), self.kept, recent)


@pytest.mark.protocol("UMAD-02", "Our signing key is replaced at a moment that no kept copy outlives.")
def test_wallets_that_keep_our_keys_until_their_end_notice_nothing(
    make_payment, wallet, switch, time_machine
):
    payment = make_payment(due_at=switch + timedelta(hours=1))
    wallets, seen = [], set()
    for seconds in (-900, -700, -601, -600, -300, -61, -59, -2, -1, 0, 1, 2, 59, 300, 601, 1200):
        time_machine.move_to(switch + timedelta(seconds=seconds), tick=False)
        answer = get(wallet.lookup_url(payment.uma_pay_address))
        assert answer.status_code == 200, answer.content
        wallets.append(KeepingWallet())  # one more that fetches our keys at this very moment
        for each in wallets:
            each.check(answer.content.decode())
            seen.add(each.kept.get_signing_pubkey())
    assert len(seen) == 2


@pytest.mark.parametrize(
    ("before", "promised", "cached"),
    [(900, 600, 60), (601, 600, 60), (300, 300, 60), (20, 20, 20), (-1, 600, 60)],
)
def test_nobody_is_told_to_keep_the_old_key_past_the_switch(
    client, switch, time_machine, before, promised, cached
):
    now = switch - timedelta(seconds=before)
    time_machine.move_to(now, tick=False)
    answer = client.get(OUR_KEYS)
    assert answer.json()["expirationTimestamp"] == now.timestamp() + promised
    assert int(re.search(r"max-age=(\d+)", answer["Cache-Control"])[1]) == cached
