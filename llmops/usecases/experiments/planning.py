"""What an experiment will ask and cost, before it asks: an estimate an arm, shared requests counted once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from llmops.documents import canonical
from llmops.documents.chat import ChatReply, ChatRequest
from llmops.documents.spending import Ledger
from llmops.errors import CannotAsk
from llmops.evaluation.judging.expectations import Range
from llmops.usecases.evaluate import estimating
from llmops.usecases.evaluate.bench import Bench
from llmops.usecases.experiments.arms import Arm, Assembled, failure
from llmops.usecases.ports import ModelDoor
from llmops.usecases.results.experiments import Planned, PlannedArm

if TYPE_CHECKING:
    from numpy.typing import NDArray


class SharedDoor:
    """A door that counts what an arm before has asked for as kept. For estimates: it is asked nothing else."""

    def __init__(self, door: ModelDoor) -> None:
        self._door = door
        self._planned: set[str] = set()

    def is_kept(self, request: ChatRequest) -> bool:
        key = canonical.digest(
            {
                "model": dict(self._door.identity(request.model)),
                "messages": [dict(message) for message in request.messages],
                "parameters": dict(request.parameters),
                "schema": request.response_schema,
                "tools": [dict(tool) for tool in request.tools],
                "repeat": request.repeat,
            }
        )
        is_planned = key in self._planned
        self._planned.add(key)
        return is_planned or self._door.is_kept(request)

    def identity(self, model: str) -> Mapping[str, Any]:
        return self._door.identity(model)

    async def chat(self, request: ChatRequest) -> ChatReply:
        return await self._door.chat(request)

    async def embed(self, texts: Sequence[str], model: str = "") -> NDArray[Any]:
        return await self._door.embed(texts, model)

    async def count_tokens(self, model: str, text: str) -> int:
        return await self._door.count_tokens(model, text)

    def at_once(self, model: str) -> int:
        return self._door.at_once(model)

    def price(self, model: str, *, input_tokens: int, output_tokens: int) -> int | None:
        return self._door.price(model, input_tokens=input_tokens, output_tokens=output_tokens)

    @property
    def calls(self) -> int:
        return self._door.calls

    @property
    def ledger(self) -> Ledger:
        return self._door.ledger


async def plan(assembled: Assembled, benches: Mapping[str, Bench]) -> Planned:
    """The estimates of all arms; `benches` by label, on one `SharedDoor`."""
    arms = [await _planned(arm, benches.get(arm.spec.label)) for arm in assembled.arms]
    return Planned(
        experiment=assembled.experiment.name,
        prompt=assembled.experiment.prompt,
        evalset=assembled.evalset.name,
        cases=len(assembled.evalset.cases),
        repeats=assembled.repeats,
        judge=assembled.judge,
        arms=tuple(arms),
        requests=sum((arm.requests for arm in arms if arm.requests), Range()),
        nano_usd=sum((arm.nano_usd for arm in arms if arm.nano_usd), Range()),
    )


async def _planned(arm: Arm, bench: Bench | None) -> PlannedArm:
    label = arm.spec.label
    if bench is None:
        return PlannedArm(label=label, failure=arm.failure)
    try:
        # A model that is not configured would be a case that costs nothing: it is a reason instead.
        bench.door.identity(bench.subject.release.model)
        found = await estimating.estimate(bench)
    except CannotAsk as error:
        return PlannedArm(label=label, failure=failure(error))
    return PlannedArm(
        label=label, requests=found.requests, nano_usd=found.nano_usd, kept=found.kept, unpriced=found.unpriced
    )
