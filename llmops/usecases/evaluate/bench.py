"""What one run works with, and which metrics it measures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llmops.documents import bars
from llmops.evaluation.metrics import EMBEDDED, Catalogue, MetricInfo, Need, fits_labels, labels_of
from llmops.retrieval.passages import Passage
from llmops.usecases.evaluate.answering import GivenAnswers
from llmops.usecases.evaluate.rows import OpenSpool
from llmops.usecases.evaluate.scorers import Scorers
from llmops.usecases.evaluate.subjects import Subject
from llmops.usecases.ports import ModelDoor, Progress, Retriever, Target

BuildRetriever = Callable[[Mapping[str, Any], Sequence[Passage], ModelDoor], Retriever]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Everything one run works with. `asked` are metrics wanted beside those that the bars name; `metrics`, where they
    are given, are exactly those that are measured. `open_spool` is where many rows are kept beside memory."""

    subject: Subject
    door: ModelDoor
    target: Target
    scorers: Scorers
    build_retriever: BuildRetriever
    progress: Progress
    asked: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    open_spool: OpenSpool | None = None
    target_name: str = bars.PROMPT

    @property
    def infos(self) -> tuple[MetricInfo, ...]:
        """What is measured."""
        catalogue = self.scorers.panel.catalogue
        names = self.metrics or metric_names(self.subject, catalogue, self.asked, costly=self.scorers.costly)
        return tuple(catalogue.metric(name) for name in names)

    @property
    def judge_repeats(self) -> int:
        """How often each answer is judged."""
        return judgements_of(self.subject, self.scorers)

    @property
    def versions(self) -> dict[str, str]:
        """Metric to the version of what measures it here."""
        return {info.name: version_of(info.name, self.subject, self.scorers) for info in self.infos}

    @property
    def is_given(self) -> bool:
        """True where the evalset brings the answers."""
        return isinstance(self.target, GivenAnswers)


def judgements_of(subject: Subject, scorers: Scorers) -> int:
    """How often each answer is judged: as the bars say, where judging asks a model; rules say the same again."""
    return bars.parse(subject.release.bars).judge_repeats if scorers.asks_models else 1


def version_of(metric: str, subject: Subject, scorers: Scorers) -> str:
    """The version of what measures a metric: a mean of several judgements is a measure of its own."""
    times = judgements_of(subject, scorers)
    is_judged = metric in {info.name for info in scorers.judge.metrics}
    return scorers.panel.versions[metric] + (f" x{times}" if times > 1 and is_judged else "")


def metric_names(
    subject: Subject,
    catalogue: Catalogue = EMBEDDED,
    asked: Sequence[str] = (),
    *,
    costly: frozenset[Need] = frozenset(),
) -> tuple[str, ...]:
    """What is measured: all that has a meaning for this behaviour's shape and these labels, and what the bars name.

    So a bar added later on a figure that was always measured needs no new evaluation. Metrics that need what is
    `costly` are measured where a bar or `asked` names them.
    """
    wanted = named_by(bars.parse(subject.release.bars).thresholds) | set(asked)
    named = {name for name in wanted if not catalogue.metric(name).spend}
    free = [info for info in catalogue.infos.values() if not costly & info.needs and not info.spend]
    labels = {labels_of(case) for case in subject.evalset.cases}
    has_contexts = any(case.contexts for case in subject.evalset.cases)
    fitting = {info.name for info in free if _fits(info, subject, labels, has_contexts=has_contexts)}
    return catalogue.wanted(sorted(named | fitting), subject.evalset)


def named_by(thresholds: Iterable[bars.Threshold]) -> set[str]:
    """The metrics that bars are on; of a ratio the quality as well. Its spend is known of every answer."""
    return {name for threshold in thresholds for name in (threshold.metric, threshold.quality) if name}


def _fits(info: MetricInfo, subject: Subject, labels: Iterable[frozenset[Need]], *, has_contexts: bool) -> bool:
    behaviour = subject.release.behaviour
    if Need.CONTEXTS in info.needs and not (behaviour.get("retrieval") or has_contexts):
        return False
    if Need.OUTPUT_SCHEMA in info.needs and not behaviour.get("output_schema"):
        return False
    # Word for word against a ground truth says something about structured output only.
    if info.name == "exact_match" and not behaviour.get("output_schema"):
        return False
    return any(fits_labels(info, one) for one in labels)
