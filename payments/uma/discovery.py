"""Discovery of another VASP: its public keys (UMAD-02) and its configuration (UMAD-10)."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.cache import cache
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ticketsuma.errors import DomainError

from .safe_http import Answer, VaspUnknown, VaspUnreachable, base_url, fetch

if TYPE_CHECKING:
    from uma import PubkeyResponse

MAX_KEPT = timedelta(minutes=10)
KEPT_WITHOUT_EXPIRY = timedelta(minutes=1)
# A domain that failed is not asked again so soon, whoever names it: for its keys, for its configuration.
FAILURE_SECONDS = 30
CONFIGURATION_FAILURE_SECONDS = 5
REFETCH_SECONDS = 30


class InvalidKeys(DomainError):
    """The VASP answered, but not with keys that could verify anything."""

    code = "invalid_pubkey_format"
    message = _("That wallet's server publishes no usable keys.")
    status = 400


class NoUmaRequests(DomainError):
    """The VASP says, or shows by its answer, that it takes no UMA Requests."""

    code = "vasp_takes_no_requests"
    message = _("That wallet takes no payment requests.")
    status = 424


def public_keys(domain: str) -> "PubkeyResponse":
    """The keys of `domain`, kept until they expire and for at most ten minutes.

    Raises VaspForbidden, VaspUnreachable or InvalidKeys. An answer without a signing key is not kept.
    """
    base_url(domain)
    kept = cache.get(f"vasp-keys:{domain}")
    return _read_keys(kept) if kept else _fetch_keys(domain)


def refetched_public_keys(domain: str) -> "PubkeyResponse | None":
    """The keys of `domain` asked for anew, for a signature that the kept ones did not verify.

    None when they were asked for within REFETCH_SECONDS already: strangers cannot make us ask more often.
    """
    if cache.add(f"vasp-refetch:{domain}", True, REFETCH_SECONDS):
        return _fetch_keys(domain)
    return None


def _fetch_keys(domain: str) -> "PubkeyResponse":
    url, down = f"{base_url(domain)}/.well-known/lnurlpubkey", f"vasp-down:{domain}"
    if cache.get(down):
        raise VaspUnreachable
    try:
        answer = fetch(url, unless=lambda: cache.get(down) is not None)
        if not answer.is_success:
            raise VaspUnreachable
        keys = _read_keys(answer.body)
    except DomainError:
        cache.add(down, True, FAILURE_SECONDS)
        raise
    cache.add(f"vasp-refetch:{domain}", True, REFETCH_SECONDS)
    seconds = _seconds_to_keep(keys.expiration_timestamp)
    if seconds > 0:
        cache.set(f"vasp-keys:{domain}", answer.body, seconds)
    return keys


def _seconds_to_keep(expires_at: datetime | None) -> float:
    if expires_at is None:
        return KEPT_WITHOUT_EXPIRY.total_seconds()
    return min(expires_at - timezone.now(), MAX_KEPT).total_seconds()


def _read_keys(body: bytes) -> "PubkeyResponse":
    from coincurve import PublicKey
    from cryptography.exceptions import UnsupportedAlgorithm
    from uma import PubkeyResponse, UmaException

    try:
        keys = PubkeyResponse.from_json(body.decode())
        PublicKey(keys.get_signing_pubkey())
    except (
        UmaException, UnsupportedAlgorithm, ValueError, TypeError, KeyError, AttributeError,
        IndexError, OverflowError, OSError, RecursionError,
    ) as error:  # fmt: skip
        raise InvalidKeys from error
    return keys


_FAILURES = {kind.code: kind for kind in (VaspUnreachable, VaspUnknown, NoUmaRequests)}


def uma_request_endpoint(domain: str) -> str:
    """Where `domain` takes UMA Requests (UMAD-10, UMAD-11). Its URL is as little trusted as any other.

    One that worked is kept (`keep_endpoint`). Raises VaspUnreachable when asking again may help,
    NoUmaRequests or VaspForbidden when not. A domain that failed is left alone for
    CONFIGURATION_FAILURE_SECONDS, and its failure repeated meanwhile.
    """
    if kept := cache.get(f"vasp-endpoint:{domain}"):
        return kept
    url, failed = f"{base_url(domain)}/.well-known/uma-configuration", f"vasp-configuration:{domain}"
    if refusal := _FAILURES.get(cache.get(failed)):
        raise refusal
    try:
        return _read_configuration(fetch(url, unless=lambda: cache.get(failed) is not None))
    except (VaspUnreachable, NoUmaRequests) as error:
        cache.add(failed, error.code, CONFIGURATION_FAILURE_SECONDS)
        raise


def keep_endpoint(domain: str, endpoint: str) -> None:
    """A request was taken at `endpoint`: the next ones go there for UMA_CONFIGURATION_SECONDS, unasked.

    No delivery prolongs that, so that a wallet that moves is found however busy it is.
    """
    cache.add(f"vasp-endpoint:{domain}", endpoint, settings.UMA_CONFIGURATION_SECONDS)


def forget_endpoint(domain: str) -> bool:
    """Drop the kept endpoint, so that the configuration is fetched next time; whether one was kept."""
    return cache.delete(f"vasp-endpoint:{domain}")


def _read_configuration(answer: Answer) -> str:
    if answer.status >= 500 or answer.status == 429:
        raise VaspUnreachable
    try:
        endpoint = answer.json().get("uma_request_endpoint") if answer.is_success else None
    except ValueError as error:
        raise NoUmaRequests from error
    if not isinstance(endpoint, str) or not endpoint:
        raise NoUmaRequests
    return endpoint
