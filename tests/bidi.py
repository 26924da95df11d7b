"""Bidi checks: finds typed text in a page or text that could reorder the text around it (UAX 9)."""

import unicodedata
from html.parser import HTMLParser

from ticketsuma.bidi import FSI, PDI

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
TOLD = {"title", "alt", "aria-label", "content", "placeholder"}  # attributes that are told to people


def from_the_right(text: str) -> bool:
    return any(unicodedata.bidirectional(sign) in ("R", "AL") for sign in text)


def unisolated(text: str, typed: set[str]) -> str:
    """What of a plain text is written from the right, stands beside our words and is not isolated."""
    depth, loose = 0, ""
    for sign in text:
        depth += (sign == FSI) - (sign == PDI)
        loose += "" if depth or sign in (FSI, PDI) else sign
    bare = [line for line in loose.splitlines() if from_the_right(line) and line.strip() not in typed]
    return "\n".join(bare) if depth == 0 else text


class _Page(HTMLParser):
    """`faults`: each use of what people typed (`typed`) by which our words can be moved."""

    def __init__(self, html: str, typed: set[str]):
        super().__init__()
        self.typed, self.faults = typed, []
        self._stack: list[dict] = [{"tag": "", "is_own": False, "text": ""}]
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        said = {name: value or "" for name, value in attrs}
        is_own = tag == "bdi" or said.get("dir") == "auto"
        for name, value in said.items():
            if name in TOLD and unisolated(value, self.typed):
                self.faults.append((tag, name, value))
        is_shown = tag == "input" and said.get("type") != "hidden"
        if is_shown and not is_own and from_the_right(said.get("value", "")):
            self.faults.append((tag, "value", said["value"]))
        if tag not in VOID:
            self._stack.append({"tag": tag, "is_own": is_own, "text": ""})

    def handle_data(self, text):
        if self._stack[-1]["tag"] == "script":
            return  # data, told to no person
        own = next((one for one in reversed(self._stack) if one["is_own"]), None)
        if own is not None:
            own["text"] += text
        elif unisolated(text, self.typed if self._stack[-1]["tag"] == "title" else set()):
            self.faults.append((self._stack[-1]["tag"], "text", text.strip()))

    def handle_endtag(self, tag):
        if not any(one["tag"] == tag for one in self._stack):
            return
        while True:
            ended = self._stack.pop()
            text = ended["text"].strip()
            if ended["is_own"] and from_the_right(text) and text not in self.typed:
                self.faults.append((tag, "mixed", text))  # our words inside take its direction
            if ended["tag"] == tag:
                return


def faults(html: str, typed: set[str]) -> list[tuple]:
    return _Page(html, typed).faults
