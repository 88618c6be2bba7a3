"""One class of DeepEval, asked about one answer at a time.

Rules, in order:

1. A metric of DeepEval keeps its score in itself, so each answer gets an object of its own.
2. A class that takes a model is given ours, never its own default: that would ask an endpoint behind the run's back.
3. Which way is better is asked of the class itself (which of 0 and 1 does it call a success?), unless llmops.yaml says.
4. A score that DeepEval calls skipped or in error is missing.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from typing import Any

from llmops.adapters.plugins import options, origins
from llmops.adapters.plugins.asking import Asking, Door
from llmops.adapters.plugins.deadlines import Deadline
from llmops.adapters.plugins.deepeval import library
from llmops.adapters.plugins.deepeval.model import model_of
from llmops.documents import canonical
from llmops.documents.chat import ToolCall
from llmops.documents.config import MetricConfig
from llmops.errors import CannotAsk
from llmops.evaluation.evidence import Score
from llmops.evaluation.metrics import Direction, Kind, MetricInfo, Need
from llmops.evaluation.plugins.outcomes import before
from llmops.evaluation.scoring.cases import Observation

VERSION = 1
_NEEDS: Mapping[str, Need] = {
    "expected_output": Need.GROUND_TRUTH,
    "context": Need.CONTEXTS,
    "retrieval_context": Need.CONTEXTS,
}
# What DeepEval would show or send; each is passed only to metrics that know it.
_QUIET = {"_show_indicator": False, "_log_metric_to_confident": False}


class DeepEvalMetric:
    """A class of DeepEval with its options."""

    def __init__(self, *, info: MetricInfo, identity: str, kind: Any, given: Mapping[str, Any], asking: Asking) -> None:
        self.info = info
        self.identity = identity
        self._kind = kind
        self._given = given
        self._asking = asking

    async def score(self, seen: Observation) -> Score:
        """Its score of one answer. Raises: CannotAsk where its model cannot be asked."""

        ruled_out = before(self.info, seen)
        if ruled_out is not None:
            return ruled_out

        async def made(deadline: Deadline) -> Any:
            metric = self._kind(**self._given)
            case = library.test_case(*_case(seen))
            known = inspect.signature(metric.a_measure).parameters
            quiet = {name: value for name, value in _QUIET.items() if name in known}
            measured = await deadline.hold(metric.a_measure(case, **quiet))
            return _outcome(metric, measured)

        return await self._asking.score(made, self.info.kind)

    async def close(self) -> None:
        """Nothing was started."""


def load(config: MetricConfig, door: Door) -> DeepEvalMetric:
    """The metric of a class. Raises: CannotAsk EXTRA_MISSING, PLUGIN_MISSING, PLUGIN_BROKEN, PLUGIN_MODEL,
    PLUGIN_OPTIONS."""
    if not library.is_installed():
        what = "DeepEval is not installed"
        raise CannotAsk("EXTRA_MISSING", what, where=options.where(config), hint="run `pip install deepeval`")
    chosen = options.of(config)
    kind = _class(config)
    asking = Asking(door, name=config.name, model=config.model, seconds=chosen.seconds, concurrency=chosen.concurrency)
    given = _given(config, kind, chosen.own, asking)
    metric = _tried(config, kind, given)
    info = MetricInfo(
        name=config.name,
        method=f"{config.source} of DeepEval",
        version=VERSION,
        direction=chosen.direction or _direction(metric),
        kind=chosen.kind or Kind.CONTINUOUS,
        needs=_needs(metric),
    )
    named = {
        "kind": config.kind,
        "version": VERSION,
        "code": origins.origin(kind, origins.distribution_of(kind.__module__)),
        "library": origins.version_of("deepeval"),
        "info": [str(info.direction), str(info.kind)],
        "options": dict(chosen.own),
        "model": dict(door.identity(config.model)) if config.model else None,
    }
    return DeepEvalMetric(info=info, identity=canonical.digest(named), kind=kind, given=given, asking=asking)


def _class(config: MetricConfig) -> Any:
    name, _, attribute = config.source.partition(":")
    where = options.where(config)
    if not name or not attribute:
        what = f"`{config.source}` is no class"
        raise CannotAsk("PLUGIN_MISSING", what, where=where, hint="write MODULE:CLASS, as deepeval.metrics:BiasMetric")
    try:
        found = getattr(library.module(name), attribute, None)
    except (Exception, SystemExit) as error:
        what = f"{name} cannot be imported: {type(error).__name__}: {error}"
        raise CannotAsk("PLUGIN_MISSING", what, where=where, hint="check the name, and that it is installed") from error
    if not inspect.isclass(found) or not callable(getattr(found, "a_measure", None)):
        what = f"{config.source} is no metric of DeepEval: it has no `a_measure`"
        raise CannotAsk("PLUGIN_BROKEN", what, where=where, hint="name a class like deepeval.metrics:BiasMetric")
    return found


def _given(config: MetricConfig, kind: Any, own: Mapping[str, Any], asking: Asking) -> dict[str, Any]:
    known = inspect.signature(kind).parameters
    where = options.where(config)
    if "model" in own or "system_one_model" in own:
        what = "the model of a metric is no option"
        raise CannotAsk("PLUGIN_MODEL", what, where=where, hint="write `model:` beside `deepeval:`, one of `models`")
    if "model" in known and not config.model:
        what = f"{config.source} asks a model, and none is named"
        raise CannotAsk("PLUGIN_MODEL", what, where=where, hint="write `model:` with one of `models`")
    if config.model and "model" not in known:
        what = f"{config.source} asks no model, but `model: {config.model}` is written"
        raise CannotAsk("PLUGIN_MODEL", what, where=where, hint="remove `model`")
    given = dict(own)
    if config.model:
        given["model"] = model_of(asking, config.model)
    if "eval_mode" in known:
        given.setdefault("eval_mode", "llm")  # the other modes ask a service of DeepEval's maker
    if isinstance(own.get("evaluation_params"), list):
        given["evaluation_params"] = _parameters(config, own["evaluation_params"])
    return given


def _parameters(config: MetricConfig, names: list[Any]) -> list[Any]:
    try:
        return library.parameters(names)
    except ValueError as error:
        where = options.where(config)
        hint = "write names of fields, such as input and actual_output"
        raise CannotAsk("PLUGIN_OPTIONS", f"evaluation_params: {error}", where=where, hint=hint) from error


def _tried(config: MetricConfig, kind: Any, given: Mapping[str, Any]) -> Any:
    """An object of the class, made to see that it can be made."""
    try:
        return kind(**given)
    except (Exception, SystemExit) as error:
        what = f"{config.source} does not take these options: {type(error).__name__}: {error}"
        raise CannotAsk("PLUGIN_OPTIONS", what, where=options.where(config), hint="mend `options`") from error


def _direction(metric: Any) -> Direction:
    def succeeds(value: float) -> bool:
        metric.score, metric.error = value, None
        return bool(metric.is_successful())

    if not callable(getattr(metric, "is_successful", None)):
        return Direction.HIGHER
    try:
        return Direction.LOWER if succeeds(0.0) and not succeeds(1.0) else Direction.HIGHER
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return Direction.HIGHER  # it decides by more than its score


def _needs(metric: Any) -> frozenset[Need]:
    """What the case must have, by the fields that the metric says it requires."""
    required = getattr(metric, "evaluation_params", None) or getattr(metric, "_required_params", None)
    names = [getattr(each, "value", each) for each in required] if isinstance(required, list | tuple) else []
    return frozenset(_NEEDS[str(name)] for name in names if name in _NEEDS)


def _case(seen: Observation) -> tuple[dict[str, Any], dict[str, list[tuple[str, Any]]]]:
    """The fields of a test case, and its tool calls by field."""
    case = seen.case
    fields: dict[str, Any] = {"input": case.question, "actual_output": seen.answer}
    if case.ground_truth:
        fields["expected_output"] = case.ground_truth
    if seen.contexts:
        fields |= {"context": list(seen.contexts), "retrieval_context": list(seen.contexts)}
    calls = {"tools_called": seen.tool_calls, "expected_tools": case.expected_tool_calls}
    return fields, {name: [_call(call) for call in listed] for name, listed in calls.items() if listed}


def _call(call: ToolCall) -> tuple[str, Any]:
    try:
        arguments = json.loads(call.arguments)
    except ValueError:
        arguments = None
    return call.name, arguments if isinstance(arguments, dict) else {"arguments": call.arguments}


def _outcome(metric: Any, measured: Any) -> Any:
    error = getattr(metric, "error", None)
    if error:
        return None, f"the metric failed: {error}"
    if getattr(metric, "skipped", False):
        return None, f"the metric was skipped: {getattr(metric, 'reason', '') or 'without a reason'}"
    score = getattr(metric, "score", None)
    return (measured if score is None else score), getattr(metric, "reason", None) or ""
