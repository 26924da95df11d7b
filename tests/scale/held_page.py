"""An order page open in a browser, as far as static/js/live.js goes: it listens, and asks by itself."""

import contextlib
import random
import threading
import time

import requests

from tests.buyer import Buyer

WITHOUT_LINE, FULL, LONGEST = 3.0, 30.0, 60.0


class HeldPage:
    """Its `state`, and the moments at which it changed; the pauses are those of live.js."""

    def __init__(self, buyer: Buyer):
        stack, token = buyer.stack, buyer.bought["order"]["token"]
        self.url = f"{stack.shop_url}/orders/{token}"
        self.version, self.changes, self.held = "", [], threading.Event()
        self.lost = 0
        self._pause, self._slower = WITHOUT_LINE, 1.0
        self._closed, self._look = threading.Event(), threading.Event()
        self.ask()
        for work in (self._listen, self._poll):
            threading.Thread(target=work, daemon=True).start()

    def ask(self) -> None:
        try:
            answer = requests.get(f"{self.url}/status", params={"v": self.version}, timeout=10)
        except requests.RequestException:
            self._slower *= 2
            return
        self._slower = 1 if answer.status_code < 500 else self._slower * 2
        if answer.status_code == 200:
            self.version = answer.text.partition('data-version="')[2].partition('"')[0]
            self.changes.append(
                (time.monotonic(), answer.text.partition('data-state="')[2].partition('"')[0])
            )

    def became(self, state: str) -> float | None:
        return next((at for at, seen in self.changes if seen == state), None)

    def close(self) -> None:
        self._closed.set()
        self._look.set()

    def _poll(self) -> None:
        while not self._closed.is_set():
            pause = min(max(self._pause, LONGEST), self._pause * self._slower)
            self._look.wait(pause * random.uniform(0.8, 1.2))
            self._look.clear()
            self.ask()

    def _listen(self) -> None:
        while not self._closed.is_set():
            with contextlib.suppress(requests.RequestException):
                if not self._hear():
                    self._closed.wait(FULL)
            self.held.clear()
            self._pause = WITHOUT_LINE
            self.lost += 1
            self._look.set()
            self._closed.wait(1)

    def _hear(self) -> bool:
        """Until the line is lost; False when there is no line to have for a while."""
        parameters = {"v": self.version}
        with requests.get(f"{self.url}/live", params=parameters, stream=True, timeout=(5, 60)) as answer:
            if answer.status_code != 200:
                return False
            self._pause = LONGEST
            event = ""
            for line in answer.iter_lines(chunk_size=1):
                if line.startswith(b"event: "):
                    event = line[7:].decode()
                elif event and line.startswith(b"data:"):
                    self._told(event, line[5:].decode().strip())
                    event = ""
                if self._closed.is_set():
                    break
        return True

    def _told(self, event: str, data: str) -> None:
        if event == "held":
            self._pause = float(data)
            self.held.set()
        else:
            self._look.set()
