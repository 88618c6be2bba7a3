"""What comparisons answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmops.documents.spending import Ledger
    from llmops.evaluation.comparison import Comparison
    from llmops.evaluation.judging.expectations import Range
    from llmops.usecases.results.writing import WrittenRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why an arm could not be measured or estimated."""

    code: str
    what: str
    where: str = ""
    hint: str = ""
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedArm:
    """One arm of an experiment: what it is, what asking it took, and its evaluation's record where one was written or
    stands there already. `is_release`: its behaviour is that of the locked release. With a `failure` nothing else of it
    is known."""

    label: str
    version: str
    model: str = ""
    rag: str = ""
    behaviour: str = ""
    index: str = ""
    is_release: bool = False
    model_calls: int = 0
    is_measured: bool = False
    evaluation: str = ""
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """An experiment that was run. `ledger` is what this run spent, arms sharing what they ask alike."""

    experiment: str
    prompt: str
    evalset: str
    cases: int
    repeats: int
    judge: str
    arms: tuple[ComparedArm, ...]
    comparison: Comparison
    ledger: Ledger
    records: tuple[WrittenRecord, ...] = ()

    @property
    def failed(self) -> tuple[ComparedArm, ...]:
        return tuple(arm for arm in self.arms if arm.failure)

    @property
    def is_measured(self) -> bool:
        """True where each arm was measured on as much as its bars ask for."""
        return all(arm.is_measured for arm in self.arms)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedArm:
    """What one arm will ask: requests and nano-USD from the least to the most, and answers that cost nothing, as they
    are kept or an arm before asks the same."""

    label: str
    requests: Range | None = None
    nano_usd: Range | None = None
    kept: int = 0
    unpriced: tuple[str, ...] = ()
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """An experiment before it runs."""

    experiment: str
    prompt: str
    evalset: str
    cases: int
    repeats: int
    judge: str
    arms: tuple[PlannedArm, ...]
    requests: Range
    nano_usd: Range

    @property
    def failed(self) -> tuple[PlannedArm, ...]:
        return tuple(arm for arm in self.arms if arm.failure)
