"""Context processor: the shop's own data for every page."""

from django.conf import settings

from .strangers import is_stranger


def site(request) -> dict:
    return {
        "site_name": settings.SITE_NAME,
        "site_url": settings.SITE_URL,
        "legal": {name: url for name, (url, _text) in settings.LEGAL.items()},
        "network": settings.LIGHTSPARK_NETWORK,
        "is_test_network": settings.LIGHTSPARK_NETWORK != "MAINNET",
        "is_stranger": is_stranger(request),
    }
