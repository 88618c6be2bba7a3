"""A target from its configuration, with the journal of its run around it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from llmops.adapters.targets import exchange
from llmops.adapters.targets.http import HttpTarget
from llmops.adapters.targets.journal import FORMAT, SUFFIX, Journal
from llmops.adapters.targets.python import PREFIX, PythonTarget, Within
from llmops.documents import canonical
from llmops.documents.config import TargetConfig
from llmops.documents.targets import Answered, Question

FOLDER = "targets"


def open_target(
    config: TargetConfig,
    *,
    root: Path,
    cache_folder: Path,
    behaviour: str,
    evalset: str,
    within: Within = nullcontext,
    environ: Mapping[str, str] = os.environ,
) -> OpenTarget:
    """The application of `config`, for one run: `behaviour` and `evalset` are digests.

    `within` is entered around every call of a Python function. Raises: CannotAsk TARGET_INVALID, TARGET_IMPORT,
    KEY_MISSING, RUN_BUSY, DISK_FULL, NOT_WRITABLE.
    """
    target: PythonTarget | HttpTarget
    if config.address.startswith(PREFIX):
        target = PythonTarget(config, root=root, within=within)
        files = target.fingerprint
    else:
        target, files = HttpTarget(config, environ=environ), ""
    run = {"address": config.address, "behaviour": behaviour, "evalset": evalset}
    made_by = {"format": FORMAT, "target": dict(target.identity), "files": files}
    journal = Journal(_path(cache_folder / FOLDER, canonical.digest(run), canonical.digest(made_by)))
    return OpenTarget(target, journal, concurrency=config.concurrency)


def _path(folder: Path, run: str, made_by: str) -> Path:
    """The journal of this run; what another state of the application answered in it is dropped."""
    own = folder / f"{run}-{made_by}{SUFFIX}"
    for other in folder.glob(f"{run}-*{SUFFIX}"):
        if other != own:
            other.unlink(missing_ok=True)
    return own


class OpenTarget:
    """Implements port `Target`; use it as an async context. Equal questions are asked once a run.

    `complete` says that the run is over: its answers are kept no longer. A run that ends otherwise goes on next time.
    """

    def __init__(self, target: PythonTarget | HttpTarget, journal: Journal, *, concurrency: int) -> None:
        self._target = target
        self._free = asyncio.Semaphore(concurrency)
        self._journal = journal
        self._is_complete = False
        self.resumed = len(journal)
        """How many answers of a run before are kept."""

    @property
    def identity(self) -> Mapping[str, Any]:
        return self._target.identity

    async def answer(self, question: Question) -> Answered:
        """Raises: InputRefused, CannotAsk, as the target does; CannotAsk DISK_FULL, NOT_WRITABLE."""
        kept = self._journal.get(exchange.digest_of(self.identity, question))
        if kept is not None:
            return kept
        # A place is given back when the answer is kept: a kill costs at most as many answers as there are places.
        async with self._free:
            answer = await self._target.answer(question)
            # Off the event loop: a disk takes milliseconds to have it for sure.
            await asyncio.to_thread(self._journal.put, answer)
        return answer

    def complete(self) -> None:
        """The run's results are kept elsewhere; drop its answers when the context is left."""
        self._is_complete = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._target.close()
        if self._is_complete and error is None:
            self._journal.drop()
        else:
            self._journal.close()
