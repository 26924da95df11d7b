"""Connection links of wallets, `nostr+walletconnect://…` (NIP-47), typed by strangers."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy as _

from payments.uma.safe_http import check_url
from payments.uma.unreached import VaspForbidden
from ticketsuma.errors import DomainError

MAX_LENGTH = 2000
MAX_RELAYS = 3
_SCHEME = "nostr+walletconnect:"


class BadLink(DomainError):
    code = "invalid_wallet_link"
    message = _("That is not a wallet's connection link. It begins with nostr+walletconnect://.")
    status = 400
    field = "link"


class NoRelay(BadLink):
    message = _("This link names no relay with a public wss:// address.")


@dataclass(frozen=True)
class Link:
    """What a link says: `wallet` and `secret` are 32 bytes in hex, `relays` URLs that we may try."""

    wallet: str
    relays: tuple[str, ...]
    secret: str = field(repr=False)
    address: str = ""

    @property
    def host(self) -> str:
        """Host of the first relay, with its port if that is not the usual one."""
        return urlsplit(self.relays[0]).netloc


def read_link(text: str) -> Link:
    """Raises BadLink. No name is resolved here: where a relay's leads is seen when it is talked to."""
    from nostr_sdk import NostrSdkError, NostrWalletConnectUri

    text = text.strip()
    if len(text) > MAX_LENGTH or not text.isascii() or not text.isprintable():
        raise BadLink
    if text.lower().startswith(_SCHEME):
        text = f"{_SCHEME}//{text[len(_SCHEME) :].lstrip('/')}"
    try:
        uri = NostrWalletConnectUri.parse(text)
    except NostrSdkError as error:
        raise BadLink from error
    relays = tuple(dict.fromkeys(str(relay) for relay in uri.relays() if _may_be_tried(str(relay))))
    if not relays:
        raise NoRelay
    return Link(
        wallet=uri.public_key().to_hex(), relays=relays[:MAX_RELAYS], secret=uri.secret().to_hex(),
        address=_printable(uri.lud16() or ""),
    )  # fmt: skip


def http_url(relay: str) -> str:
    """A relay's address as our guard of outgoing requests reads it: WebSocket begins as HTTP (RFC 6455)."""
    scheme, colon, rest = relay.partition(":")
    return {"ws": "http", "wss": "https"}.get(scheme, "") + colon + rest


def _may_be_tried(relay: str) -> bool:
    try:
        check_url(http_url(relay))
    except VaspForbidden:
        return False
    return True


def _printable(address: str) -> str:
    return address if len(address) <= 255 and address.isascii() and address.isprintable() else ""
