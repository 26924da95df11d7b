"""Bidi isolation of typed text, so that text written from the right moves no other sign."""

import unicodedata

FSI, PDI = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"
# Signs that steer directions: from somebody's title they would steer the rest of our line too.
STEERING = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
FROM_THE_RIGHT = {"R", "AL", "AN"}


def isolate(text: str) -> str:
    """`text` for a plain line of ours: isolated (UAX 9) when something in it is written from the right."""
    text = str(text).translate(STEERING)
    if any(unicodedata.bidirectional(sign) in FROM_THE_RIGHT for sign in text):
        return f"{FSI}{text}{PDI}"
    return text
