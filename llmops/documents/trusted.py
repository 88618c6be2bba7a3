"""What a change of llmops.yaml may not do by itself: choose who is told, who judges, what counts as its price, and
which code runs.

Keys come from the environment, addresses from llmops.yaml. Where both meet in a job that runs on somebody's change
(a pull request), that change could send a key anywhere, and passages and answers without one; a judge of its own would
find everything good, and a price of 0 lift every cap. So the job names a trusted ref, and llmops.yaml of that ref
decides.

Rules, in order:

1. No trusted configuration: everything is trusted. That is a developer's machine.
2. Every model that is asked over a network has the trusted one's provider, address, variables, model, deployment (of
   Azure without one: the model's name), api-version and prices, whether it is given a key or not. Free is how much is
   asked at once: concurrency, limits, deadlines, window, streaming, hedging. A new embedded model is asked nowhere.
3. Every target has the trusted address and variable. Concurrency and deadline are free.
4. Every judge is the trusted one in all its fields: what it says decides.
5. Every metric of one's own has the trusted source, model and options: it judges, and is code that can read all of the
   environment. The files behind a source are code as well; that they are trusted is for who checks them out.
6. A name that the trusted file does not have is a difference. One that it has and the working file has not is none:
   it is asked nothing.
7. Every difference is reported, at once, with both sides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar

from llmops.documents import canonical
from llmops.documents.config import ModelConfig, Settings
from llmops.errors import CannotAsk

Config = TypeVar("Config")
_ABSENT = "nothing of that name"
_FREE_OF_MODELS = frozenset(
    {
        "name",
        "window",
        "timeout_seconds",
        "concurrency",
        "requests_per_minute",
        "tokens_per_minute",
        "stream",
        "hedge_after_seconds",
    }
)
_FREE_OF_TARGETS = frozenset({"name", "timeout_seconds", "concurrency"})
_NAME = frozenset({"name"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One field of the working configuration that is not the trusted one's."""

    place: str
    field: str
    working: str
    trusted: str

    def __str__(self) -> str:
        return f"{self.place}.{self.field} is {self.working or 'left out'}, trusted is {self.trusted or 'left out'}"


def check_trust(working: Settings, trusted: Settings | None) -> None:
    """Say whether models, judges and code may be used as `working` says.

    Raises: CannotAsk UNTRUSTED_ENDPOINT, with every difference.
    """
    if trusted is None:
        return
    found = differences(working, trusted)
    if found:
        raise CannotAsk(
            "UNTRUSTED_ENDPOINT",
            "this llmops.yaml asks, judges, counts or runs code otherwise than the trusted one: "
            + "; ".join(str(difference) for difference in found),
            where="llmops.yaml",
            hint="merge this change of llmops.yaml first: what LLMOPS_TRUSTED_REF names decides who is asked",
        )


def differences(working: Settings, trusted: Settings) -> tuple[Difference, ...]:
    """Every field that has to be the trusted one's and is not, by place."""
    found = [
        *_of("models", _asked(working, trusted), trusted.models, _model_fields),
        *_of("targets", working.targets, trusted.targets, lambda target: _fields(target, _FREE_OF_TARGETS)),
        *_of("judges", working.judges, trusted.judges, lambda judge: _fields(judge, _NAME)),
        *_of("metrics", working.metrics, trusted.metrics, lambda metric: _fields(metric, _NAME)),
    ]
    return tuple(sorted(found, key=lambda difference: (difference.place, difference.field)))


def _asked(working: Settings, trusted: Settings) -> dict[str, ModelConfig]:
    """The models, but those that run within this process and are new: no judge of the trusted file asks them."""
    models = working.models.items()
    return {name: model for name, model in models if model.provider != "embedded" or name in trusted.models}


def _of(
    place: str, working: Mapping[str, Config], trusted: Mapping[str, Config], shown: Callable[[Config], dict[str, str]]
) -> Iterator[Difference]:
    for name, config in working.items():
        other = trusted.get(name)
        yield from _compare(f"{place}.{name}", shown(config), None if other is None else shown(other))


def _compare(place: str, working: dict[str, str], trusted: dict[str, str] | None) -> Iterator[Difference]:
    if trusted is None:
        first, value = next(iter(working.items()), ("", ""))
        if first:
            yield Difference(place=place, field=first, working=value, trusted=_ABSENT)
        return
    for field in (*working, *(field for field in trusted if field not in working)):
        if working.get(field, "") != trusted.get(field, ""):
            known, other = working.get(field, ""), trusted.get(field, "")
            yield Difference(place=place, field=field, working=known, trusted=other)


def _model_fields(model: ModelConfig) -> dict[str, str]:
    """Who is told, what it is asked and what it costs; the address first."""
    shown = _fields(model, _FREE_OF_MODELS)
    if model.provider == "azure":
        shown["deployment"] = model.deployment or model.model
    return {"base_url": shown.pop("base_url"), **shown}


def _fields(config: Any, free: frozenset[str]) -> dict[str, str]:
    """Every field but the free ones: one that is new is compared until somebody says that it is free."""
    values = asdict(config)
    return {field.name: _shown(values[field.name]) for field in fields(config) if field.name not in free}


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value in (None, (), {}) else canonical.dumps(value).decode()
