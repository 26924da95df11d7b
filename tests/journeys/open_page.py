"""An order page left open in a browser, as far as its event stream goes."""

import contextlib
import threading
import time

import requests

from tests.processes import wait_until

DEADLINE_SECONDS = 5


class Page:
    """An open order page: the moments at which its event stream said "changed"."""

    def __init__(self, url: str, token: str):
        self.changes: list[float] = []
        self.answer = requests.get(f"{url}/orders/{token}/live", params={"v": ""}, stream=True, timeout=70)
        assert self.answer.status_code == 200, self.answer.text
        threading.Thread(target=self._listen, daemon=True).start()
        wait_until(lambda: self.changes, DEADLINE_SECONDS, "the stream tells the first version")

    def _listen(self) -> None:
        with contextlib.suppress(requests.RequestException):  # the server may die under the page
            for line in self.answer.iter_lines(chunk_size=1):
                if line == b"event: changed":
                    self.changes.append(time.monotonic())
