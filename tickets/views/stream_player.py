"""Stream players: embedded when the provider has a player to embed, else a link."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, quote, urlsplit

from django.conf import settings

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

# What browsers play by themselves, and HLS, for which we bring a player to those that do not.
HLS = "application/vnd.apple.mpegurl"
MEDIA = {".m3u8": HLS, ".mp4": "video/mp4", ".webm": "video/webm"}
MEETINGS = {"zoom.us": "Zoom", "meet.jit.si": "Jitsi", "meet.google.com": "Google Meet"}


@dataclass(frozen=True)
class Player:
    """`frame_url` is shown in the page, whose policy then allows `frame_origin`; `media_url` is a video
    of `media_type` from `media_origin`, which must serve all parts of it. With neither, and for browsers
    that cannot play it: `link`.
    """

    link: str
    provider: str
    frame_url: str = ""
    frame_origin: str = ""
    media_url: str = ""
    media_type: str = ""
    media_origin: str = ""

    @property
    def is_hls(self) -> bool:
        return self.media_type == HLS


def player_for(stream_url: str) -> Player:
    """The player for the organizer's address; an address we do not know is a link to its host."""
    parts = urlsplit(stream_url)
    host = (parts.hostname or "").removeprefix("www.").removeprefix("m.")
    path = [piece for piece in parts.path.split("/") if piece]
    if host in ("youtube.com", "youtu.be", "youtube-nocookie.com"):
        video = _youtube_id(host, path, parts.query)
        if video:
            origin = "https://www.youtube-nocookie.com"
            return Player(stream_url, "YouTube", f"{origin}/embed/{video}?autoplay=1&rel=0", origin)
    if host in ("vimeo.com", "player.vimeo.com") and path and path[-1].isdecimal():
        origin = "https://player.vimeo.com"
        return Player(stream_url, "Vimeo", f"{origin}/video/{path[-1]}?autoplay=1&dnt=1", origin)
    if host == "twitch.tv" and len(path) == 1 and _ID.fullmatch(path[0]):
        origin, parent = "https://player.twitch.tv", quote(settings.SITE_HOST.partition(":")[0])
        return Player(stream_url, "Twitch", f"{origin}/?channel={path[0]}&parent={parent}", origin)
    for ending, media_type in MEDIA.items():
        if parts.path.lower().endswith(ending):
            origin = f"{parts.scheme}://{parts.netloc}"
            return Player(stream_url, host, media_url=stream_url, media_type=media_type, media_origin=origin)
    return Player(stream_url, _meeting(host) or host)


def _meeting(host: str) -> str:
    """Name of a meeting service, which opens in a tab of its own."""
    for domain, name in MEETINGS.items():
        if host == domain or host.endswith(f".{domain}"):
            return name
    return ""


def _youtube_id(host: str, path: list[str], query: str) -> str:
    if host == "youtu.be":
        candidate = path[0] if path else ""
    elif path and path[0] in ("live", "embed", "shorts") and len(path) > 1:
        candidate = path[1]
    else:
        candidate = parse_qs(query).get("v", [""])[0]
    return candidate if _ID.fullmatch(candidate) else ""
