"""The service worker's script: its parts, and the files that pages need without a net."""

import hashlib
import json

from django.conf import settings
from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.utils.translation import get_language

# Classic scripts, in this order; each keeps its own pages (`self.keepers`), caches and messages.
PARTS = ["js/worker/shell.js", "js/worker/tickets.js", "js/worker/door.js", "js/worker/push.js"]
SHELL_FILES = [
    "css/site.css", "img/icon.svg", "js/theme.js", "js/site.js", "js/clock.js", "js/promo-code.js",
    "js/times.js", "js/stepper.js", "js/pocket.js", "js/offline.js",
]  # fmt: skip


def shell_version() -> str:
    """Another one whenever a file of the shell or the language of its page is another."""
    digest = hashlib.sha256(f"{settings.SITE_NAME} {get_language()}".encode())
    for name in [*PARTS, *SHELL_FILES]:
        digest.update(static(name).encode())
        # Names have the content in them, but in development.
        if settings.DEVELOPMENT and (path := finders.find(name)):
            with open(path, "rb") as file:
                digest.update(file.read())
    return digest.hexdigest()[:16]


def worker_script() -> str:
    """The text of `/sw.js`: what the shell is, then the parts. Browsers take a new one when it differs."""
    shell = {
        "version": shell_version(), "files": [static(name) for name in SHELL_FILES],
        "page": f"/offline?lang={get_language()}",
        "name": settings.SITE_NAME, "icon": static("img/icon-192.png"), "badge": static("img/badge-96.png"),
    }  # fmt: skip
    parts = ", ".join(json.dumps(static(name)) for name in PARTS)
    return f"self.SHELL = {json.dumps(shell)};\nimportScripts({parts});\n"
