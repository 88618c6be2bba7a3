"""What a change of llmops.yaml may not do by itself: choose where secrets go, and which code runs beside them.

Keys come from the environment, addresses from llmops.yaml. Where both meet in a job that runs on somebody's change
(a pull request), that change could send a key anywhere. So the job names a trusted ref, and llmops.yaml of that ref
decides.

Rules, in order:

1. No trusted configuration: everything is trusted. That is a developer's machine.
2. A model or target that would be given a secret (`key_env` or `token_env` is set in the environment) has the trusted
   one's provider, address, variables, deployment and api-version. Other fields are free: they say how much is asked,
   not who is told.
3. Code that runs here (`python:` targets; metrics that are plug-ins, DeepEval classes or promptfoo files) has the
   trusted source and options, whatever the environment holds: code can read all of it. The files behind a source are
   code as well; that they are trusted is for who checks them out.
4. A judge or metric asks a model by its name; a model that is given a secret has passed rule 2, so no rule is needed.
5. Every difference is reported, at once, with both sides.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from llmops.documents import canonical
from llmops.documents.config import MetricConfig, ModelConfig, Settings, TargetConfig
from llmops.errors import CannotAsk

_ABSENT = "nothing of that name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One field of the working configuration that is not the trusted one's."""

    place: str
    field: str
    working: str
    trusted: str

    def __str__(self) -> str:
        return f"{self.place}.{self.field} is {self.working or 'left out'}, trusted is {self.trusted or 'left out'}"


def check_trust(working: Settings, trusted: Settings | None, environ_names: Collection[str]) -> None:
    """Say whether secrets may be used with `working`; `environ_names` are the variables that are set and not empty.

    Raises: CannotAsk UNTRUSTED_ENDPOINT, with every difference.
    """
    if trusted is None:
        return
    found = differences(working, trusted, environ_names)
    if found:
        raise CannotAsk(
            "UNTRUSTED_ENDPOINT",
            "this llmops.yaml would send secrets, or run code, otherwise than the trusted one: "
            + "; ".join(str(difference) for difference in found),
            where="llmops.yaml",
            hint="merge this change of llmops.yaml first: what LLMOPS_TRUSTED_REF names decides where secrets go",
        )


def differences(working: Settings, trusted: Settings, environ_names: Collection[str]) -> tuple[Difference, ...]:
    """Every field that has to be the trusted one's and is not, by place."""
    found = [
        *_of_models(working, trusted, frozenset(environ_names)),
        *_of_targets(working, trusted, frozenset(environ_names)),
        *_of_metrics(working, trusted),
    ]
    return tuple(sorted(found, key=lambda difference: (difference.place, difference.field)))


def _of_models(working: Settings, trusted: Settings, names: frozenset[str]) -> Iterator[Difference]:
    for name, model in working.models.items():
        if names & {model.key_env, model.token_env}:
            other = trusted.models.get(name)
            yield from _compare(f"models.{name}", _model_fields(model), _model_fields(other) if other else None)


def _of_targets(working: Settings, trusted: Settings, names: frozenset[str]) -> Iterator[Difference]:
    for name, target in working.targets.items():
        if target.key_env in names or target.address.startswith("python:"):
            other = trusted.targets.get(name)
            yield from _compare(f"targets.{name}", _target_fields(target), _target_fields(other) if other else None)


def _of_metrics(working: Settings, trusted: Settings) -> Iterator[Difference]:
    for name, metric in working.metrics.items():
        other = trusted.metrics.get(name)
        yield from _compare(f"metrics.{name}", _metric_fields(metric), _metric_fields(other) if other else None)


def _compare(place: str, working: dict[str, str], trusted: dict[str, str] | None) -> Iterator[Difference]:
    if trusted is None:
        first, value = next(iter(working.items()))
        yield Difference(place=place, field=first, working=value, trusted=_ABSENT)
        return
    for field, value in working.items():
        if value != trusted[field]:
            yield Difference(place=place, field=field, working=value, trusted=trusted[field])


def _model_fields(model: ModelConfig) -> dict[str, str]:
    return {
        "base_url": model.base_url,
        "provider": model.provider,
        "key_env": model.key_env,
        "token_env": model.token_env,
        "deployment": model.deployment,
        "api_version": model.api_version,
    }


def _target_fields(target: TargetConfig) -> dict[str, str]:
    return {"address": target.address, "key_env": target.key_env}


def _metric_fields(metric: MetricConfig) -> dict[str, str]:
    return {"source": metric.source, "kind": metric.kind, "options": canonical.dumps(dict(metric.options)).decode()}
