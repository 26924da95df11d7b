"""Endpoints of the shop, as its URL resolver knows them."""

import re
from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver

_NAMED = re.compile(r"\(\?P<(\w+)>[^()]*\)|<(?:\w+:)?(\w+)>")


def endpoints() -> set[str]:
    """`GET /api/events/{pk}` for each method of a viewset, `/orders/{token}` for a view of any methods."""
    found = set()
    for path, view in _walk(get_resolver()):
        methods = getattr(view, "actions", None)
        found |= {f"{method.upper()} {path}" for method in methods} if methods else {path}
    return {each for each in found if not each.startswith("/admin/")}


def admin_paths() -> list[str]:
    """Every address of the admin, with 1 for whatever it asks for."""
    paths = {re.sub(r"\{\w+\}", "1", path) for path, _ in _walk(get_resolver()) if path.startswith("/admin/")}
    return sorted(path.replace("(1)", "events") for path in paths)


def routes() -> list[str]:
    """Every address, the admin's too, with {name} for what it takes."""
    return sorted({path for path, _ in _walk(get_resolver())})


def _walk(resolver: URLResolver, before: str = "/") -> Iterator[tuple[str, object]]:
    for pattern in resolver.url_patterns:
        text = _NAMED.sub(lambda found: "{" + (found[1] or found[2]) + "}", str(pattern.pattern))
        path = before + text.replace("^", "").replace("$", "").replace("\\Z", "")
        if isinstance(pattern, URLPattern):
            yield path, pattern.callback
        else:
            yield from _walk(pattern, path)
