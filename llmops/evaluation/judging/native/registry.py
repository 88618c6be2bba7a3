"""The metrics of the judge `native`: what each is, what it needs, and the digest of everything that is asked.

Rules, in order:

1. What the case's labels rule out is not applicable. A prompt that retrieves nothing has no contexts to judge by, and
   an empty answer nothing to judge: missing, because something should have been there. No model is asked.
2. What ends without a verdict (`NoVerdict`) is missing, with the reason. Nothing raises because of content.
3. A metric's `version` is raised when its formula changes; its words are in the digest anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from llmops.documents import canonical
from llmops.evaluation.evidence import Score, missing, not_applicable
from llmops.evaluation.judging.forms import Form, NoVerdict
from llmops.evaluation.judging.native import answer_relevancy as relevancy
from llmops.evaluation.judging.native import (
    claims,
    coherence,
    context_precision,
    context_recall,
    factual_correctness,
    faithfulness,
    groundedness,
    noise_sensitivity,
)
from llmops.evaluation.judging.steps import PARAMETERS, Steps
from llmops.evaluation.metrics import Direction, Kind, MetricInfo, Need, applies
from llmops.evaluation.scoring.cases import Observation


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeMetric:
    """A metric and how it is judged. `forms` are the questions it asks; `reads_answer` is False where only the
    retriever is judged."""

    info: MetricInfo
    method: Callable[[Observation], Steps]
    forms: tuple[Form[Any], ...]
    reads_answer: bool = True

    def steps(self, seen: Observation) -> Steps:
        """The requests, and in the end the score."""
        absent = self._absent(seen)
        if absent is not None:
            return absent
        try:
            return (yield from self.method(seen))
        except NoVerdict as problem:
            return missing(str(problem))

    def _absent(self, seen: Observation) -> Score | None:
        if not applies(self.info, seen.case):
            return not_applicable("the case has no label for it")
        if Need.CONTEXTS in self.info.needs and not (seen.has_retrieval or seen.contexts):
            return missing("the prompt retrieves nothing, so there are no contexts")
        if self.reads_answer and not seen.answer.strip():
            return missing("the answer is empty")
        return None


_JUDGED = frozenset({Need.JUDGE})
_BY_CONTEXTS = _JUDGED | {Need.CONTEXTS}
_BY_TRUTH = _JUDGED | {Need.GROUND_TRUTH}

_ALL = (
    NativeMetric(
        info=MetricInfo(
            name="faithfulness",
            method="share of the answer's claims that the retrieved contexts support, by a judge (Es et al. 2023)",
            kind=Kind.STEPS,
            needs=_BY_CONTEXTS,
        ),
        method=faithfulness.faithfulness,
        forms=(claims.CLAIMS, claims.SUPPORT),
    ),
    NativeMetric(
        info=MetricInfo(
            name="groundedness",
            method="support of the answer's worst claim by the retrieved contexts (1, ½, 0), by a judge",
            kind=Kind.STEPS,
            needs=_BY_CONTEXTS,
        ),
        method=groundedness.groundedness,
        forms=(claims.CLAIMS, claims.SUPPORT),
    ),
    NativeMetric(
        info=MetricInfo(
            name="answer_relevancy",
            method="mean cosine of the question with three questions guessed from the answer (Es et al. 2023)",
            needs=_JUDGED | {Need.EMBEDDINGS},
        ),
        method=relevancy.answer_relevancy,
        forms=relevancy.QUESTIONS,
    ),
    NativeMetric(
        info=MetricInfo(
            name="context_precision",
            method="average precision of the retrieved passages, each judged useful for the ground truth or not",
            kind=Kind.STEPS,
            needs=_BY_CONTEXTS | _BY_TRUTH,
        ),
        method=context_precision.context_precision,
        forms=(context_precision.USEFUL,),
        reads_answer=False,
    ),
    NativeMetric(
        info=MetricInfo(
            name="context_recall",
            method="share of the ground truth's claims that the retrieved contexts support, by a judge",
            kind=Kind.STEPS,
            needs=_BY_CONTEXTS | _BY_TRUTH,
        ),
        method=context_recall.context_recall,
        forms=(claims.CLAIMS, claims.SUPPORT),
        reads_answer=False,
    ),
    NativeMetric(
        info=MetricInfo(
            name="coherence",
            method="order, connections and language of the answer, graded 1 to 5 by a rubric (Liu et al. 2023)",
            kind=Kind.STEPS,
            needs=_JUDGED,
        ),
        method=coherence.coherence,
        forms=(coherence.COHERENCE,),
    ),
    NativeMetric(
        info=MetricInfo(
            name="factual_correctness",
            method="F1 of the claims of the answer and of the ground truth, each judged against the other text",
            kind=Kind.STEPS,
            needs=_BY_TRUTH,
        ),
        method=factual_correctness.factual_correctness,
        forms=(claims.CLAIMS, claims.SUPPORT),
    ),
    NativeMetric(
        info=MetricInfo(
            name="noise_sensitivity",
            method="share of the answer's claims that are incorrect and come from irrelevant passages (Ru et al. 2024)",
            direction=Direction.LOWER,
            kind=Kind.STEPS,
            needs=_BY_CONTEXTS | _BY_TRUTH,
        ),
        method=noise_sensitivity.noise_sensitivity,
        forms=(claims.CLAIMS, claims.SUPPORT, context_precision.USEFUL),
    ),
)

METRICS: Mapping[str, NativeMetric] = MappingProxyType({one.info.name: one for one in _ALL})


def prompts_digest() -> str:
    """Names everything that could move a score apart from the model: words, schemas, fences, parameters, versions."""
    return canonical.digest(
        {
            "parameters": dict(PARAMETERS),
            "metrics": {name: _spelled(metric) for name, metric in METRICS.items()},
        }
    )


def _spelled(metric: NativeMetric) -> dict[str, Any]:
    forms = {form.name: form.spelled for form in metric.forms}
    return {"version": metric.info.version, "method": metric.info.method, "forms": forms}
