"""The ordinary configuration in llmops.yaml: models, judges, targets and metrics of one's own.

`governance` is policy and stays a raw mapping here: only `governance.policy` gives it a meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

EMBEDDED_WINDOW = 2048
EMBEDDED_JUDGE = "embedded-lexical"
PROVIDERS = ("embedded", "openai", "azure", "vllm", "ollama", "litellm", "huggingface")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """US dollars per million tokens. `cached_input` (None: as `input`) is for what the endpoint had in its cache."""

    input: float = 0.0
    output: float = 0.0
    cached_input: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """Where a model is, what it costs, how much it is asked at once.

    `window` is its context in tokens (0: not said), `timeout_seconds` the deadline of one request, `concurrency` how
    many requests may be in flight, `max_output_tokens` the longest answer that is reckoned with (0: the request says
    it; never sent), `requests_per_minute` and `tokens_per_minute` the account's limits (0: none). `prices` None: looked
    up by provider and model, or by `priced_as`. `key_env` and `token_env` name variables of the environment: a key, or
    a bearer token where the service takes one. `hedge_after_seconds` above 0 asks a second time when no answer came by
    then. `deployment` and `api_version` are Azure's.
    """

    name: str
    provider: str
    model: str
    base_url: str = ""
    key_env: str = ""
    token_env: str = ""
    deployment: str = ""
    api_version: str = ""
    window: int = 0
    prices: Prices | None = None
    priced_as: str = ""
    timeout_seconds: float = 60.0
    concurrency: int = 8
    requests_per_minute: int = 0
    tokens_per_minute: int = 0
    max_output_tokens: int = 0
    stream: bool = False
    hedge_after_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeConfig:
    """A judge and how it judges. `model` and `embeddings` name models ("" for the embedded encoder); `classifier` names
    a model that answers safe or unsafe ("" for rules alone), `finders` what looks for secrets and personal data beside
    the built-in patterns."""

    name: str
    kind: str
    model: str = ""
    embeddings: str = ""
    classifier: str = ""
    finders: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetConfig:
    """An application that answers in place of the prompt's model: `python:MODULE:FUNCTION` or an http(s) address."""

    name: str
    address: str
    key_env: str = ""
    timeout_seconds: float = 120.0
    concurrency: int = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricConfig:
    """A metric of one's own: `kind` is plugin, promptfoo or deepeval, `source` what it is made from: the name of an
    entry point, a path from the root, MODULE:CLASS."""

    name: str
    kind: str
    source: str
    model: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """llmops.yaml without its policy, which is handed on as written (None where there is none)."""

    models: Mapping[str, ModelConfig] = field(default_factory=dict)
    judges: Mapping[str, JudgeConfig] = field(default_factory=dict)
    targets: Mapping[str, TargetConfig] = field(default_factory=dict)
    metrics: Mapping[str, MetricConfig] = field(default_factory=dict)
    governance: Mapping[str, Any] | None = None

    def model(self, name: str) -> ModelConfig | None:
        return self.models.get(name)

    def prices_of(self, name: str) -> Prices | None:
        """What llmops.yaml says that the model costs, None where it says nothing."""
        model = self.models.get(name)
        return model.prices if model else None

    def judge(self, name: str) -> JudgeConfig | None:
        """The judge of this name; the embedded one needs no configuration."""
        own = JudgeConfig(name=EMBEDDED_JUDGE, kind=EMBEDDED_JUDGE) if name == EMBEDDED_JUDGE else None
        return self.judges.get(name, own)

    @property
    def judge_names(self) -> tuple[str, ...]:
        """Every judge that a thresholds.yaml may name."""
        return tuple(sorted({EMBEDDED_JUDGE, *self.judges}))


def parse(value: Mapping[str, Any]) -> Settings:
    """The settings in the checked mapping of llmops.yaml."""
    return Settings(
        models={name: _model(name, fields) for name, fields in value.get("models", {}).items()},
        judges={name: _judge(name, fields) for name, fields in value.get("judges", {}).items()},
        targets={name: TargetConfig(name=name, **fields) for name, fields in value.get("targets", {}).items()},
        metrics={name: _metric(name, fields) for name, fields in value.get("metrics", {}).items()},
        governance=value.get("governance"),
    )


def _model(name: str, fields: Mapping[str, Any]) -> ModelConfig:
    is_embedded = fields["provider"] == "embedded"
    plain = {key: item for key, item in fields.items() if key not in ("context_window", "prices", "model")}
    return ModelConfig(
        name=name,
        model=fields.get("model", name),
        window=fields.get("context_window", EMBEDDED_WINDOW if is_embedded else 0),
        prices=Prices(**fields.get("prices", {})) if "prices" in fields or is_embedded else None,
        **plain,
    )


def _judge(name: str, fields: Mapping[str, Any]) -> JudgeConfig:
    return JudgeConfig(name=name, **{**fields, "finders": tuple(fields.get("finders", ()))})


def _metric(name: str, fields: Mapping[str, Any]) -> MetricConfig:
    kind = next(kind for kind in ("plugin", "promptfoo", "deepeval") if kind in fields)
    rest = {key: item for key, item in fields.items() if key != kind}
    return MetricConfig(name=name, kind=kind, source=fields[kind], **rest)
