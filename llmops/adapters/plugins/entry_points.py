"""Metrics that an installed package offers under the entry point group `llmops.metrics`."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import replace
from importlib import metadata
from typing import Any

from llmops.adapters.plugins import options, origins
from llmops.adapters.plugins.asking import Asking, Door
from llmops.adapters.plugins.deadlines import Deadline, OneAtATime
from llmops.documents import canonical
from llmops.documents.config import MetricConfig
from llmops.errors import CannotAsk
from llmops.evaluation.evidence import Score
from llmops.evaluation.metrics import MetricInfo
from llmops.evaluation.plugins.authoring import seen_of
from llmops.evaluation.plugins.outcomes import before, info_of
from llmops.evaluation.scoring.cases import Observation

GROUP = "llmops.metrics"


class EntryPointMetric:
    """One metric of an entry point, as llmops.yaml configures it."""

    def __init__(self, *, info: MetricInfo, identity: str, metric: Any, asking: Asking, seconds: float) -> None:
        self.info = info
        self.identity = identity
        self._metric = metric
        self._asking = asking
        self._is_async = inspect.iscoroutinefunction(metric.score)
        self._turns = OneAtATime(seconds)

    async def score(self, seen: Observation) -> Score:
        """Its score of one answer. Raises: CannotAsk where its model cannot be asked."""
        ruled_out = before(self.info, seen)
        if ruled_out is not None:
            return ruled_out
        shown = seen_of(seen)

        async def made(deadline: Deadline) -> Any:
            if self._is_async:
                return await deadline.hold(self._metric.score(shown))
            found = await self._turns.call(lambda: self._metric.score(shown))
            return await deadline.hold(found) if inspect.isawaitable(found) else found

        return await self._asking.score(made, self.info.kind)

    async def close(self) -> None:
        """Nothing was started."""


def load(config: MetricConfig, door: Door) -> EntryPointMetric:
    """The metric of an entry point. Raises: CannotAsk PLUGIN_MISSING, PLUGIN_NAME, PLUGIN_BROKEN, PLUGIN_MODEL,
    PLUGIN_OPTIONS."""
    chosen = options.of(config)
    point = _point(config)
    factory = _loaded(config, point)
    asking = Asking(door, name=config.name, model=config.model, seconds=chosen.seconds, concurrency=chosen.concurrency)
    metric = _made(config, factory, chosen.own, asking)
    info = _info(config, metric)
    info = replace(info, direction=chosen.direction or info.direction, kind=chosen.kind or info.kind)
    named = {
        "kind": config.kind,
        "source": point.name,
        "code": [origins.origin(code, point.dist) for code in (factory, type(metric))],
        "info": [info.method, info.version, str(info.direction), str(info.kind), sorted(info.needs)],
        "options": dict(chosen.own),
        "model": dict(door.identity(config.model)) if config.model else None,
    }
    return EntryPointMetric(
        info=info, identity=canonical.digest(named), metric=metric, asking=asking, seconds=chosen.seconds
    )


def installed() -> tuple[str, ...]:
    """The names of every metric that installed packages offer."""
    return tuple(sorted({point.name for point in metadata.entry_points(group=GROUP)}))


def _point(config: MetricConfig) -> metadata.EntryPoint:
    found = tuple(metadata.entry_points(group=GROUP, name=config.source))
    values = {(point.value, point.dist.name if point.dist else "") for point in found}
    if len(values) > 1:
        packages = ", ".join(sorted(package for _, package in values))
        what = f"several packages offer a metric `{config.source}`: {packages}"
        raise CannotAsk("PLUGIN_NAME", what, where=options.where(config), hint="uninstall all but one of them")
    if found:
        return found[0]
    listed = ", ".join(installed()) or "none"
    hint = f"install the package that offers it; installed are: {listed}"
    what = f"no installed package offers a metric `{config.source}` (entry point group {GROUP})"
    raise CannotAsk("PLUGIN_MISSING", what, where=options.where(config), hint=hint)


def _loaded(config: MetricConfig, point: metadata.EntryPoint) -> Any:
    try:
        factory = point.load()
    except (Exception, SystemExit) as error:
        raise _broken(config, f"cannot be imported from {point.value}", error) from error
    if not callable(factory):
        what = f"the metric `{config.source}` is {point.value}, which cannot be called"
        raise CannotAsk("PLUGIN_BROKEN", what, where=options.where(config), hint="name a factory: def metric(options)")
    return factory


def _made(config: MetricConfig, factory: Any, own: Mapping[str, Any], asking: Asking) -> Any:
    wants_model = _wants_ask(factory)
    if wants_model and not config.model:
        what = f"the metric `{config.source}` asks a model, and none is named"
        raise CannotAsk("PLUGIN_MODEL", what, where=options.where(config), hint="write `model:` with one of `models`")
    if config.model and not wants_model:
        what = f"the metric `{config.source}` asks no model, but `model: {config.model}` is written"
        raise CannotAsk("PLUGIN_MODEL", what, where=options.where(config), hint="remove `model`")
    try:
        metric = factory(own, ask=asking.text) if wants_model else factory(own)
    except (Exception, SystemExit) as error:
        raise _broken(config, "does not take these options", error) from error
    if not callable(getattr(metric, "score", None)):
        what = f"what `{config.source}` makes has no `score`"
        raise CannotAsk("PLUGIN_BROKEN", what, where=options.where(config), hint="see docs/metrics-of-your-own.md")
    return metric


def _wants_ask(factory: Any) -> bool:
    try:
        return "ask" in inspect.signature(factory).parameters
    except (TypeError, ValueError):
        return False


def _info(config: MetricConfig, metric: Any) -> MetricInfo:
    try:
        return info_of(config.name, metric.info)
    except (Exception, SystemExit) as error:
        raise _broken(config, "does not describe itself", error) from error


def _broken(config: MetricConfig, what: str, error: BaseException) -> CannotAsk:
    return CannotAsk(
        "PLUGIN_BROKEN",
        f"the metric `{config.source}` {what}: {type(error).__name__}: {error}",
        where=options.where(config),
        hint="mend the plug-in or its options",
    )
