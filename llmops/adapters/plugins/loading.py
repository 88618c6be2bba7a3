"""The metrics that llmops.yaml configures, made ready for a run; and what became of each file's content.

Rules, in order:

1. A metric goes by its key in llmops.yaml. A name that llmops has given to a metric of its own is refused: a threshold
   must not change its meaning with a file.
2. Everything that can be known before the run is refused before it: a package that is not there, options that a metric
   does not take, a model that nobody named.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from llmops.adapters.plugins import assertions, entry_points, options
from llmops.adapters.plugins.asking import Door
from llmops.adapters.plugins.deepeval import metric as deepeval
from llmops.documents.config import MetricConfig
from llmops.documents.trees import Tree
from llmops.errors import CannotAsk
from llmops.evaluation.judging.native import registry
from llmops.evaluation.metrics import LEXICAL, RULES
from llmops.evaluation.plugins import RunMetric
from llmops.evaluation.plugins.promptfoo.asserts import AssertSet, Imported

BUILT_IN: frozenset[str] = frozenset({*(info.name for info in (*LEXICAL, *RULES)), *registry.METRICS})


class Status(StrEnum):
    """What became of a part of a metric's source."""

    IMPORTED = "imported"
    LEFT = "not imported"


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """One part of a metric's source, what became of it, and why (or how it is measured)."""

    what: str
    status: Status
    why: str = ""


def load(
    configs: Mapping[str, MetricConfig], *, door: Door, tree: Tree, reserved: Collection[str] = BUILT_IN
) -> tuple[RunMetric, ...]:
    """Every metric of `configs`, in their order. `reserved` are names of metrics that llmops has itself.

    Raises: CannotAsk PLUGIN_…, EXTRA_MISSING, MODEL_UNKNOWN; InvalidDocuments for a malformed assertion file.
    """
    for name, config in configs.items():
        if name in reserved:
            what = f"`{name}` is a metric of llmops"
            raise CannotAsk("PLUGIN_NAME", what, where=options.where(config), hint="give yours another name")
    return tuple(_loaded(config, door, tree) for config in configs.values())


def _loaded(config: MetricConfig, door: Door, tree: Tree) -> RunMetric:
    if config.kind == "plugin":
        return entry_points.load(config, door)
    return deepeval.load(config, door) if config.kind == "deepeval" else assertions.load(config, door, tree)


def describe(config: MetricConfig, tree: Tree) -> tuple[Described, ...]:
    """What is taken of a metric's source and what is not. Raises: CannotAsk, InvalidDocuments."""
    if config.kind != "promptfoo":
        return (Described(what=f"{config.kind} {config.source}", status=Status.IMPORTED),)
    return _described(assertions.read(config, tree))


def _described(imported: Imported) -> tuple[Described, ...]:
    taken: list[Described] = []
    for item in imported.asserts:
        if isinstance(item, AssertSet):
            taken.append(Described(what=item.label, status=Status.IMPORTED))
        inside = item.asserts if isinstance(item, AssertSet) else (item,)
        taken.extend(Described(what=one.label, status=Status.IMPORTED, why=one.note) for one in inside)
    return (*taken, *(Described(what=left.what, status=Status.LEFT, why=left.why) for left in imported.left))
