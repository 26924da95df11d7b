"""HTTP client for other VASPs: bounded in time and size, without redirects.

http only for those named in SANDBOX_LOCAL_VASPS. Nothing is cached, so that a restarted peer with new keys
is believed at once.
"""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import requests
import uma
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from wallet.models import SeenNonce

TIMEOUT_S = (3, 15)
MAX_BYTES = 65_536
OLDEST_SIGNATURE = timedelta(minutes=10)


class PeerFailed(Exception):
    """The other side did not answer, or not with what was asked for. `status` is its HTTP status or None."""

    def __init__(self, sentence: str, *, status: int | None = None, body: str = ""):
        super().__init__(sentence)
        self.status = status
        self.body = body


def scheme_for(domain: str) -> str:
    return "http" if domain.lower() in settings.SANDBOX_LOCAL_VASPS else "https"


def call(method: str, url: str, *, json_body: dict | None = None, params: dict | None = None) -> dict:
    """The JSON object a peer answered with status 200..299. Raises PeerFailed."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or (
        parts.scheme == "http" and scheme_for(parts.netloc) != "http"
    ):
        raise PeerFailed(f"{parts.netloc or url} must be reached by https")
    try:
        with requests.request(
            method, url, json=json_body, params=params, timeout=TIMEOUT_S, allow_redirects=False, stream=True
        ) as answer:
            text = answer.raw.read(MAX_BYTES, decode_content=True).decode("utf-8", "replace")
    except (requests.RequestException, OSError, ValueError) as error:
        raise PeerFailed(f"{parts.netloc} does not answer ({type(error).__name__})") from error
    return _read(parts.netloc, answer.status_code, text)


def _read(netloc: str, status: int, text: str) -> dict:
    try:
        body = json.loads(text) if text.strip() else {}
    except ValueError:
        body = None
    said = str(body.get("reason") or body.get("detail") or "") if isinstance(body, dict) else ""
    if not 200 <= status < 300:
        raise PeerFailed(said or f"{netloc} answered {status}", status=status, body=text)
    if not isinstance(body, dict):
        raise PeerFailed(f"{netloc} did not answer with JSON", status=status)
    if body.get("status") == "ERROR":
        raise PeerFailed(said or f"{netloc} refused", status=status, body=text)
    return body


def fetch_keys(domain: str) -> uma.PubkeyResponse:
    """The public keys of a VASP (UMAD-02). Raises PeerFailed."""
    body = call("GET", f"{scheme_for(domain)}://{domain}/.well-known/lnurlpubkey")
    try:
        keys = uma.PubkeyResponse.from_json(json.dumps(body))
        keys.get_signing_pubkey()
    except Exception as error:
        raise PeerFailed(f"{domain} publishes no usable keys") from error
    return keys


class NonceCheck(uma.INonceCache):
    """One verification's nonce: checked first, remembered with `keep()` only after the signature verified, so
    that a forged message cannot burn an honest nonce."""

    def __init__(self, domain: str):
        self.domain = domain.lower()
        self.nonce = ""

    def check_and_save_nonce(self, nonce: str, timestamp: datetime) -> None:
        if abs(datetime.now(UTC) - timestamp) > OLDEST_SIGNATURE:
            raise uma.InvalidNonceException("the timestamp is too old or in the future")
        if SeenNonce.objects.filter(domain=self.domain, nonce=nonce).exists():
            raise uma.InvalidNonceException("the nonce was used before")
        self.nonce = nonce

    def purge_nonces_older_than(self, timestamp: datetime) -> None:
        SeenNonce.objects.filter(seen_at__lt=timestamp).delete()

    def keep(self) -> None:
        """Raises InvalidNonceException when another request was faster."""
        self.purge_nonces_older_than(timezone.now() - 2 * OLDEST_SIGNATURE)
        try:
            with transaction.atomic():
                SeenNonce.objects.create(domain=self.domain, nonce=self.nonce)
        except IntegrityError as error:
            raise uma.InvalidNonceException("the nonce was used before") from error
