"""The work with nothing going wrong: the bare client, llmops with its native judge and with ragas' metrics."""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.engine import work
from benchmarks.engine.processes import CHAT, Endpoint, Taken, endpoint, taken
from benchmarks.engine.work import Setting
from benchmarks.figures import LLMOPS, Figure, exponent
from tests.servers.repository import METRICS, PROMPT

CASES = 200
EVAL = (*LLMOPS, "eval", PROMPT, "--working", "--json")
QUICK_MS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The median of some runs of one setting."""

    setting: Setting
    runs: tuple[Taken, ...]

    @property
    def ratio(self) -> float:
        """Wall time over ideal."""
        return self.wall / work.ideal(self.chats, self.setting.concurrency)

    @property
    def wall(self) -> float:
        return statistics.median(run.wall for run in self.runs)

    @property
    def cpu(self) -> float:
        return statistics.median(run.cpu for run in self.runs)

    @property
    def peak_mb(self) -> float:
        return max(run.peak_mb for run in self.runs)

    @property
    def calls(self) -> int:
        return self.runs[0].calls

    @property
    def chats(self) -> int:
        return int(self.runs[0].seen["distinct"][CHAT])


def llmops(setting: Setting, at: Endpoint, *, times: int = 1) -> Measured:
    """The real command in a fresh repository, each time."""
    runs = []
    for _ in range(times):
        with tempfile.TemporaryDirectory() as name:
            runs.append(taken(EVAL, at, folder=setting.repository(Path(name), at.address)))
    return Measured(setting=setting, runs=tuple(runs))


def bare(setting: Setting, at: Endpoint, *, times: int = 1) -> Measured:
    """The bare client on the same bodies."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "plan.json"
        path.write_text(json.dumps(work.plan(setting.cases)), encoding="utf-8")
        command = (sys.executable, "-m", "benchmarks.engine.bare", at.address, str(path), str(setting.concurrency))
        runs = [taken(command, at, folder=Path(name)) for _ in range(times)]
    return Measured(setting=setting, runs=tuple(runs))


def run(*, cases: int = CASES, times: int = 3) -> list[Figure]:
    with endpoint(latency_ms=work.LATENCY_MS) as at:
        figures = []
        for concurrency in (32, 64):
            figures += _native(Setting(cases=cases, concurrency=concurrency), at, times)
        for concurrency in (32, 64):
            figures += _ragas(_by_ragas(cases, concurrency), at, times=1)
        figures += _again(Setting(cases=cases, concurrency=64), at)
    return [*figures, *_growth()]


def short() -> list[Figure]:
    """One setting, once."""
    setting = Setting(cases=CASES // 2, concurrency=32)
    with endpoint(latency_ms=work.LATENCY_MS) as at:
        return [*_native(setting, at, times=1), *_again(setting, at)]


def _native(setting: Setting, at: Endpoint, times: int) -> Sequence[Figure]:
    floor, ours = bare(setting, at, times=times), llmops(setting, at, times=times)
    one = llmops(Setting(cases=1, concurrency=setting.concurrency), at, times=times)
    one_bare = bare(Setting(cases=1, concurrency=setting.concurrency), at)
    name = f"native, {setting.cases} cases, concurrency {setting.concurrency}"
    ideal = f"ideal {work.ideal(ours.chats, setting.concurrency):.2f} s"
    return [
        Figure(
            name=f"{name}: wall",
            measured=ours.ratio,
            unit="x",
            goal=1.05,
            floor=f"bare client {floor.ratio:.2f}x",
            note=f"{ideal}, measured {ours.wall:.2f} s",
        ),
        Figure(
            name=f"{name}: CPU a call",
            measured=_a_call(ours, one),
            unit="ms",
            goal=1.0,
            floor=f"bare client {_a_call(floor, one_bare):.2f} ms",
            note=f"{ours.calls} calls, whole process {ours.cpu:.2f} s",
        ),
        Figure(
            name=f"{name}: peak memory",
            measured=ours.peak_mb,
            unit="MB",
            goal=150,
            floor=f"bare client {floor.peak_mb:.0f} MB",
        ),
        _once(name, ours),
        _missing(name, ours),
    ]


def _ragas(setting: Setting, at: Endpoint, times: int) -> Sequence[Figure]:
    ours = llmops(setting, at, times=times)
    one = llmops(_by_ragas(1, setting.concurrency), at)
    name = f"ragas judge, {setting.cases} cases, concurrency {setting.concurrency}"
    ideal = work.ideal(ours.chats, setting.concurrency)
    return [
        Figure(
            name=f"{name}: wall",
            measured=ours.ratio,
            unit="x",
            goal=1.3,
            note=f"ideal {ideal:.2f} s, measured {ours.wall:.2f} s",
        ),
        Figure(name=f"{name}: CPU a call", measured=_a_call(ours, one), unit="ms", note=f"{ours.calls} calls"),
        Figure(name=f"{name}: peak memory", measured=ours.peak_mb, unit="MB"),
        _once(name, ours),
        _missing(name, ours),
    ]


def _by_ragas(cases: int, concurrency: int) -> Setting:
    return Setting(cases=cases, concurrency=concurrency, kind="ragas", metrics=work.RAGAS_METRICS)


def _a_call(all_of_it: Measured, one: Measured) -> float:
    """Milliseconds of CPU that a further call costs: start and imports are those of a run of one case."""
    return (all_of_it.cpu - one.cpu) / (all_of_it.calls - one.calls) * 1000


def _once(name: str, ours: Measured) -> Figure:
    seen = ours.runs[0].seen
    return Figure(name=f"{name}: sent more than once", measured=seen["requests"] - seen["unique"], goal=0)


def _missing(name: str, ours: Measured) -> Figure:
    return Figure(name=f"{name}: scores missing", measured=absent(ours.runs[0].output, ours.setting), goal=0)


def absent(output: str, setting: Setting) -> int:
    """How many of the scores that the setting asks for are not there, or no number."""
    rows = json.loads(output)["result"]["rows"]
    found = sum(row["scores"].get(metric, {}).get("value") is not None for row in rows for metric in setting.metrics)
    return setting.cases * len(setting.metrics) - found


def _again(setting: Setting, at: Endpoint) -> Sequence[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = setting.repository(Path(name), at.address)
        first = taken(EVAL, at, folder=folder)
        again = [taken(EVAL, at, folder=folder) for _ in range(5)]
    same = all(rows(run.output) == rows(first.output) for run in again)
    return [
        Figure(name=f"again, {setting.cases} cases: calls", measured=max(run.calls for run in again), goal=0),
        Figure(name=f"again, {setting.cases} cases: rows that differ", measured=int(not same), goal=0),
        Figure(
            name=f"again, {setting.cases} cases: CPU, whole process",
            measured=statistics.median(run.cpu for run in again),
            unit="s",
            goal=0.5,
        ),
    ]


def rows(output: str) -> Sequence[Mapping[str, object]]:
    """The evidence in what `eval --json` printed."""
    found: Sequence[Mapping[str, object]] = json.loads(output)["result"]["rows"]
    return found


def _growth() -> Sequence[Figure]:
    sizes = (100, 200, 400)
    with endpoint(latency_ms=QUICK_MS) as at:
        one = llmops(Setting(cases=1, concurrency=64), at, times=3)
        costs = {size: llmops(Setting(cases=size, concurrency=64), at).cpu - one.cpu for size in sizes}
    said = ", ".join(f"{size}: {seconds:.2f} s" for size, seconds in costs.items())
    return [
        Figure(
            name=f"native, CPU over {', '.join(map(str, sizes))} cases: exponent",
            measured=exponent(costs),
            goal=1.1,
            note=f"{said}; {len(METRICS)} metrics",
        )
    ]
