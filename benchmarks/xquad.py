"""Retrieval over documents that nobody here wrote, where they are there (`xquad_journey.py` says where)."""

from __future__ import annotations

import re
import subprocess
import sys

from benchmarks import xquad_journey
from benchmarks.figures import CHECKOUT, Figure, skipped


def run(*, slow: bool = False) -> list[Figure]:
    if not slow:
        return [skipped("XQuAD journey", "takes a minute: --slow")]
    if not xquad_journey.DATA.is_file():
        return [skipped("XQuAD journey", "the data is not here")]
    done = subprocess.run(
        (sys.executable, "-m", "benchmarks.xquad_journey"), cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    found = re.findall(r"(?m)^(\w+ hit@1) +([0-9.]+)", done.stdout)
    if not found:
        return [skipped("XQuAD journey", (done.stderr or "it printed nothing").strip().splitlines()[-1])]
    return [
        Figure(
            name=f"XQuAD {name}",
            measured=float(value),
            goal=xquad_journey.GOAL_SPARSE if name.startswith("sparse") else None,
            at_least=True,
        )
        for name, value in found
    ]
