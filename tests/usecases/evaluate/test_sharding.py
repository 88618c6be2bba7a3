"""A run in shards says what a run in one piece says, whoever is lost or runs out of money on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from llmops.documents.chat import Stage
from llmops.documents.config import ModelConfig, Settings, TargetConfig
from llmops.documents.spending import Ledger, StageSpend
from llmops.errors import CannotAsk, InputRefused
from llmops.evaluation.metrics import EMBEDDED
from llmops.usecases.evaluate import run, scorers, sharding, subjects
from llmops.usecases.evaluate.answering import PromptTarget
from llmops.usecases.evaluate.bench import Bench
from llmops.usecases.evaluate.run import Part
from llmops.usecases.evaluate.sharding import Done, Said, Shard
from llmops.usecases.results.evaluating import Evaluated
from tests.fakes_models import FakeDoor
from tests.worlds import CASES, PROMPT, Silent, a_world, build_retriever, cases_file

MANY = [{**CASES[at % 3], "id": f"case {at:02}"} for at in (*range(7, 0, -1), 0)]


def a_bench(progress: Silent | None = None) -> Bench:
    world, door = a_world(), FakeDoor("A lamp needs a bulb.")
    world.put({"evalsets/lamp/cases.jsonl": cases_file(MANY)})
    subject = subjects.working(world.repository, PROMPT)
    return Bench(
        subject=subject,
        door=door,
        target=PromptTarget(door, subject.release.model),
        scorers=scorers.embedded(door, ""),
        build_retriever=build_retriever,
        progress=progress or Silent(),
    )


class Here:
    """A runner that works in this process, the shard that was submitted last first."""

    tasks = 2

    def __init__(self, work: Callable[[Shard], Done | None]) -> None:
        self._work = work
        self._submitted: list[tuple[int, Shard]] = []
        self.shards: list[Shard] = []

    def submit(self, number: int, shard: Shard) -> None:
        assert len(self._submitted) < self.tasks
        self._submitted.append((number, shard))
        self.shards.append(shard)

    def finished(self) -> tuple[int, Done | None]:
        number, shard = self._submitted.pop()
        return number, self._work(shard)


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharding, "SHARD", 3)


async def worked(bench: Bench, shard: Shard) -> Done:
    evalset = replace(bench.subject.evalset, cases=shard.cases)
    metrics = tuple(info.name for info in bench.infos)
    return await sharding.work(replace(bench, subject=replace(bench.subject, evalset=evalset), metrics=metrics))


async def all_done(bench: Bench) -> dict[int, Done]:
    cases = bench.subject.evalset.cases
    parts = [cases[at : at + 3] for at in range(0, len(cases), 3)]
    shards = (Shard(number=at, cases=tuple(part), max_nano_usd=None) for at, part in enumerate(parts))
    return {shard.number: await worked(bench, shard) for shard in shards}


def spending(nano_usd: int) -> Ledger:
    return Ledger(stages={Stage.GENERATOR: StageSpend(sent=1, nano_usd=nano_usd)})


async def test_shards_together_say_what_one_run_says() -> None:
    progress = Silent()
    whole: Evaluated = await run.run(a_bench())
    bench = a_bench(progress=progress)
    done = await all_done(bench)
    part = sharding.measure(a_bench(progress=progress), Here(lambda shard: done[shard.number]))
    found = run.conclude(bench, part)
    assert [row.case for row in found.rows] == [f"case {at:02}" for at in range(8)]
    assert found.rows == whole.rows
    assert (found.summary, found.scorers, found.generator) == (whole.summary, whole.scorers, whole.generator)
    assert (part.answered, progress.last[:2]) == (b"\1" * 8, (8, 8))


async def test_failed_cases_of_all_shards_are_named_together() -> None:
    refused = Said.of(InputRefused("INPUT_REFUSED", "too long", where="m", hint="cut it", details=("a",)))
    done = await all_done(a_bench())
    bad = {0: "case 07", 2: "case 01"}
    part = sharding.measure(
        a_bench(),
        Here(lambda shard: replace(done[shard.number], failed={bad[shard.number]: refused}) if shard.number in bad
             else done[shard.number]),
    )  # fmt: skip
    assert isinstance(part.failed["case 07"], InputRefused)
    with pytest.raises(CannotAsk) as error:
        run.conclude(a_bench(), part)
    assert error.value.code == "INCOMPLETE"
    assert [line.partition(":")[0] for line in error.value.details] == ["case 01", "case 07"]


async def test_a_model_that_cannot_be_asked_starts_no_further_shard() -> None:
    done = await all_done(a_bench())
    down = Done(stopped=Said.of(CannotAsk("MODEL_UNAVAILABLE", "down", hint="start it")), answered=b"\1\0\0")
    runner = Here(lambda shard: down if shard.number == 1 else done[shard.number])
    runner.tasks = 1
    part = sharding.measure(a_bench(), runner)
    assert [shard.number for shard in runner.shards] == [0, 1]
    with pytest.raises(CannotAsk) as error:
        run.conclude(a_bench(), part)
    assert error.value.code == "MODEL_UNAVAILABLE"
    assert "4 of 8 answers are kept" in error.value.hint


async def test_a_lost_shard_is_done_once_more_and_not_twice() -> None:
    done, lost = await all_done(a_bench()), [1]
    once = Here(lambda shard: None if shard.number in lost and not lost.clear() else done[shard.number])
    assert len(sharding.measure(a_bench(), once).rows) == 8
    assert sorted(shard.number for shard in once.shards) == [0, 1, 1, 2]
    with pytest.raises(CannotAsk) as error:
        sharding.measure(a_bench(), Here(lambda _shard: None))
    assert error.value.code == "WORKER_LOST"


async def test_a_cap_is_never_passed_and_what_is_left_goes_to_who_needs_it() -> None:
    """Shard 0 needs 70, the others 10 each: an even part is too little for it, the rest is enough."""
    done, needs = await all_done(a_bench()), {0: 70, 1: 10, 2: 10}
    poor, spent = Said.of(CannotAsk("MAX_COST", "no money", hint="raise it")), [0]

    def work(shard: Shard) -> Done:
        given = shard.max_nano_usd or 0
        paid = min(given, needs[shard.number])
        needs[shard.number] -= paid
        spent[0] += paid
        if needs[shard.number]:
            return Done(stopped=poor, ledger=spending(paid), answered=b"\0\0\0")
        return replace(done[shard.number], ledger=spending(paid), calls=1)

    part = sharding.measure(a_bench(), Here(work), 90)
    assert (part.stopped, len(part.rows), part.ledger.nano_usd, spent) == (None, 8, 90, [90])
    needs.update({0: 70, 1: 10, 2: 10})
    spent[0] = 0
    short: Part = sharding.measure(a_bench(), Here(work), 80)
    assert short.stopped is not None
    assert (short.stopped.code, spent[0] <= 80) == ("MAX_COST", True)


async def test_what_a_lost_worker_was_given_counts_as_spent() -> None:
    done, lost = await all_done(a_bench()), [0]
    runner = Here(lambda shard: None if shard.number in lost and not lost.clear() else done[shard.number])
    runner.tasks = 1
    sharding.measure(a_bench(), runner, 100)
    assert [shard.max_nano_usd for shard in runner.shards] == [100, 0, 0, 0]


@pytest.mark.parametrize(
    ("wanted", "tasks"),
    [(8, 3), (2, 2), (0, 1)],
)
def test_tasks_share_the_limits_of_every_model(wanted: int, tasks: int) -> None:
    model = ModelConfig(name="m", provider="openai", model="m", concurrency=8, requests_per_minute=10)
    settings = Settings(models={"m": model}, targets={"t": TargetConfig(name="t", address="python:a:b", concurrency=3)})
    assert sharding.most_tasks(settings, wanted) == tasks
    part = sharding.divided(settings, tasks)
    assert part.models["m"].concurrency * tasks <= 8
    assert 0 < part.models["m"].requests_per_minute * tasks <= 10
    assert part.targets["t"].concurrency * tasks <= 3


def test_metrics_are_decided_on_all_cases() -> None:
    bench = a_bench()
    assert {info.name for info in replace(bench, metrics=("safety",)).infos} == {"safety"}
    assert EMBEDDED.infos["contains"] in bench.infos


def as_sent(value: Any) -> Any:
    import pickle

    return pickle.loads(pickle.dumps(value))


async def test_shards_and_what_came_of_them_go_between_processes() -> None:
    bench = a_bench()
    subject = replace(bench.subject, evalset=replace(bench.subject.evalset, cases=()))
    done = (await all_done(bench))[0]
    assert as_sent(done) == done
    assert as_sent(subject) == subject
