"""One bell: whoever queued work rings it, the background thread listens."""

import threading

bell = threading.Event()


def wake() -> None:
    bell.set()
