"""What a process of a cluster does: the wiring of one command, made anew for one shard of its cases.

A job is the command's own: settings that were trusted there, the behaviour, what is measured. A worker reads no
configuration of its own, so that no file beside it decides whom it asks. Keys are looked up in its own environment.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from llmops.cli.context import Context
from llmops.cli.options import Asking
from llmops.cli.session import Globals
from llmops.documents.config import Settings
from llmops.errors import CannotAsk
from llmops.usecases.evaluate import evaluating, sharding
from llmops.usecases.evaluate.sharding import Done, Said, Shard

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from llmops.usecases.evaluate.bench import Bench
    from llmops.usecases.evaluate.subjects import Subject
    from llmops.usecases.ports import Progress, Runner


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What all shards of a run share; the subject has no cases, `settings` are one task's part."""

    folder: str
    settings: Settings
    subject: Subject
    how: Asking
    metrics: tuple[str, ...]


def open_ray(world: Context, how: Asking, bench: Bench) -> AbstractContextManager[Runner]:
    """A Ray cluster that works on shards of what `bench` is about. Raises: CannotAsk EXTRA_MISSING."""
    from llmops.adapters.ray import cluster

    settings, subject = world.trusted_settings, bench.subject

    def job(tasks: int) -> Job:
        return Job(
            folder=world.repository.root,
            settings=sharding.divided(settings, tasks),
            subject=replace(subject, evalset=replace(subject.evalset, cases=())),
            how=how,
            metrics=tuple(info.name for info in bench.infos),
        )

    return cluster.opened(work, job, lambda processors: sharding.most_tasks(settings, processors))


def work(job: Job, shard: Shard) -> Done:
    """One shard. What cannot be asked is an answer, too: the run decides what it means."""
    subject = replace(job.subject, evalset=replace(job.subject.evalset, cases=shard.cases))
    how = replace(job.how, max_nano_usd=shard.max_nano_usd)
    world = _World(job, shard.number)
    try:
        return asyncio.run(evaluating.work(world.tools(how), subject, job.metrics))
    except CannotAsk as error:
        return Done(stopped=Said.of(error))


class _World(Context):
    """The world of one worker: the command's settings, the repository's cache."""

    def __init__(self, job: Job, number: int) -> None:
        super().__init__(Globals(folder=job.folder))
        self._job = job
        self._number = number

    @cached_property
    def settings(self) -> Settings:
        return self._job.settings

    @cached_property
    def trusted_settings(self) -> Settings:
        return self._job.settings

    @cached_property
    def targets_cache(self) -> Path:
        """A folder for each shard: an application's answers are dropped when the run they belong to is over."""
        from llmops.adapters.filesystem import state_folder

        return Path(state_folder(self.repository.root, "cache", "shards", str(self._number)))

    @cached_property
    def progress(self) -> Progress:
        return _Nobody()


class _Nobody:
    """The run says how far it is, shard by shard."""

    def step(self, done: int, total: int, *, spent_nano_usd: int = 0) -> None:
        """Nobody looks."""
