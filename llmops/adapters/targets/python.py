"""A Python function of the user's own as the target: `python:MODULE:FUNCTION`.

Rules, in order:

1. The module is imported once, from the repository (`sources`). What goes wrong there ends the run before it begins.
   From then on until the target is closed, what anybody prints goes to standard error: the other is the command's.
2. Every call runs in a context of its own, in which `get_prompt` gives the release under evaluation. A coroutine
   function runs on the event loop; any other in a thread of its own, which may hang without holding up the others or
   the end of the process.
3. What the function raises is this case's fault: named with its type and the line of the user's file it came from.
   What is no `Exception` (an interrupt, an exit) goes through.
4. An answer has a deadline. A thread cannot be stopped: when too many hang, the run ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import difflib
import hashlib
import inspect
import sys
import threading
import time
import traceback
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any

from llmops.adapters.targets import exchange, sources
from llmops.documents import canonical
from llmops.documents.config import TargetConfig
from llmops.documents.targets import Answered, Question
from llmops.errors import CannotAsk, InputRefused

PREFIX = "python:"
MOST_HANGING = 64
LONGEST_MESSAGE = 300
# A call's outcome: what it returned, or what it raised. (A future could not carry a StopIteration.)
Outcome = tuple[Any, BaseException | None]
Within = Callable[[], AbstractContextManager[Any]]


class PythonTarget:
    """Implements port `Target`. `within` is entered around each call."""

    def __init__(self, config: TargetConfig, *, root: Path, within: Within = nullcontext) -> None:
        """Raises: CannotAsk TARGET_INVALID, TARGET_IMPORT."""
        module, function = _parts(config)
        self._config = config
        self._root = root.resolve()
        self._within = within
        self._opened = contextlib.ExitStack()
        self._opened.enter_context(contextlib.redirect_stdout(sys.stderr))
        self._opened.callback(self._leave_path)
        sys.path.append(str(self._root))
        try:
            self._module = self._import(module)
            self._function = self._found(function)
            # Taken now: what was loaded is what answers, whatever happens to the file.
            self._identity = {"kind": "python", "address": config.address, "source": _sha256(self._module)}
        except BaseException:
            self._opened.close()
            raise
        self._hanging = 0

    @property
    def identity(self) -> Mapping[str, Any]:
        """Kind, address, and the SHA-256 of the module's source file."""
        return self._identity

    @property
    def fingerprint(self) -> str:
        """Names the source files of all modules that are loaded from the repository: those answers came from."""
        files = {name: _sha256(module) for name, module in list(sys.modules.items()) if _is_below(module, self._root)}
        return canonical.digest(files)

    async def answer(self, question: Question) -> Answered:
        """Raises: InputRefused TARGET_FAILED, TARGET_TIMEOUT, TARGET_ANSWER; CannotAsk TARGET_HANGING."""
        digest = exchange.digest_of(self.identity, question)
        started = time.perf_counter()
        value, error = await self._outcome(question)
        latency_ms = round((time.perf_counter() - started) * 1000)
        if isinstance(error, Exception | asyncio.CancelledError):
            raise self._failed(question, error) from error
        if error is not None:
            raise error
        return exchange.read(value, case=question.case, digest=digest, latency_ms=latency_ms)

    async def close(self) -> None:
        self._opened.close()

    async def _outcome(self, question: Question) -> Outcome:
        task = asyncio.create_task(self._call(exchange.asked(question)))
        try:
            done, _ = await asyncio.wait({task}, timeout=self._config.timeout_seconds)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if done and task.cancelled():  # not by us: something in the function gave itself up
            return None, asyncio.CancelledError("it was cancelled from within")
        if done:
            return task.result()
        task.cancel()
        raise self._too_late(question)

    async def _call(self, asked: dict[str, Any]) -> Outcome:
        """Runs as a task, and so in a copy of the context."""
        with self._within():
            if _is_coroutine_function(self._function):
                return await _awaited(self._function(asked))
            value, error = await self._in_thread(asked)
            # A plain function that hands back a coroutine, as decorators like to do.
            return await _awaited(value) if inspect.iscoroutine(value) else (value, error)

    async def _in_thread(self, asked: dict[str, Any]) -> Outcome:
        loop, context = asyncio.get_running_loop(), contextvars.copy_context()
        future: asyncio.Future[Outcome] = loop.create_future()

        def run() -> None:
            outcome = context.run(_called, self._function, asked)
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(finish, outcome)

        def finish(outcome: Outcome) -> None:
            if future.cancelled():
                self._hanging -= 1
            else:
                future.set_result(outcome)

        threading.Thread(target=run, name=self._config.address, daemon=True).start()
        try:
            return await future
        except asyncio.CancelledError:
            self._hanging += 1
            raise

    def _too_late(self, question: Question) -> CannotAsk:
        limit = f"within {self._config.timeout_seconds:g} s"
        if self._hanging >= MOST_HANGING:
            what = f"{self._hanging} calls did not return {limit}, the last one for case {question.case}"
            hint = "give whatever the function waits for a deadline of its own"
            return CannotAsk("TARGET_HANGING", what, where=self._config.address, hint=hint)
        hint = "raise timeout_seconds of the target in llmops.yaml, or mend what it waits for"
        return InputRefused("TARGET_TIMEOUT", f"no answer {limit}", where=f"case {question.case}", hint=hint)

    def _failed(self, question: Question, error: BaseException) -> InputRefused:
        what = f"{self._config.address} raised {_said(error)}{self._line_of(error)}"
        hint = "mend the function, or give the case what it needs"
        return InputRefused("TARGET_FAILED", what, where=f"case {question.case}", hint=hint)

    def _line_of(self, error: BaseException) -> str:
        """Where it came from: the last line in a file of the repository, else the last line at all."""
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
        own = [frame for frame in frames if self._is_own(frame.filename)]
        if not frames:
            return ""
        last = (own or frames)[-1]
        path = Path(last.filename).relative_to(self._root) if own else Path(last.filename).name
        return f" ({path}:{last.lineno})"

    def _is_own(self, filename: str) -> bool:
        path = Path(filename)
        return path.is_absolute() and path.is_relative_to(self._root) and "site-packages" not in path.parts

    def _import(self, name: str) -> ModuleType:
        try:
            return sources.load(name, self._root)
        except Exception as error:
            what = f"the module {name} cannot be imported: {_said(error)}{self._line_of(error)}"
            hint = f"is what it needs installed here? all of it: cd {self._root} && python -c 'import {name}'"
            raise CannotAsk("TARGET_IMPORT", what, where=self._config.address, hint=hint) from error

    def _found(self, name: str) -> Callable[..., Any]:
        function = getattr(self._module, name, None)
        if callable(function):
            return function  # type: ignore[no-any-return]
        what = f"{self._module.__name__}.{name} is no function" if function is not None else ""
        what = what or f"the module {self._module.__name__} has no {name}"
        near = difflib.get_close_matches(name, dir(self._module), n=1)
        hint = f"did you mean {near[0]}?" if near else "name a function that takes one mapping"
        raise CannotAsk("TARGET_IMPORT", what, where=self._config.address, hint=hint)

    def _leave_path(self) -> None:
        with contextlib.suppress(ValueError):
            sys.path.remove(str(self._root))


def _parts(config: TargetConfig) -> tuple[str, str]:
    module, _, function = config.address.removeprefix(PREFIX).partition(":")
    names = [*module.split("."), function]
    if not config.address.startswith(PREFIX) or not all(name.isidentifier() for name in names):
        what = f"{config.address!r} is no python:MODULE:FUNCTION"
        raise CannotAsk("TARGET_INVALID", what, where=f"target {config.name}", hint="python:app.assistant:answer")
    if config.key_env:
        what = "key_env is for services: a function reads its own environment"
        raise CannotAsk("TARGET_INVALID", what, where=f"target {config.name}", hint="remove key_env")
    return module, function


def _called(function: Callable[..., Any], asked: dict[str, Any]) -> Outcome:
    try:
        return function(asked), None
    except BaseException as error:  # noqa: BLE001 - carried to the event loop, which sorts it out
        return None, error


async def _awaited(coroutine: Coroutine[Any, Any, Any]) -> Outcome:
    try:
        return await coroutine, None
    except Exception as error:  # noqa: BLE001 - user code: whatever it raises is told as this case's fault
        return None, error


def _is_coroutine_function(function: Callable[..., Any]) -> bool:
    call = getattr(function, "__call__", None)  # noqa: B004 - an object whose __call__ is a coroutine function
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)


def _said(error: BaseException) -> str:
    """Type and message, on one line."""
    text = " ".join(str(error).split())
    shown = text if len(text) <= LONGEST_MESSAGE else f"{text[: LONGEST_MESSAGE - 1]}…"
    return f"{type(error).__name__}: {shown}" if shown else type(error).__name__


def _file_of(module: ModuleType) -> Path | None:
    file = getattr(module, "__file__", None)
    return Path(file) if isinstance(file, str) else None


def _is_below(module: ModuleType, root: Path) -> bool:
    file = _file_of(module)
    return file is not None and file.is_relative_to(root) and "site-packages" not in file.parts


def _sha256(module: ModuleType) -> str:
    """Of the file that the module was loaded from, "" where it is none."""
    file = _file_of(module)
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest() if file else ""
    except OSError:
        return ""
