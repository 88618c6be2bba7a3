"""Texts that many askers bring one at a time, worked on in batches.

Rules, in order:

1. What arrives in one turn of the event loop, and while everybody is busy, goes into the next batches.
2. A text that is waiting or under way is not taken a second time: whoever asks for it gets the same result.
3. A batch goes on when its askers give up: others may wait for its texts, and it is paid for already.
4. Where a batch fails, its askers are told, and the other batches go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

Work = Callable[[Mapping[str, str]], Awaitable[Mapping[str, bytes]]]


class Batches:
    """`work` gets texts by key and gives results by key: at most `most` texts, at most `at_once` batches at a time."""

    def __init__(self, work: Work, *, most: int, at_once: int) -> None:
        self._work = work
        self._most = most
        self._at_once = at_once
        self._waiting: dict[str, str] = {}
        self._results: dict[str, asyncio.Future[bytes]] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()

    def of(self, key: str, text: str) -> asyncio.Future[bytes]:
        """The result for `text`, when it is there. It is shared: shield it."""
        known = self._results.get(key)
        if known is not None:
            return known
        if not self._waiting:
            self._loop.call_soon(self._start)
        self._waiting[key] = text
        result: asyncio.Future[bytes] = self._loop.create_future()
        result.add_done_callback(_looked_at)
        self._results[key] = result
        return result

    async def close(self) -> None:
        """Give up what is under way."""
        self._waiting.clear()
        for task in self._running:
            task.cancel()
        for result in self._results.values():
            result.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _start(self) -> None:
        while self._waiting and len(self._running) < self._at_once:
            keys = list(self._waiting)[: self._most]
            task = self._loop.create_task(self._run({key: self._waiting.pop(key) for key in keys}))
            self._running.add(task)
            task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._start()

    async def _run(self, texts: Mapping[str, str]) -> None:
        try:
            found = await self._work(texts)
        except asyncio.CancelledError:
            for key in texts:
                self._results.pop(key).cancel()
            raise
        except Exception as error:  # noqa: BLE001 - handed on to everyone who asked
            for key in texts:
                self._results.pop(key).set_exception(error)
            return
        for key in texts:
            self._results.pop(key).set_result(found[key])


def _looked_at(result: asyncio.Future[bytes]) -> None:
    """Its askers may all have gone: then nobody is told of a failure, not even the event loop."""
    if not result.cancelled():
        result.exception()
