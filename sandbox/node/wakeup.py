"""Event that wakes the background thread when work was queued."""

import threading

bell = threading.Event()


def wake() -> None:
    bell.set()
