"""Who scores an evaluation: the judge that the bars name, and metrics of the repository's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from llmops.documents.scanning.hits import Finder
from llmops.errors import CannotAsk
from llmops.evaluation.evidence import Score
from llmops.evaluation.judging.identity import JudgeIdentity
from llmops.evaluation.metrics import LEXICAL, RULES, Catalogue, MetricInfo, Need
from llmops.evaluation.panels import EMBEDDED_PANEL, Panel
from llmops.evaluation.scoring import cases
from llmops.evaluation.scoring.cases import Observation
from llmops.usecases.ports import Judge, ModelDoor, OwnMetric, SchemaChecker


class EmbeddedJudge:
    """The judge that needs no model."""

    @property
    def identity(self) -> JudgeIdentity:
        return EMBEDDED_PANEL.judge

    @property
    def metrics(self) -> Sequence[MetricInfo]:
        return LEXICAL

    async def score(self, seen: Observation, metrics: Sequence[str]) -> Mapping[str, Score]:
        return {name: cases.embedded_judge(seen, name) for name in metrics}


def _nothing() -> None:
    """What most judges have to prepare."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorers:
    """A judge and metrics of one's own, and the panel that they are.

    `finders` look for secrets and personal data beside the built-in patterns; `model` is the one that the judge asks
    and `embeddings` what it embeds with ("" for none of its own), by their names in llmops.yaml. `prepare` imports what
    the judge scores with: seconds in which no reply could be read, so it is called before anything is asked.
    `checker` checks answers against schemas that may take long; None: they are checked as all others are.
    """

    judge: Judge
    own: tuple[OwnMetric, ...]
    panel: Panel
    finders: tuple[Finder, ...] = ()
    model: str = ""
    embeddings: str = ""
    prepare: Callable[[], None] = _nothing
    checker: SchemaChecker | None = None

    async def close(self) -> None:
        """Give back what they hold; called once, after the run."""
        for metric in self.own:
            await metric.close()
        if self.checker is not None:
            await self.checker.close()

    @property
    def asks_models(self) -> bool:
        """True where a judged score costs a request."""
        return bool(self.model)

    @property
    def costly(self) -> frozenset[Need]:
        """What is not measured unless somebody wants it: judging, where it costs requests; comparing embeddings by
        rule, where it alone would load the encoder (100 MB) because the judge has embeddings elsewhere."""
        judging = {Need.JUDGE} if self.model else set()
        return frozenset(judging | ({Need.EMBEDDINGS} if self.embeddings else set()))


def assemble(
    judge: Judge,
    own: Sequence[OwnMetric] = (),
    finders: Sequence[Finder] = (),
    *,
    model: str = "",
    embeddings: str = "",
    prepare: Callable[[], None] = _nothing,
    checker: SchemaChecker | None = None,
) -> Scorers:
    """The scorers of one evaluation. Raises: CannotAsk METRIC_TAKEN."""
    for metric in own:
        if metric.info.name in {info.name for info in (*RULES, *judge.metrics)}:
            what = f"`metrics` of llmops.yaml names {metric.info.name}, which is a metric already"
            raise CannotAsk("METRIC_TAKEN", what, where="llmops.yaml", hint="give it another name")
    catalogue = Catalogue.of(judge.metrics, [metric.info for metric in own])
    named = {metric.info.name: f"{metric.info.version}-{metric.identity[:16]}" for metric in own}
    with_finders = "+".join((catalogue.versions["safety"], *(f"{each.name} {each.version}" for each in finders)))
    versions = {**catalogue.versions, **named, "safety": with_finders}
    return Scorers(
        judge=judge,
        own=tuple(own),
        panel=Panel(judge=judge.identity, catalogue=catalogue, versions=versions),
        finders=tuple(finders),
        model=model,
        embeddings=embeddings,
        prepare=prepare,
        checker=checker,
    )


def embedded(_door: ModelDoor, _judge: str) -> Scorers:
    """The scorers of a fresh machine."""
    return assemble(EmbeddedJudge())
