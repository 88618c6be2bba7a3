"""Running somebody else's code with an end in sight.

Rules, in order:

1. An `async` function runs on the event loop. Time in which it waits for its model does not count (`pause`): the model
   has deadlines of its own, and a queue before it is not the metric's fault.
2. A plain function runs in a thread of its own, one call at a time, as its author will have thought of it. A thread
   cannot be ended; one that has passed its deadline is left behind, as a daemon, and after a few of them the function
   is called no more.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

MOST_LEFT_BEHIND = 3

T = TypeVar("T")


class Overdue(Exception):
    """Something took longer than it may; the text says what."""


class Deadline:
    """The time that one call may take, without the time in which it waits for others."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._timeout: asyncio.Timeout | None = None
        self._left = seconds
        self._waits = 0

    async def hold(self, awaitable: Awaitable[T]) -> T:
        """What `awaitable` gives. Raises: Overdue."""
        try:
            async with asyncio.timeout(self._seconds) as self._timeout:
                return await awaitable
        except TimeoutError:
            if self._timeout is not None and self._timeout.expired():
                raise Overdue(f"it took longer than {self._seconds:g} s") from None
            raise

    @contextlib.contextmanager
    def pause(self) -> Iterator[None]:
        """Stops the clock within."""
        loop = asyncio.get_running_loop()
        if self._waits == 0:
            self._left = self._when() - loop.time()
            self._set(None)
        self._waits += 1
        try:
            yield
        finally:
            self._waits -= 1
            if self._waits == 0:
                self._set(loop.time() + self._left)

    def _when(self) -> float:
        when = self._timeout.when() if self._timeout else None
        return asyncio.get_running_loop().time() + self._left if when is None else when

    def _set(self, when: float | None) -> None:
        # A task that the metric left running may ask after the call is over: then there is no clock to stop.
        if self._timeout is not None:
            with contextlib.suppress(RuntimeError):
                self._timeout.reschedule(when)


async def in_thread(call: Callable[[], T], seconds: float, done: Callable[[], None] = lambda: None) -> T:
    """What `call` gives, made in a thread of its own. `done` is called in it at the very end. Raises: Overdue."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def deliver(result: Any, error: BaseException | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def work() -> None:
        result: Any = None
        problem: BaseException | None = None
        try:
            result = call()
        except (StopIteration, SystemExit, KeyboardInterrupt) as error:
            # None of these may cross into the event loop as they are.
            problem = RuntimeError(f"{type(error).__name__}: {error}")
        except BaseException as error:  # noqa: BLE001  # handed to whoever waits for it
            problem = error
        finally:
            done()
        with contextlib.suppress(RuntimeError):  # the loop may be closed by now
            loop.call_soon_threadsafe(deliver, result, problem)

    threading.Thread(target=work, daemon=True, name="llmops-metric").start()
    try:
        async with asyncio.timeout(seconds) as timeout:
            return await future
    except TimeoutError:
        if timeout.expired():
            raise Overdue(f"it took longer than {seconds:g} s") from None
        raise


class OneAtATime:
    """Calls of a plain function, one after the other."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._turn: asyncio.Lock | None = None
        self._left_behind = 0
        self._count = threading.Lock()

    async def call(self, function: Callable[[], T]) -> T:
        """What `function` gives. Raises: Overdue."""
        if self._turn is None:
            self._turn = asyncio.Lock()
        async with self._turn:
            if self._left_behind >= MOST_LEFT_BEHIND:
                raise Overdue(f"{self._left_behind} earlier calls are still running, so it is called no more")
            state = {"is_over": False, "is_left": False}
            try:
                return await in_thread(function, self._seconds, lambda: self._over(state))
            except Overdue:
                self._leave(state)
                raise

    def _over(self, state: dict[str, bool]) -> None:
        with self._count:
            state["is_over"] = True
            self._left_behind -= state["is_left"]

    def _leave(self, state: dict[str, bool]) -> None:
        with self._count:
            if not state["is_over"]:
                state["is_left"] = True
                self._left_behind += 1
