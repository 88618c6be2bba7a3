"""The work while things go wrong: limits and server errors, a request that hangs, a process that is killed.

Rows are compared with the latencies taken out, because two runs of a live endpoint never take the same time; run again
from one cache, or from saved replies, they are compared as they are.
"""

from __future__ import annotations

import contextlib
import json
import random
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.engine import work
from benchmarks.engine.clean import EVAL, Measured, absent, llmops, rows
from benchmarks.engine.processes import CHAT, Endpoint, Taken, endpoint, taken
from benchmarks.engine.work import Setting
from benchmarks.figures import Figure

CONCURRENCY = 32
KILLS = 10
SEED = 5
TIMES = frozenset({"latency_ms", "ttft_ms"})


def run(*, cases: int = 200) -> list[Figure]:
    setting = Setting(cases=cases, concurrency=CONCURRENCY)
    with endpoint(latency_ms=work.LATENCY_MS) as at:
        clean = llmops(setting, at)
    return [*_errors(setting, clean), *_hung(setting, clean), *_killed(Setting(cases=cases // 2, concurrency=32))]


def short() -> list[Figure]:
    """Limits and server errors alone."""
    setting = Setting(cases=50, concurrency=CONCURRENCY)
    with endpoint(latency_ms=work.LATENCY_MS) as at:
        clean = llmops(setting, at)
    return list(_errors(setting, clean))


def _errors(setting: Setting, clean: Measured) -> Sequence[Figure]:
    with endpoint(latency_ms=work.LATENCY_MS, fault_429=0.05, fault_500=0.02) as at:
        met = llmops(setting, at)
    seen = met.runs[0].seen
    lost = setting.cases - len({row["case"] for row in rows(met.runs[0].output)})
    said = f"{seen['statuses']}; no Retry-After"
    return [
        Figure(name="5 % 429 and 2 % 500: cases lost", measured=lost, goal=0, note=said),
        Figure(name="5 % 429 and 2 % 500: scores missing", measured=absent(met.runs[0].output, setting), goal=0),
        Figure(
            name="5 % 429 and 2 % 500: requests",
            measured=seen["requests"] / seen["unique"],
            unit="x",
            goal=1.10,
            floor="1.075x: each fault once, and faults of the second attempt",
        ),
        Figure(name="5 % 429 and 2 % 500: wall against clean", measured=met.wall / clean.wall, unit="x", goal=1.5),
    ]


def _hung(setting: Setting, clean: Measured) -> Sequence[Figure]:
    with endpoint(latency_ms=work.LATENCY_MS, hang=clean.calls // 2) as at:
        met = llmops(setting, at)
    return [
        Figure(
            name="one request hangs: wall beyond clean",
            measured=max(0.0, met.wall - clean.wall),
            unit="s",
            goal=work.DEADLINE,
            note=f"deadline {work.DEADLINE} s; {met.wall:.1f} s, clean {clean.wall:.1f} s",
        ),
        Figure(name="one request hangs: scores missing", measured=absent(met.runs[0].output, setting), goal=0),
    ]


def _killed(setting: Setting) -> Sequence[Figure]:
    with endpoint(latency_ms=work.LATENCY_MS) as at, contextlib.ExitStack() as stack:
        undisturbed = setting.repository(_folder(stack), at.address)
        wanted = taken(EVAL, at, folder=undisturbed)
        folder = setting.repository(_folder(stack), at.address)
        at.reset()
        repeated = _kills(at, folder, int(wanted.seen["distinct"][CHAT]))
        got, before = _finished(at, folder)
        repeated.append(_repeated(at.stats()) - before)
        again = taken((*EVAL, "--save-replies", "replies.jsonl"), at, folder=folder)
        replayed = taken((*EVAL, "--replay", "replies.jsonl"), at, folder=folder)
    seeds = f"moments drawn with seed {SEED}"
    return [
        Figure(
            name=f"kill -9 at {KILLS} moments: most repeated by a resume",
            measured=max(repeated),
            unit="calls",
            goal=CONCURRENCY,
            note=f"{repeated}; {seeds}; {wanted.seen['distinct'][CHAT]} chat completions in all",
        ),
        Figure(
            name=f"kill -9 at {KILLS} moments: rows that differ",
            measured=_differing(rows(got.output), rows(wanted.output)),
            goal=0,
            note="from an undisturbed run's, latencies apart",
        ),
        Figure(
            name=f"kill -9 at {KILLS} moments: rows that differ, run again",
            measured=int(rows(again.output) != rows(got.output)) + int(rows(replayed.output) != rows(got.output)),
            goal=0,
            note="byte for byte: from the cache, and from saved replies",
        ),
        Figure(name="run again and replayed: calls", measured=again.calls + replayed.calls, goal=0),
    ]


def _folder(stack: contextlib.ExitStack) -> Path:
    return Path(stack.enter_context(tempfile.TemporaryDirectory()))


def _kills(at: Endpoint, folder: Path, chats: int) -> list[int]:
    """Kill a run at each of some moments, in order; how many requests each resume repeated."""
    moments = sorted(random.Random(SEED).sample(range(1, chats), KILLS))
    repeated: list[int] = []
    for moment in moments:
        before = _repeated(at.stats())
        process = subprocess.Popen(EVAL, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while at.stats()["distinct"].get(CHAT, 0) < moment and process.poll() is None:
            time.sleep(0.02)
        process.kill()
        process.wait()
        repeated.append(_repeated(at.stats()) - before)
    return repeated


def _finished(at: Endpoint, folder: Path) -> tuple[Taken, int]:
    """The last run, to its end; the endpoint's counts go on from the kills."""
    before = _repeated(at.stats())
    return taken(EVAL, at, folder=folder, goes_on=True), before


def _repeated(seen: dict[str, Any]) -> int:
    return int(seen["paths"].get(CHAT, 0)) - int(seen["distinct"].get(CHAT, 0))


def _differing(some: Sequence[Any], others: Sequence[Any]) -> int:
    pairs = zip(some, others, strict=True)
    return sum(json.dumps(_timeless(one)) != json.dumps(_timeless(other)) for one, other in pairs)


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _timeless(item) for key, item in value.items() if key not in TIMES}
    return [_timeless(item) for item in value] if isinstance(value, list) else value
