"""GRIP, the protocol between a web application and Pushpin: three headers, and one request to publish.

https://pushpin.org/docs/protocols/grip/
"""

import json
import random
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from ticketsuma.errors import DomainError
from ticketsuma.web.sse import RECONNECT_MILLISECONDS

HOLD_SECONDS = 1800  # after which Pushpin asks once more whether the link is still good
KEEP_ALIVE_SECONDS = 45  # most of what many held pages cost is this; proxies wait longer
ASK_SECONDS = 20  # a page that is held asks by itself so often: published news may be lost
PUBLISH_SECONDS = 1.0


class NotPublished(DomainError):
    code = "not_published"
    message = _("Pushpin does not take news.")
    status = 503


def _proxies() -> list[tuple[str, str]]:
    """Where each Pushpin takes news, and the key with which it signs: GRIP_URL is http://host:5561?key=…"""
    parts = [urlsplit(url) for url in settings.GRIP_URL]
    return [(each._replace(query="").geturl().rstrip("/"), parse_qs(each.query)["key"][0]) for each in parts]


def comes_from_proxy(request: HttpRequest) -> bool:
    """Whether a Pushpin of ours passed this request on, and so can hold its answer: `Grip-Sig` is its JWT."""
    signature = request.headers.get("grip-sig", "")
    return bool(signature) and any(_is_signed(signature, key) for _url, key in _proxies())


def _is_signed(signature: str, key: str) -> bool:
    try:
        jwt.decode(signature, key, algorithms=["HS256"], options={"require": ["exp"], "verify_iss": False})
    except jwt.InvalidTokenError:
        return False
    return True


def hold(request: HttpRequest, channels: list[str], version: str) -> HttpResponse:
    """An event stream that Pushpin holds for `channels`, on a page that shows `?v=`, or what it goes on with.

    Pushpin asks again about a second after it holds (for what was published between our look and the
    hold), and then every HOLD_SECONDS. A link that is not good any more ends the stream.
    """
    begin = ""
    if "again" not in request.GET:
        retry = random.randint(1, 5) * RECONNECT_MILLISECONDS  # noqa: S311, so that not all come at once
        begin = f"retry: {retry}\n\nevent: held\ndata: {ASK_SECONDS}\n\n"
    if request.GET.get("v", "") != version:
        begin += changed(version)
    answer = HttpResponse(begin, content_type="text/event-stream")
    again = f"{request.path}?{urlencode({'v': version, 'again': 1})}"
    answer["Grip-Hold"] = "stream"
    answer["Grip-Channel"] = ", ".join(channels)
    answer["Grip-Keep-Alive"] = f":\\n\\n; format=cstring; timeout={KEEP_ALIVE_SECONDS}"
    answer["Grip-Link"] = f"<{again}>; rel=next; timeout={HOLD_SECONDS}"
    answer["Cache-Control"] = "no-store"
    answer["X-Accel-Buffering"] = "no"
    return answer


def changed(version: str) -> str:
    return f"event: changed\ndata: {version}\n\n"


def publish(channel: str) -> None:
    """Tell every Pushpin that pages of `channel` have changed. Raises NotPublished when one does not take it.

    A page that is told twice asks twice, and is answered that nothing changed.
    """
    import requests  # the worker alone does; web processes do without

    item = {"channel": channel, "formats": {"http-stream": {"content": changed("")}}}
    body = json.dumps({"items": [item]})
    failed: requests.RequestException | None = None
    for url, _key in _proxies():
        try:
            requests.post(f"{url}/publish/", body, timeout=PUBLISH_SECONDS).raise_for_status()
        except requests.RequestException as error:
            failed = error
    if failed:
        raise NotPublished from failed
