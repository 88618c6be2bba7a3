"""What the author of a metric writes, and what the metric is shown.

Rules, in order:

1. An entry point of the group `llmops.metrics` names a factory: `def metric(options)`, or `def metric(options, *, ask)`
   for a metric that asks a model. What it returns has `info` and `score(seen)`; `score` may be `async`.
2. `info` has `method` (one sentence), and where they differ from the usual `version` (1), `direction` ("higher"),
   `kind` ("continuous") and `needs` (nothing). A `MetricInfo` will do, and so will any object or mapping with these.
3. `score` returns a number from 0 to 1, a pair of number and reason, a truth value, or a `Score`. None is a score that
   is missing: to say that there is nothing to measure, return `not_applicable(reason)`.
4. A metric sees what happened and nothing else: no file, no key, no other metric's score, and nothing it could change.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

from llmops.documents.chat import ToolCall
from llmops.evaluation.evidence import Score
from llmops.evaluation.scoring.cases import Observation

Outcome = float | tuple[float, str] | Score | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One answered case. `messages` are the turns before the question, `system` the system message as rendered,
    `ground_truth` "" where the case has none; money is in US dollars. None and "" where nobody said."""

    case: str
    question: str
    answer: str
    contexts: tuple[str, ...] = ()
    ground_truth: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    expected_tool_calls: tuple[ToolCall, ...] = ()
    variables: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    tags: tuple[str, ...] = ()
    messages: tuple[Mapping[str, str], ...] = ()
    system: str = ""
    latency_ms: int | None = None
    cost_usd: float | None = None
    finish_reason: str = ""


class Ask(Protocol):
    """Asks the model that llmops.yaml names for the metric, through the run's own cache, limits and ledger."""

    def __call__(
        self,
        prompt: str | Sequence[Mapping[str, Any]],
        *,
        schema: Mapping[str, Any] | None = None,
        parameters: Mapping[str, Any] = MappingProxyType({}),
    ) -> Awaitable[str]:
        """The reply's text. `prompt` is a text or chat messages, `schema` a JSON Schema that the reply shall fit.
        Raises: CannotAsk."""
        ...


class Metric(Protocol):
    """What a factory returns."""

    @property
    def info(self) -> Any:
        """Its description (rule 2)."""
        ...

    def score(self, seen: Seen) -> Outcome | Awaitable[Outcome]:
        """Its score of one answer (rule 3)."""
        ...


def seen_of(observation: Observation) -> Seen:
    """What a metric may see of an observation."""
    case = observation.case
    return Seen(
        case=case.id,
        question=case.question,
        answer=observation.answer,
        contexts=observation.contexts,
        ground_truth=case.ground_truth,
        tool_calls=observation.tool_calls,
        expected_tool_calls=case.expected_tool_calls,
        variables=_frozen(case.variables),
        tags=case.tags,
        messages=tuple(_frozen(message) for message in case.messages),
        system=observation.system,
        latency_ms=observation.latency_ms,
        cost_usd=None if observation.nano_usd is None else observation.nano_usd / 10**9,
        finish_reason=observation.finish_reason,
    )


def _frozen(value: Any) -> Any:
    """The same value, which nobody can change: one metric must not change what the next one sees."""
    if isinstance(value, Mapping):
        return MappingProxyType({key: _frozen(item) for key, item in value.items()})
    return tuple(map(_frozen, value)) if isinstance(value, list | tuple) else value
