"""The options of a metric in llmops.yaml: those that we honour ourselves, and those that are the metric's own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmops.documents.config import MetricConfig
from llmops.errors import CannotAsk
from llmops.evaluation.metrics import Direction, Kind

SECONDS = 60.0
CONCURRENCY = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the metric is handed (`own`), and how it is run. `direction` and `kind` None: as it says itself."""

    own: Mapping[str, Any]
    seconds: float = SECONDS
    concurrency: int = CONCURRENCY
    direction: Direction | None = None
    kind: Kind | None = None


def where(config: MetricConfig) -> str:
    """The place of a metric in messages."""
    return f"llmops.yaml: metrics.{config.name}"


def of(config: MetricConfig) -> Options:
    """The options of a metric in code. Raises: CannotAsk PLUGIN_OPTIONS."""
    own = dict(config.options)
    return Options(
        seconds=_seconds(config, own.pop("timeout_seconds", SECONDS)),
        concurrency=_concurrency(config, own.pop("concurrency", CONCURRENCY)),
        direction=_member(config, "direction", Direction, own.pop("direction", None)),
        kind=_member(config, "kind", Kind, own.pop("kind", None)),
        own=own,
    )


def only(config: MetricConfig, *known: str) -> None:
    """Raises: CannotAsk PLUGIN_OPTIONS where there is another option."""
    odd = sorted(set(config.options) - set(known))
    if odd:
        what = f"a metric of kind {config.kind} has no option `{odd[0]}`"
        raise CannotAsk("PLUGIN_OPTIONS", what, where=where(config), hint=f"options are: {', '.join(known)}")


def _seconds(config: MetricConfig, value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or value <= 0:
        raise _wrong(config, "timeout_seconds", value, "a number above 0")
    return float(value)


def _concurrency(config: MetricConfig, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise _wrong(config, "concurrency", value, "a whole number from 1")
    return value


def _member(config: MetricConfig, name: str, kind: Any, value: Any) -> Any:
    if value is None:
        return None
    try:
        return kind(value)
    except ValueError:
        raise _wrong(config, name, value, f"one of {', '.join(kind)}") from None


def _wrong(config: MetricConfig, name: str, value: Any, expected: str) -> CannotAsk:
    what = f"the option `{name}` is {value!r}, expected {expected}"
    return CannotAsk("PLUGIN_OPTIONS", what, where=where(config), hint=f"write {expected}")
