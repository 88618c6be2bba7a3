"""What an evaluation claims, against the evidence that it names.

An evaluation (or an experiment; for calibrations see `calibrations`) that its evidence does not bear out is void, never
fatal: it opens nothing, and the log goes on. Rules, in order:

1. Evidence that is not there is not judged here: `verification` reports it, or marks it where it is kept elsewhere.
2. Evidence that cannot be read: EVIDENCE_MALFORMED.
3. The number of cases, the number of rows where it is claimed, the means and the failed `must_pass` cases are what the
   evidence gives: else RECOMPUTED_DIFFERS. Means are compared for the metrics that the record names: a metric that
   came later says nothing about an old record. Nor did a judge score what is said to be measured by rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from llmops.documents.trees import Tree
from llmops.errors import CannotAsk
from llmops.governance import records
from llmops.governance.labelled import LabelledRow
from llmops.governance.ledger import Reason
from llmops.governance.predicates import Calibration, Evaluation

MALFORMED, DIFFERS = "EVIDENCE_MALFORMED", "RECOMPUTED_DIFFERS"
NOT_DRAWN = "NOT_DRAWN"
REFUTED = frozenset({MALFORMED, DIFFERS, NOT_DRAWN})


class Claim(Protocol):
    """What an evaluation, or an arm of an experiment, says of its evidence."""

    @property
    def results(self) -> tuple[str, ...]: ...
    @property
    def metrics(self) -> Mapping[str, str]: ...
    @property
    def counts(self) -> Mapping[str, int]: ...
    @property
    def means(self) -> Mapping[str, str]: ...
    @property
    def must_pass_failed(self) -> tuple[str, ...]: ...


class Recomputed(Protocol):
    """What a use case computes from the shards of one evaluation (`evaluation.pooling.recompute`)."""

    @property
    def means(self) -> Mapping[str, str]:
        """metric → mean, a decimal string."""
        ...

    @property
    def must_pass_failed(self) -> tuple[str, ...]:
        """The `must_pass` cases that failed."""
        ...

    @property
    def cases(self) -> int:
        """How many different cases there are."""
        ...

    @property
    def rows(self) -> int:
        """How many different measurements there are."""
        ...

    @property
    def judged(self) -> frozenset[str]:
        """The metrics that a judge scored somewhere."""
        ...


Recompute = Callable[[Iterable[bytes]], Recomputed]
CheckDraw = Callable[[Calibration, Sequence[LabelledRow], Iterable[bytes]], str]
"""What evidence (its shards) has against a calibration's saying that its labelled rows were drawn from it, "" where
nothing. A use case has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AtHand:
    """The evidence in a tree, by digest, and how its figures are computed."""

    tree: Tree
    digests: frozenset[str]
    recompute: Recompute
    check_draw: CheckDraw | None = None


def claim_faults(said: Claim, evidence: AtHand) -> tuple[Reason, ...]:
    """Everything that the evidence has against what `said` claims."""
    if not evidence.digests.issuperset(said.results):
        return ()
    paths = [records.evidence_path(digest) for digest in said.results]
    shards = evidence.tree.read_many(paths)
    try:
        found = evidence.recompute(shards[path] for path in paths)
    except CannotAsk as error:
        where = f"{error.where}: " if error.where else ""
        return (Reason(code=MALFORMED, text=f"its evidence cannot be read: {where}{error.what}"),)
    return tuple(Reason(code=DIFFERS, text=text) for text in _differences(said, found))


def _differences(said: Claim, found: Recomputed) -> Iterator[str]:
    counts = (("cases", found.cases), ("rows", found.rows))
    for name, computed in counts:
        if said.counts.get(name, 0 if name == "cases" else computed) != computed:
            yield f"{name}: recorded {said.counts.get(name, 0)}, the evidence gives {computed}"
    for metric in sorted({*said.means, *said.metrics}):
        recorded, mean = said.means.get(metric, "nothing"), found.means.get(metric, "nothing")
        if recorded != mean:
            yield f"{metric}: recorded {recorded}, the evidence gives {mean}"
    if sorted(said.must_pass_failed) != sorted(found.must_pass_failed):
        recorded, failed = (
            ", ".join(sorted(names)) or "none" for names in (said.must_pass_failed, found.must_pass_failed)
        )
        yield f"failed must_pass cases: recorded {recorded}, the evidence gives {failed}"
    hidden = sorted(set(said.by_rule) & found.judged) if isinstance(said, Evaluation) and said.by_rule else ()
    if hidden:
        yield f"{', '.join(hidden)}: recorded as measured by rule, a judge scored it"
