"""Requests to a wallet and its answers, as events (NIP-01, NIP-04, NIP-44, NIP-47); no network here.

An answer counts when the wallet signed it, for this very request, encrypted to us. So whoever runs the relay,
or replays what was said before, can withhold answers and cannot make any.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .link import Link

INFO, REQUEST, RESPONSE = 13194, 23194, 23195


class Silent(Exception):
    """No answer in time. What was asked may have been done."""


class RelayAway(Exception):
    """None of the relays took the request."""


class SaidNo(Exception):
    """The wallet answered with an error; `code` is NIP-47's."""

    def __init__(self, code: str):
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Info:
    """What a wallet's info event says that it can do."""

    methods: frozenset[str]
    has_nip44: bool


class Request:
    """One request: `event` to publish, `filter` for its answer, and `read` to open what comes back."""

    def __init__(self, link: Link, method: str, params: Mapping[str, Any], *, nip44: bool, ends_at: int):
        from nostr_sdk import EventBuilder, Filter, Keys, Kind, PublicKey, Tag

        self._keys, self._wallet = Keys.parse(link.secret), PublicKey.parse(link.wallet)
        self._method, self._nip44 = method, nip44
        content = self._encrypt(json.dumps({"method": method, "params": dict(params)}))
        tags = [["p", link.wallet], ["expiration", str(ends_at)]]
        tags += [["encryption", "nip44_v2"]] if nip44 else []
        event = EventBuilder(Kind(REQUEST), content).tags([Tag.parse(tag) for tag in tags])
        signed = event.finalize(self._keys)
        self.id, self.event = signed.id().to_hex(), json.loads(signed.as_json())
        answers = Filter().kind(Kind(RESPONSE)).author(self._wallet).event(signed.id())
        self.filter = json.loads(answers.as_json())

    def read(self, event: object) -> dict[str, Any] | None:
        """The answer's `result`; None for what is no answer to this request. Raises SaidNo."""
        opened = self._open(event)
        if opened is None or opened.get("result_type") != self._method:
            return None
        error, result = opened.get("error"), opened.get("result")
        if error:
            raise SaidNo(str(error.get("code", ""))[:40] if isinstance(error, dict) else "OTHER")
        return result if isinstance(result, dict) else {}

    def _open(self, event: object) -> dict[str, Any] | None:
        from nostr_sdk import NostrSdkError

        signed = read_event(event, kind=RESPONSE, author=self._wallet.to_hex())
        if signed is None or ["e", self.id] not in [tag.to_vec()[:2] for tag in signed.tags()]:
            return None
        try:
            opened = json.loads(self._decrypt(signed.content()))
        except (NostrSdkError, ValueError, RecursionError):
            return None
        return opened if isinstance(opened, dict) else None

    def _encrypt(self, text: str) -> str:
        from nostr_sdk import Nip44Version, nip04_encrypt, nip44_encrypt

        if self._nip44:
            return nip44_encrypt(self._keys.secret_key(), self._wallet, text, Nip44Version.V2)
        return nip04_encrypt(self._keys.secret_key(), self._wallet, text)

    def _decrypt(self, text: str) -> str:
        from nostr_sdk import nip04_decrypt, nip44_decrypt

        decrypt = nip44_decrypt if self._nip44 else nip04_decrypt
        return decrypt(self._keys.secret_key(), self._wallet, text)


def info_filter(link: Link) -> dict[str, Any]:
    return {"kinds": [INFO], "authors": [link.wallet], "limit": 1}


def read_info(event: object, link: Link) -> Info | None:
    """None for what the wallet did not sign. Whoever names no encryption has NIP-04 only (NIP-47)."""
    signed = read_event(event, kind=INFO, author=link.wallet)
    if signed is None:
        return None
    named = [tag.to_vec()[1:] for tag in signed.tags() if tag.to_vec()[0] == "encryption"]
    encryptions = {word for values in named for value in values for word in value.replace(",", " ").split()}
    return Info(frozenset(signed.content().split()), "nip44_v2" in encryptions)


def read_event(event: object, *, kind: int, author: str) -> Any:
    """The event if it is one of that kind, signed by `author`; else None."""
    from nostr_sdk import Event, NostrSdkError

    try:
        signed = Event.from_json(json.dumps(event))
        is_wanted = signed.kind().as_u16() == kind and signed.author().to_hex() == author
        return signed if is_wanted and signed.verify() else None
    except (NostrSdkError, ValueError, TypeError, RecursionError):
        return None
