"""Memory and time from 1,000 to 100,000 cases: `python -m benchmarks --only scale --slow`.

Each size runs in a process of its own, which says its peak. The evalset brings its answers; rules score them, and
vectors are constants: the encoder's 230 MB would hide what grows, and its 5 ms a text are not ours.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from pathlib import Path

from benchmarks.figures import Figure, cost, exponent, git

SIZES = (1_000, 10_000)
SLOW_SIZES = (*SIZES, 100_000)
GROWTH = 1.5


def run(*, slow: bool = False) -> list[Figure]:
    sizes = SLOW_SIZES if slow else SIZES
    with tempfile.TemporaryDirectory() as name:
        found = {size: _measured(Path(name) / str(size), size) for size in sizes}
    peaks = {size: float(peak) for size, (peak, _) in found.items()}
    seconds = {size: cpu for size, (_, cpu) in found.items()}
    last = sizes[-1]
    growth = Figure(name=f"peak, {last:,} cases to 1,000", measured=peaks[last] / peaks[1_000], unit="x", goal=GROWTH)
    slope = Figure(name="CPU, exponent over cases", measured=exponent(seconds), goal=1.1)
    each = 1000 * (seconds[last] - seconds[1_000]) / (last - 1_000)
    sizes_seen = [Figure(name=f"peak at {size:,} cases", measured=peak, unit="MB") for size, peak in peaks.items()]
    return [*sizes_seen, growth, slope, Figure(name="CPU a case", measured=each, unit="ms")]


def _measured(folder: Path, size: int) -> tuple[float, float]:
    _write(folder, size)
    done = cost((sys.executable, "-m", "benchmarks.scale", str(folder)))
    return float(done.output.split()[-1]), done.cpu


def _write(folder: Path, size: int) -> None:
    drawn = random.Random(size)
    (folder / "evalsets/big").mkdir(parents=True)
    (folder / "prompts/big").mkdir(parents=True)
    with (folder / "evalsets/big/cases.jsonl").open("w", encoding="utf-8") as file:
        for at in range(size):
            file.write(json.dumps(_case(at, drawn)) + "\n")
    manifest = "name: big\nversion: 1.0.0\nsource: cases.jsonl\nslices: [a, b]\n"
    (folder / "evalsets/big/evalset.yaml").write_text(manifest, encoding="utf-8")
    prompt = "prompt_name: big\nversion: 1.0.0\ntemplate: Answer.\nmodel: embedded/smollm2\nchangelog: First.\n"
    (folder / "prompts/big/prompt.yaml").write_text(prompt, encoding="utf-8")
    bars = "release:\n  contains: {min: 0.5}\n  safety: {min: 0.5}\n"
    (folder / "prompts/big/thresholds.yaml").write_text(bars, encoding="utf-8")
    git(folder, "init", "-q", "-b", "main")


def _case(at: int, drawn: random.Random) -> dict[str, object]:
    return {
        "id": f"case-{at:06}",
        "question": f"What does rule {at} of the handbook ask for?",
        "answer": f"Rule {at} asks for {drawn.randint(1, 999)} days of notice in writing.",
        "contains": [f"Rule {at}"],
        "tags": [drawn.choice("ab")],
    }


def _evaluate(folder: str) -> None:
    """One evaluation in this process; prints its peak in MB."""
    import resource
    from collections.abc import AsyncIterator
    from contextlib import asynccontextmanager
    from dataclasses import replace

    import numpy as np

    from llmops.cli.context import Context
    from llmops.cli.options import asking
    from llmops.cli.session import Globals
    from llmops.usecases.evaluate import evaluating

    class Constant:
        """A door with one vector for every text."""

        def __init__(self, door: object) -> None:
            self._door = door

        def __getattr__(self, name: str) -> object:
            return getattr(self._door, name)

        async def embed(self, texts: list[str], model: str = "") -> object:  # noqa: ARG002 - the port's names
            return np.full((len(texts), 384), 384**-0.5, dtype=np.float32)

    world, how = Context(Globals(folder=folder)), asking(offline=True, target="answers")

    @asynccontextmanager
    async def opened(_cap: int | None) -> AsyncIterator[object]:
        async with world.door(how) as door:
            yield Constant(door)

    found = evaluating.evaluate(replace(world.tools(how), open_door=opened), world.subject("big"))
    if not found.is_measured:
        raise AssertionError(found.summary)
    sys.stdout.write(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}\n")


if __name__ == "__main__":
    _evaluate(sys.argv[1])
