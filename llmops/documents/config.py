"""The ordinary configuration in llmops.yaml: models and judges.

`governance` is policy and stays a raw mapping here: only `governance.policy` gives it a meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

EMBEDDED_WINDOW = 2048
EMBEDDED_JUDGE = "embedded-lexical"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """US dollars per million tokens."""

    input: float = 0.0
    output: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """Where a model is, what it costs, how much it is asked at once.

    `window` is its context in tokens (0: not said), `timeout_seconds` the deadline of one request, `concurrency` how
    many requests may be in flight.
    """

    name: str
    provider: str
    model: str
    base_url: str = ""
    key_env: str = ""
    window: int = 0
    prices: Prices = field(default_factory=Prices)
    timeout_seconds: float = 60.0
    concurrency: int = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeConfig:
    """A judge and how it judges."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """llmops.yaml without its policy, which is handed on as written (None where there is none)."""

    models: Mapping[str, ModelConfig] = field(default_factory=dict)
    judges: Mapping[str, JudgeConfig] = field(default_factory=dict)
    governance: Mapping[str, Any] | None = None

    def model(self, name: str) -> ModelConfig | None:
        return self.models.get(name)

    def prices_of(self, name: str) -> Prices | None:
        """What the model costs, None where it is not configured."""
        model = self.models.get(name)
        return model.prices if model else None

    @property
    def judge_names(self) -> tuple[str, ...]:
        """Every judge that a thresholds.yaml may name: the embedded one needs no configuration."""
        return tuple(sorted({EMBEDDED_JUDGE, *self.judges}))


def parse(value: Mapping[str, Any]) -> Settings:
    """The settings in the checked mapping of llmops.yaml."""
    judges = value.get("judges", {})
    return Settings(
        models={name: _model(name, fields) for name, fields in value.get("models", {}).items()},
        judges={name: JudgeConfig(name=name, kind=fields["kind"]) for name, fields in judges.items()},
        governance=value.get("governance"),
    )


def _model(name: str, fields: Mapping[str, Any]) -> ModelConfig:
    window = EMBEDDED_WINDOW if fields["provider"] == "embedded" else 0
    return ModelConfig(
        name=name,
        provider=fields["provider"],
        model=fields.get("model", name),
        base_url=fields.get("base_url", ""),
        key_env=fields.get("key_env", ""),
        window=fields.get("context_window", window),
        prices=Prices(**fields.get("prices", {})),
        timeout_seconds=fields.get("timeout_seconds", 60.0),
        concurrency=fields.get("concurrency", 8),
    )
