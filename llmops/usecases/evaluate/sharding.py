"""A run in shards that are worked on at once, each in a process of its own; the result is that of one process.

Rules, in order:

1. What is measured is decided on all cases, before. A shard is `SHARD` cases in the evalset's order; rows, failed cases
   and spend of all shards together are those of a run in one piece.
2. Of a cap on money each shard that starts is given an even part of what is neither spent nor promised. A shard that
   ends for want of money starts again once others have left some: its answers are kept. The sum never passes the cap.
3. Where a model cannot be asked, no further shard starts; those under way are waited for, as their answers are kept.
4. A worker that is lost has its shard done once more; what it was given counts as spent, for nobody knows. The second
   time the run ends. Whatever was answered is kept where the worker keeps its answers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace

from llmops.documents.chat import Stage
from llmops.documents.config import Settings
from llmops.documents.evalsets import Case
from llmops.documents.spending import Ledger, StageSpend
from llmops.errors import CannotAsk, InputRefused
from llmops.evaluation import evidence
from llmops.usecases.evaluate import run
from llmops.usecases.evaluate.bench import Bench
from llmops.usecases.evaluate.rows import Gathered
from llmops.usecases.evaluate.run import Part
from llmops.usecases.ports import Runner

SHARD = 5_000
OpenRunner = Callable[[Bench], AbstractContextManager[Runner]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """The work of one task: its cases, and the most that new answers may cost."""

    number: int
    cases: tuple[Case, ...]
    max_nano_usd: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A `CannotAsk` or an `InputRefused` on its way between processes."""

    is_input: bool
    code: str
    what: str
    where: str
    hint: str
    details: tuple[str, ...]

    @classmethod
    def of(cls, error: InputRefused | CannotAsk) -> Said:
        return cls(
            is_input=isinstance(error, InputRefused),
            code=error.code,
            what=error.what,
            where=error.where,
            hint=error.hint,
            details=error.details,
        )

    @property
    def error(self) -> InputRefused | CannotAsk:
        kind = InputRefused if self.is_input else CannotAsk
        return kind(self.code, self.what, where=self.where, hint=self.hint, details=self.details)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What came of a shard: rows as canonical lines, and the rest of a `Part`."""

    lines: tuple[bytes, ...] = ()
    failed: Mapping[str, Said] = field(default_factory=dict)
    answered: bytes = b""
    stopped: Said | None = None
    calls: int = 0
    ledger: Ledger = field(default_factory=Ledger)

    @classmethod
    def of(cls, part: Part) -> Done:
        return cls(
            lines=tuple(map(evidence.dump, part.rows)),
            failed={case: Said.of(error) for case, error in part.failed.items()},
            answered=part.answered,
            stopped=Said.of(part.stopped) if part.stopped else None,
            calls=part.calls,
            ledger=part.ledger,
        )


def measure(bench: Bench, runner: Runner, max_nano_usd: int | None = None) -> Part:
    """What `run.measure` gives, from shards that `runner` works on. Raises: CannotAsk WORKER_LOST."""
    return _Sharded(bench, runner, max_nano_usd).go()


def divided(settings: Settings, tasks: int) -> Settings:
    """The settings for each of so many tasks: together they stay within concurrency and limits of every model."""
    models = {
        name: replace(
            model,
            concurrency=max(1, model.concurrency // tasks),
            requests_per_minute=model.requests_per_minute // tasks,
            tokens_per_minute=model.tokens_per_minute // tasks,
        )
        for name, model in settings.models.items()
    }
    targets = {
        name: replace(target, concurrency=max(1, target.concurrency // tasks))
        for name, target in settings.targets.items()
    }
    return replace(settings, models=models, targets=targets)


def most_tasks(settings: Settings, wanted: int) -> int:
    """How many tasks may run at once, so that each has a part of every limit."""
    models = settings.models.values()
    limits = [limit for model in models for limit in (model.requests_per_minute, model.tokens_per_minute) if limit]
    limits += [model.concurrency for model in models]
    limits += [target.concurrency for target in settings.targets.values()]
    return max(1, min((wanted, *limits)))


class _Money:
    """What is spent and promised of a cap. Without one, nothing is counted."""

    def __init__(self, cap: int | None) -> None:
        self._left = cap
        self._promised: dict[int, int] = {}

    @property
    def left(self) -> int | None:
        return self._left

    def promise(self, number: int, parts: int) -> int | None:
        """The part of a shard that starts."""
        if self._left is None:
            return None
        self._promised[number] = part = self._left // max(1, parts)
        self._left -= part
        return part

    def settle(self, number: int, spent: int | None) -> int:
        """Take back what a shard has not spent, and say how much that was; None: nobody knows."""
        if self._left is None:
            return 0
        part = self._promised.pop(number)
        unspent = 0 if spent is None else max(0, part - spent)
        self._left += unspent
        return unspent


class _Sharded:
    """One run in shards."""

    def __init__(self, bench: Bench, runner: Runner, cap: int | None) -> None:
        self._bench = bench
        self._runner = runner
        self._cases = bench.subject.evalset.cases
        self._money = _Money(cap)
        self._waiting = deque(range(-(-len(self._cases) // SHARD)))
        self._running: set[int] = set()
        self._starved: dict[int, tuple[int, Said]] = {}
        self._lost: set[int] = set()
        self._rows = Gathered(bench.open_spool)
        self._failed: dict[str, InputRefused | CannotAsk] = {}
        self._answered = bytearray(len(self._cases))
        self._stopped: dict[int, Said] = {}
        self._calls = bench.door.calls
        self._ledger = bench.door.ledger
        self._done = 0

    def go(self) -> Part:
        while self._start():
            number, done = self._runner.finished()
            self._running.discard(number)
            if done is None:
                self._redo(number)
            else:
                self._keep(number, done)
        first = min(self._stopped, default=None)
        error = None if first is None else self._stopped[first].error
        return Part(
            rows=self._rows.in_order(self._bench.subject.evalset.order),
            failed=self._failed,
            answered=bytes(self._answered),
            stopped=error,
            calls=self._calls,
            ledger=self._ledger,
        )

    def _start(self) -> bool:
        """Start what may start; False where nothing is under way any more."""
        if self._stopped:
            self._waiting.clear()
        elif not self._waiting:
            self._feed()
        while self._waiting and len(self._running) < self._runner.tasks:
            number = self._waiting.popleft()
            free = self._runner.tasks - len(self._running)
            part = self._money.promise(number, min(free, len(self._waiting) + 1))
            self._running.add(number)
            self._runner.submit(number, Shard(number=number, cases=self._part(number), max_nano_usd=part))
        return bool(self._running)

    def _feed(self) -> None:
        """Let shards go on that had too little money, where there is more now; else that is how the run ends."""
        for number, (had, said) in sorted(self._starved.items()):
            if (self._money.left or 0) > had:
                del self._starved[number]
                self._waiting.append(number)
                return
            if not self._running:
                self._stopped[number] = said

    def _redo(self, number: int) -> None:
        self._money.settle(number, None)
        if number in self._lost:
            raise CannotAsk(
                "WORKER_LOST",
                f"the process that worked on cases {number * SHARD + 1} and following was lost twice",
                hint="look for what ends it (memory, a crash in a library); the same command continues",
            )
        self._lost.add(number)
        self._waiting.appendleft(number)

    def _keep(self, number: int, done: Done) -> None:
        unspent = self._money.settle(number, done.ledger.nano_usd)
        self._calls += done.calls
        self._ledger = _sum(self._ledger, done.ledger)
        if done.stopped is not None and done.stopped.code == "MAX_COST":
            self._starved[number] = (unspent, done.stopped)
        elif done.stopped is not None:
            self._stopped[number] = done.stopped
        start = number * SHARD
        if done.answered:
            self._answered[start : start + len(done.answered)] = done.answered
        if done.stopped is None:
            self._failed.update({case: said.error for case, said in done.failed.items()})
            self._take(start, self._part(number), done.lines)

    def _take(self, start: int, cases: tuple[Case, ...], lines: tuple[bytes, ...]) -> None:
        places = {case.id: start + at for at, case in enumerate(cases)}
        for line in lines:
            row = evidence.load(line)
            self._rows.add(places[row.case], row)
        self._done += len(cases)
        self._bench.progress.step(self._done, len(self._cases), spent_nano_usd=self._ledger.nano_usd)

    def _part(self, number: int) -> tuple[Case, ...]:
        return tuple(self._cases[number * SHARD : (number + 1) * SHARD])


def _sum(one: Ledger, other: Ledger) -> Ledger:
    stages: dict[Stage, StageSpend] = dict(one.stages)
    for stage, spend in other.stages.items():
        before = stages.get(stage, StageSpend())
        stages[stage] = StageSpend(**{name: getattr(before, name) + getattr(spend, name) for name in _SPEND})
    return Ledger(stages=stages)


_SPEND = ("sent", "retries", "hedges", "cached", "input_tokens", "output_tokens", "nano_usd", "unpriced")


async def work(bench: Bench) -> Done:
    """What a worker does with a shard; `bench` holds the shard's cases, and `metrics` as they were decided."""
    return Done.of(await run.measure(bench))
