"""Stream addresses: https only, but for the sandbox's own."""

import pytest
from django.core.exceptions import ValidationError

from events.streams import StreamAddressValidator

LOCAL = "localhost:8081"  # what UMA_LOCAL_VASPS lists in tests


@pytest.mark.parametrize("url", ["https://a.example/x.m3u8", f"http://{LOCAL}/stream/live.m3u8"])
def test_addresses_that_are_taken(url):
    StreamAddressValidator()(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example/x.m3u8",
        f"http://{LOCAL}.evil.example/x",
        f"http://x@{LOCAL}/x",
        f"ftp://{LOCAL}/x",
        "",
    ],
)
def test_addresses_that_are_refused(url):
    with pytest.raises(ValidationError):
        StreamAddressValidator()(url)


def test_without_local_wallets_there_is_no_plain_http(settings):
    settings.UMA_LOCAL_VASPS = frozenset()
    with pytest.raises(ValidationError):
        StreamAddressValidator()(f"http://{LOCAL}/stream/live.m3u8")
