"""The wallet's relay and its Nostr side: a process of its own (`manage.py relay`), which knows no money.

`nostr_sdk` has the relay. A request is opened here, done by `POST /api/nwc` of the wallet, and answered once
for each of the answers that come back, in the encryption that was used to ask (NIP-04 or NIP-44).
"""

import asyncio
import json
import logging
import time

import requests
from nostr_sdk import (
    ClientBuilder,
    Event,
    EventBuilder,
    Filter,
    Keys,
    Kind,
    LocalRelayBuilder,
    Nip44Version,
    NostrSdkError,
    RateLimit,
    RelayUrl,
    ReqTarget,
    Tag,
    nip04_decrypt,
    nip04_encrypt,
    nip44_decrypt,
    nip44_encrypt,
)

INFO, REQUEST, RESPONSE = 13194, 23194, 23195
log = logging.getLogger(__name__)


async def serve(*, host: str, port: int, wallet_url: str, nip44: bool = True) -> None:
    """Until it is stopped; `nip44=False` is a wallet from before there was NIP-44."""
    limit = RateLimit(max_reqs=100_000, notes_per_minute=100_000)
    relay = LocalRelayBuilder().addr(host).port(port).rate_limit(limit).build()
    await relay.run()
    asked = await asyncio.to_thread(
        _get, f"{wallet_url}/api/nwc"
    )  # waits for the wallet, which starts beside us
    keys = Keys.parse(asked["secret"])
    client = ClientBuilder().build()
    await client.add_relay(RelayUrl.parse(f"ws://{host}:{port}"))
    await client.connect()
    await client.subscribe(ReqTarget.auto([Filter().kind(Kind(REQUEST)).pubkey(keys.public_key())]))
    info = EventBuilder(Kind(INFO), " ".join(asked["methods"]))
    info = info.tags([Tag.parse(["encryption", "nip44_v2 nip04"])]) if nip44 else info
    await client.send_event(info.finalize(keys))
    log.warning("the relay is up")
    told = client.notifications()
    at_work = set()
    while (news := await told.next()) is not None:
        event = getattr(news, "event", None)
        if isinstance(event, Event) and event.kind().as_u16() == REQUEST:
            task = asyncio.create_task(_answer(client, keys, event, wallet_url))
            at_work.add(task)
            task.add_done_callback(at_work.discard)
            task.add_done_callback(_tell_of_failure)


async def _answer(client, keys: Keys, event: Event, wallet_url: str) -> None:
    is_old = "?iv=" in event.content()
    decrypt = nip04_decrypt if is_old else nip44_decrypt
    try:
        asked = json.loads(decrypt(keys.secret_key(), event.author(), event.content()))
    except (NostrSdkError, ValueError) as error:
        log.warning("a request that cannot be opened: %s", type(error).__name__)
        return
    asked["client"] = event.author().to_hex()
    said = await asyncio.to_thread(_post, f"{wallet_url}/api/nwc", asked)
    for answer in said["answers"]:
        text = json.dumps(answer)
        if is_old:
            content = nip04_encrypt(keys.secret_key(), event.author(), text)
        else:
            content = nip44_encrypt(keys.secret_key(), event.author(), text, Nip44Version.V2)
        tags = [Tag.public_key(event.author()), Tag.event(event.id())]
        await client.send_event(EventBuilder(Kind(RESPONSE), content).tags(tags).finalize(keys))


def _tell_of_failure(task: asyncio.Task) -> None:
    if not task.cancelled() and task.exception():
        log.error("a request was not answered: %r", task.exception())


def _get(url: str) -> dict:
    ends_at = time.monotonic() + 60
    while True:
        try:
            return requests.get(url, timeout=10).json()
        except requests.RequestException:
            if time.monotonic() > ends_at:
                raise
            time.sleep(0.2)


def _post(url: str, body: dict) -> dict:
    answer = requests.post(url, json=body, timeout=120)
    answer.raise_for_status()
    return answer.json()
