"""What `plan` answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmops.evaluation.planning.components import Components, Design
    from llmops.evaluation.planning.plan import PlannedRule, Way


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """Where the noise of one metric comes from: variances by level, the share that each has in the variance of the
    mean, and what lowers it most."""

    metric: str
    components: Components
    shares: Mapping[str, float]
    advice: str
    is_assumed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What a gate can tell. `evidence` and `other` name the evaluations that it is known from ("" for none); `asked` is
    the whole design with its requests and money. People's labels bear out the judge on the `calibrated` metrics.
    """

    prompt: str
    version: str
    environment: str
    evalset: str
    judge: str
    power: float
    design: Design
    asked: Way
    rules: tuple[PlannedRule, ...]
    noise: tuple[Noise, ...]
    evidence: str = ""
    other: str = ""
    calibrated: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """True where a rule cannot tell what it asks for."""
        return any(rule.is_open for rule in self.rules)
