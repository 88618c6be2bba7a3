"""ragas as a judge (port `Judge`).

Rules, in order:

1. Nothing needs to be installed to say what the judge is: identity and metrics come from configuration and from the
   version of ragas that this release supports. Another installed version is refused before the first question.
2. What the case's labels rule out is not applicable. What a metric needs and is not there is missing, and nobody is
   asked.
3. A score is ragas' own figure. No number, a number outside its range, a refusal, a reply that cannot be read: missing,
   with the reason. Rounding past 0 or 1 is set right; a cosine below 0 counts as 0.
4. What the door raises is raised, unchanged, whatever the libraries between made of it. Where it refuses one request
   alone, the score of that request is missing with the endpoint's words.
5. Scores may be asked for all at once: the door keeps the limits.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from llmops.adapters.models.identities import embedding_identity
from llmops.adapters.ragas import calls, catalogue, loading, reasons
from llmops.documents import canonical
from llmops.documents.config import JudgeConfig
from llmops.errors import CannotAsk, InputRefused, LlmopsError
from llmops.evaluation.evidence import Score, measured, missing, not_applicable
from llmops.evaluation.judging.identity import JudgeIdentity, named, parts_of
from llmops.evaluation.metrics import MetricInfo, Need, applies
from llmops.evaluation.scoring.cases import Observation

if TYPE_CHECKING:
    from llmops.adapters.ragas.asking import Metrics
    from llmops.adapters.ragas.completions import Door

KIND = "ragas"
_ROUNDING = 1e-6


class RagasJudge:
    """See the module's rules."""

    def __init__(self, config: JudgeConfig, door: Door) -> None:
        """Raises: CannotAsk JUDGE_MODEL_MISSING, JUDGE_PARAMETERS, MODEL_UNKNOWN."""
        if not config.model:
            what = f"the judge {config.name} names no model"
            raise CannotAsk("JUDGE_MODEL_MISSING", what, where="llmops.yaml", hint="give it `model: NAME`")
        self._config = config
        self._door = door
        self._arguments = catalogue.arguments(config)
        self._options = catalogue.options(config)
        self._metrics = catalogue.metrics(loading.RAGAS)
        self._infos = {info.name: info for info in self._metrics}
        self._model = door.identity(config.model)
        made_of = self._made_of()
        self._identity = JudgeIdentity(
            name=config.name,
            kind=KIND,
            digest=canonical.digest(made_of),
            label=f"{config.name} (ragas {loading.RAGAS}, {config.model})",
            parts={"kind": KIND, **parts_of({name: part for name, part in made_of.items() if name != "judge"})},
        )
        self._loaded: Metrics | None = None

    @property
    def identity(self) -> JudgeIdentity:
        return self._identity

    @property
    def metrics(self) -> Sequence[MetricInfo]:
        return self._metrics

    def load(self) -> None:
        """Import ragas now (seconds), not with the first score. Raises: CannotAsk RAGAS_MISSING, RAGAS_VERSION,
        JUDGE_PARAMETERS."""
        if self._loaded is not None:
            return
        loading.require_version()
        llm, asking = loading.load("llmops.adapters.ragas.llm"), loading.load("llmops.adapters.ragas.asking")
        model = str(self._model.get("model", self._config.model))
        try:
            asked = llm.DoorLLM(self._door, name=self._config.model, model=model, arguments=self._arguments)
            self._loaded = asking.Metrics(
                asked, llm.DoorEmbeddings(self._door, name=self._config.embeddings), self._options
            )
        except (TypeError, ValueError) as error:
            where = f"llmops.yaml: judges.{self._config.name}.parameters"
            raise CannotAsk("JUDGE_PARAMETERS", f"ragas refuses them: {reasons.line(error)}", where=where) from error
        loading.keep()

    async def score(self, seen: Observation, metrics: Sequence[str]) -> Mapping[str, Score]:
        """Raises: CannotAsk METRIC_UNKNOWN, RAGAS_MISSING, RAGAS_VERSION, JUDGE_PARAMETERS, and what the door raises,
        but for a request that the endpoint refuses: its score is missing."""
        infos = [self._info(name) for name in metrics]
        found = await asyncio.gather(*(self._score(info, seen) for info in infos))
        scores: dict[str, Score] = {}
        booked: set[str] = set()
        for info, (score, call) in zip(infos, found, strict=True):
            scores[info.name] = replace(score, spent=call.spent(booked))
            booked.update(call.requests)
        return scores

    def _info(self, metric: str) -> MetricInfo:
        if metric not in self._infos:
            known = ", ".join(self._infos)
            raise CannotAsk("METRIC_UNKNOWN", f"the ragas judge has no metric `{metric}`", hint=f"it has: {known}")
        return self._infos[metric]

    async def _score(self, info: MetricInfo, seen: Observation) -> tuple[Score, calls.Call]:
        label = self._identity.label
        if not applies(info, seen.case):
            return not_applicable("the case has no label for it", label), calls.Call()
        lacking = _lacking(info, seen)
        if lacking:
            return missing(lacking, label), calls.Call()
        self.load()
        return await self._asked(info, seen)

    async def _asked(self, info: MetricInfo, seen: Observation) -> tuple[Score, calls.Call]:
        from llmops.adapters.ragas.asking import UNUSABLE

        assert self._loaded is not None  # noqa: S101 - `load` raises otherwise
        label = self._identity.label
        with calls.opened(varies=self._loaded.varies) as call:
            try:
                result = await self._loaded.score(info.name, seen)
            except (*UNUSABLE, LlmopsError) as error:
                score = missing(reasons.of(error, call.refusal), label)
            else:
                score = self._read(info, result.value, result.reason or "", call)
        if isinstance(call.problem, InputRefused):
            return missing(reasons.line(call.problem.what), label), call
        if call.problem is not None:
            raise call.problem
        return score, call

    def _read(self, info: MetricInfo, value: Any, reason: str, call: calls.Call) -> Score:
        label = self._identity.label
        number = float("nan") if value is None else float(value)
        if info.name == "coherence":
            number = (number - 1) / 4
        if math.isnan(number):
            return missing(reasons.no_number(info.name, call.refusal), label)
        lowest = -1.0 if info.name == "answer_relevancy" else 0.0
        if not lowest - _ROUNDING <= number <= 1 + _ROUNDING:
            return missing(f"ragas gives {value}, which lies outside the range of {info.name}", label)
        if number < -_ROUNDING:
            return measured(0.0, f"the mean cosine is {number:.4f}: below 0 counts as 0", label)
        return measured(min(1.0, max(0.0, number)), reasons.line(reason), label)

    def _made_of(self) -> dict[str, Any]:
        """Everything that could move a score."""
        config = self._config
        embeddings = self._door.identity(config.embeddings) if config.embeddings else embedding_identity()
        return {
            "judge": KIND,
            "ragas": loading.RAGAS,
            "model": named(self._model),
            "embeddings": named(embeddings),
            "arguments": self._arguments,
            "options": self._options,
            "metrics": {info.name: info.version for info in self._metrics},
        }


def _lacking(info: MetricInfo, seen: Observation) -> str:
    """Why nobody needs to be asked, "" where all is there."""
    if Need.CONTEXTS in info.needs and not seen.contexts:
        return (
            "no context was retrieved"
            if seen.has_retrieval
            else "the prompt retrieves nothing, so there are no contexts"
        )
    if not seen.case.question.strip():
        return "the case has no question"
    needs_answer = info.name not in ("context_precision", "context_recall")
    return "the answer is empty" if needs_answer and not seen.answer.strip() else ""
