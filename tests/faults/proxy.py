"""TCP proxy that cuts, silences and slows a connection between two programs."""

import asyncio
import contextlib
import threading
from collections.abc import Callable

CHUNK = 65536


class Proxy:
    """Listens on `port` of this machine and passes everything on to `target_port`, unless told otherwise.

    `cut()` ends every connection and takes no new one until `heal()`; `silence()` keeps connections open
    and passes nothing on; `delay_s` holds every chunk of the answers back. `swallow(seen, then)` waits for
    a connection on which the bytes `seen` passed, lets it send `then`, and cuts it before the answer.
    """

    def __init__(self, port: int, target_port: int):
        self.port, self.target_port = port, target_port
        self.delay_s = 0.0
        self.swallowed = 0
        self._swallow: tuple[bytes, bytes] | None = None
        self._is_cut = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._speaks = self._in_loop(self._make_event())
        self._server = self._in_loop(asyncio.start_server(self._accept, "127.0.0.1", port))

    def _in_loop(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _make_event(self) -> asyncio.Event:
        event = asyncio.Event()
        event.set()
        return event

    # -- faults ------------------------------------------------------------------------------------

    def cut(self) -> None:
        self._is_cut = True
        self._call(self._cut_all)

    def silence(self) -> None:
        self._call(self._speaks.clear)

    def swallow(self, seen: bytes, then: bytes) -> None:
        self._swallow = (seen, then)

    def heal(self) -> None:
        self._is_cut, self._swallow, self.delay_s = False, None, 0.0
        self._call(self._speaks.set)

    def close(self) -> None:
        self.cut()
        self._in_loop(self._cancel_all())
        self._call(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _cancel_all(self) -> None:
        self._server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _call(self, act: Callable[[], object]) -> None:
        self._loop.call_soon_threadsafe(act)

    def _cut_all(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    # -- passing on --------------------------------------------------------------------------------

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        try:
            there = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, there[1]}
        cut = asyncio.Event()
        try:
            ways = [self._ask(reader, there[1], cut), self._answer(there[0], writer, cut)]
            tasks = [asyncio.create_task(way) for way in ways]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            for one in (writer, there[1]):
                self._writers.discard(one)
                with contextlib.suppress(OSError):
                    one.close()

    async def _ask(self, reader, writer, cut: asyncio.Event) -> None:
        has_seen = False
        while chunk := await reader.read(CHUNK):
            await self._speaks.wait()
            if self._swallow:
                seen, then = self._swallow
                has_seen = has_seen or seen in chunk
                if has_seen and then in chunk:
                    self._swallow = None
                    cut.set()
            writer.write(chunk)
            await writer.drain()

    async def _answer(self, reader, writer, cut: asyncio.Event) -> None:
        while chunk := await reader.read(CHUNK):
            await self._speaks.wait()
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            if cut.is_set():
                self.swallowed += 1
                return
            writer.write(chunk)
            await writer.drain()
