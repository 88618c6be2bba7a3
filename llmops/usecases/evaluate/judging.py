"""Judges that ask a model, at work: each step of a metric asks everything at once, through the door.

What a metric asks and how replies become a score is pure (`evaluation.judging`); here the questions are sent. A request
that the endpoint refuses leaves its score missing, with the endpoint's words; an endpoint that cannot be asked ends the
run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from llmops.documents import canonical
from llmops.documents.chat import ChatReply, ChatRequest, Stage
from llmops.documents.config import JudgeConfig
from llmops.errors import CannotAsk, InputRefused
from llmops.evaluation.evidence import Score, Spent
from llmops.evaluation.judging import guard, judgements
from llmops.evaluation.judging.identity import JudgeIdentity, named, parts_of
from llmops.evaluation.judging.native import registry as native
from llmops.evaluation.judging.steps import PARAMETERS, Ask, Batch, Embed, Replies, Said, Steps, Vectors
from llmops.evaluation.metrics import MetricInfo, rule
from llmops.evaluation.scoring import cases
from llmops.evaluation.scoring.cases import Observation
from llmops.usecases.ports import Judge, ModelDoor

SAFETY = "safety"
# A model of 135 million parameters repeats one claim until its tokens are used up, and has a small window.
_EMBEDDED: Mapping[str, Mapping[str, Any]] = {"embedded": {"presence_penalty": 1.0, "max_tokens": 256}}


@dataclass(slots=True)
class Bill:
    """The replies that one score took, by request, and the time of its steps, one after the other."""

    replies: dict[str, ChatReply] = field(default_factory=dict)
    latency_ms: int = 0

    def spent(self, booked: Collection[str] = ()) -> Spent:
        """What it took beyond the requests that are booked elsewhere."""
        own = [reply for digest, reply in self.replies.items() if digest not in booked]
        return Spent(
            calls=len(own),
            input_tokens=sum(reply.input_tokens for reply in own),
            output_tokens=sum(reply.output_tokens for reply in own),
            nano_usd=sum(reply.nano_usd for reply in own),
            latency_ms=self.latency_ms,
        )


class Asking:
    """Carries the questions of metrics to one model and one encoder."""

    def __init__(
        self, door: ModelDoor, model: str, embeddings: str = "", parameters: Mapping[str, Any] = PARAMETERS
    ) -> None:
        self._door = door
        self._model = model
        self._embeddings = embeddings
        self._parameters = parameters

    async def run(self, steps: Steps) -> tuple[Score, Bill]:
        """The score that the steps end with, and what they took."""
        bill = Bill()
        try:
            asked = next(steps)
            while True:
                asked = steps.send(await self._answers(asked, bill))
        except StopIteration as end:
            return end.value, bill

    async def _answers(self, asked: Batch, bill: Bill) -> Replies:
        """The replies to one step. Its time is that of the slowest, as it was when it was asked."""
        answers = await asyncio.gather(*(self._answer(each) for each in asked))
        replies = [reply for _, reply in answers if reply is not None]
        bill.replies.update({reply.request_digest: reply for reply in replies})
        bill.latency_ms += max((reply.latency_ms for reply in replies), default=0)
        return tuple(answer for answer, _ in answers)

    async def _answer(self, asked: Ask | Embed) -> tuple[Said | Vectors, ChatReply | None]:
        try:
            if isinstance(asked, Embed):
                vectors = await self._door.embed(asked.texts, self._embeddings)
                return Vectors(rows=vectors.tolist()), None
            reply = await self._door.chat(self._request(asked))
        except InputRefused as error:
            return Said(text="", failure=error.what), None
        return Said(text=reply.text, finish_reason=reply.finish_reason, is_refusal=reply.is_refusal), reply

    def _request(self, ask: Ask) -> ChatRequest:
        return ChatRequest(
            model=self._model,
            messages=ask.messages,
            parameters=self._parameters,
            response_schema=ask.schema,
            repeat=judgements.repeat_of(ask.repeat),
            stage=Stage.JUDGE,
        )


async def judge_answer(judge: Judge, seen: Observation, metrics: Sequence[str], times: int = 1) -> Mapping[str, Score]:
    """A score for each of `metrics`, over so many judgements of the answer, asked all at once."""
    if times == 1:
        return await judge.score(seen, metrics)

    async def one(number: int) -> Mapping[str, Score]:
        judgements.begin(number)
        return await judge.score(seen, metrics)

    # Each runs in a task, hence in a context of its own.
    found = await asyncio.gather(*(one(number) for number in range(times)))
    return {name: judgements.together([scores[name] for scores in found]) for name in metrics}


class NativeJudge:
    """Implements `Judge` with llmops' own prompts."""

    def __init__(self, config: JudgeConfig, door: ModelDoor) -> None:
        """Raises: CannotAsk MODEL_UNKNOWN, JUDGE_MODEL_MISSING."""
        if not config.model:
            what = f"the judge {config.name} names no model"
            raise CannotAsk("JUDGE_MODEL_MISSING", what, where="llmops.yaml", hint="give it `model: NAME`")
        identity = named(door.identity(config.model))
        parameters = _parameters(identity["provider"], config)
        self._asking = Asking(door, config.model, config.embeddings, parameters)
        made_of = {
            "kind": config.kind,
            "model": identity,
            "embeddings": named(door.identity(config.embeddings)),
            "parameters": parameters,
            "prompts": native.prompts_digest(),
        }
        is_tiny = identity["provider"] == "embedded"
        label = f"{config.name} (plumbing: the embedded model is no judge)" if is_tiny else config.name
        self._identity = JudgeIdentity(
            name=config.name, kind=config.kind, digest=canonical.digest(made_of), label=label, parts=parts_of(made_of)
        )

    @property
    def identity(self) -> JudgeIdentity:
        return self._identity

    @property
    def metrics(self) -> Sequence[MetricInfo]:
        return tuple(metric.info for metric in native.METRICS.values())

    async def score(self, seen: Observation, metrics: Sequence[str]) -> Mapping[str, Score]:
        found = await asyncio.gather(*(self._asking.run(native.METRICS[name].steps(seen)) for name in metrics))
        booked: set[str] = set()
        scores = {}
        for name, (score, bill) in zip(metrics, found, strict=True):
            scores[name] = replace(score, judge=self._identity.label, spent=bill.spent(booked))
            booked |= bill.replies.keys()
        return scores


def _parameters(provider: str, config: JudgeConfig) -> dict[str, Any]:
    """What the judge's model is asked with: one limit on its reply, by the name that the configuration uses."""
    common = {**PARAMETERS, **_EMBEDDED.get(provider, {})}
    if "max_completion_tokens" in config.parameters:
        del common["max_tokens"]
    return {**common, **config.parameters}


class GuardedJudge:
    """A judge beside which a classifier is asked for `safety`: an answer is safe where rules and classifier agree."""

    def __init__(self, judge: Judge, config: JudgeConfig, door: ModelDoor) -> None:
        self._judge = judge
        self._asking = Asking(door, config.classifier, parameters=guard.GUARD_PARAMETERS)
        made_of = {
            "judge": judge.identity.digest,
            "classifier": named(door.identity(config.classifier)),
            "format": guard.guard_digest(),
        }
        own = parts_of({name: part for name, part in made_of.items() if name != "judge"})
        parts = {**judge.identity.parts, **own}
        self._identity = replace(judge.identity, digest=canonical.digest(made_of), parts=parts)
        self._label = f"{config.classifier} and rules"

    @property
    def identity(self) -> JudgeIdentity:
        return self._identity

    @property
    def metrics(self) -> Sequence[MetricInfo]:
        common = rule(SAFETY)
        return (*self._judge.metrics, replace(common, method=f"{common.method}, and a classifier"))

    async def score(self, seen: Observation, metrics: Sequence[str]) -> Mapping[str, Score]:
        others = [name for name in metrics if name != SAFETY]
        scores = dict(await self._judge.score(seen, others)) if others else {}
        if SAFETY in metrics:
            scores[SAFETY] = await self._safety(seen)
        return scores

    async def _safety(self, seen: Observation) -> Score:
        """Rules that hit decide without the classifier: an answer that leaks a key needs no second opinion."""
        by_rules = cases.safety_by_rules(seen)
        if by_rules.value != 1:
            return by_rules
        score, bill = await self._asking.run(guard.classify(seen))
        return replace(score, judge=self._label, spent=bill.spent())
