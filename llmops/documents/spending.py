"""What a run asked of models, by stage. Money is an integer: nano-USD."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from llmops.documents.chat import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSpend:
    """One stage since a door was opened.

    `sent` are requests that went out, retries and hedges included; `cached` answers that cost nothing. Tokens and money
    are of new answers, `unpriced` the new answers whose price nobody knows.
    """

    sent: int = 0
    retries: int = 0
    hedges: int = 0
    cached: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    nano_usd: int = 0
    unpriced: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The spend of each stage that took part."""

    stages: Mapping[Stage, StageSpend] = field(default_factory=dict)

    @property
    def nano_usd(self) -> int:
        return sum(spend.nano_usd for spend in self.stages.values())

    @property
    def sent(self) -> int:
        return sum(spend.sent for spend in self.stages.values())
