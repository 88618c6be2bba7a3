"""The embedded judge's agreement with people, where the labelled sets are there (`judge_auroc.py` says where)."""

from __future__ import annotations

from benchmarks import judge_auroc
from benchmarks.figures import CHECKOUT, Figure, skipped

FOLDER = CHECKOUT.parent / "shared" / "data"


def run() -> list[Figure]:
    return [figure for name, goal in judge_auroc.GOALS.items() for figure in _figures(name, goal)]


def _figures(name: str, goal: float) -> list[Figure]:
    path = FOLDER / f"{name}.jsonl"
    if not path.is_file():
        return [skipped(f"judge on {name}", "the labelled set is not here")]
    found = judge_auroc.measure(path)
    auroc = found["groundedness"]
    interval = f"{auroc['low']:.2f} to {auroc['high']:.2f}"  # type: ignore[index]
    value = float(auroc["auroc"])  # type: ignore[index]
    return [
        Figure(name=f"judge on {name}, AUROC", measured=value, goal=goal, at_least=True, floor=interval),
        Figure(name=f"judge on {name}, CPU an answer", measured=float(str(found["cpu_ms_an_answer"])), unit="ms"),
    ]
