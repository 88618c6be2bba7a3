"""How many requests a judged metric will make on one case, before it is known what the answer claims.

An answer of a retrieval application claims two to eight things; these bounds, and the forms of the metrics, give a
range. It is for an estimate that is shown beside a price, never for a limit: the door keeps the cap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

CLAIMS = (2, 8)
TRUTHS = (1, 4)
JUDGED_TOKENS = (20, 250)  # of one reply
FRAME_TOKENS = (120, 700)  # of one request, beside the texts that are judged


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """From the least to the most that is expected."""

    low: int = 0
    high: int = 0

    def __add__(self, other: Range) -> Range:
        return Range(low=self.low + other.low, high=self.high + other.high)

    def times(self, count: int) -> Range:
        """So much, `count` times."""
        return Range(low=count * self.low, high=count * self.high)


def _of(low: int, high: int) -> Callable[[int], Range]:
    return lambda _contexts: Range(low=low, high=high)


_CLAIM_BY_CLAIM = _of(1 + CLAIMS[0], 1 + CLAIMS[1])
_TRUTH_BY_TRUTH = _of(1 + TRUTHS[0], 1 + TRUTHS[1])
_NATIVE: Mapping[str, Callable[[int], Range]] = MappingProxyType(
    {
        "faithfulness": _CLAIM_BY_CLAIM,
        "groundedness": _CLAIM_BY_CLAIM,
        "answer_relevancy": _of(3, 3),
        "context_precision": lambda contexts: Range(low=contexts, high=contexts),
        "context_recall": _TRUTH_BY_TRUTH,
        "coherence": _of(1, 1),
        "factual_correctness": _of(2 + CLAIMS[0] + TRUTHS[0], 2 + CLAIMS[1] + TRUTHS[1]),
        "noise_sensitivity": lambda contexts: Range(low=2 + CLAIMS[0], high=2 + CLAIMS[1] * (contexts + 2)),
        "safety": _of(0, 1),
    }
)
_RAGAS: Mapping[str, Callable[[int], Range]] = MappingProxyType(
    {
        "faithfulness": _of(2, 3),
        "groundedness": _of(2, 4),
        "answer_relevancy": _of(3, 4),
        "context_precision": lambda contexts: Range(low=contexts, high=contexts + 1),
        "context_recall": _of(1, 2),
        "coherence": _of(1, 2),
        "factual_correctness": _of(4, 6),
        "noise_sensitivity": lambda contexts: Range(low=3, high=4 + 2 * contexts),
        "safety": _of(0, 1),
    }
)
_SHARED = ("faithfulness", "groundedness")  # natively, both read the same claims and the same verdicts


def calls(kind: str, metrics: Iterable[str], contexts: int) -> Range:
    """The requests that a judge of `kind` makes on one case with so many contexts."""
    table = _RAGAS if kind == "ragas" else _NATIVE if kind == "native" else {"safety": _of(0, 1)}
    names = list(metrics)
    if kind == "native" and set(_SHARED) <= set(names):
        names.remove(_SHARED[1])
    total = Range()
    for name in names:
        total += table.get(name, _of(0, 0))(contexts)
    return total
