"""What `lock` freezes: sources in, a release out.

Rules, in order:

1. `behaviour` holds what shapes answers and nothing else: renaming an owner or mending a description moves no digest.
2. Equal meaning gives equal bytes: defaults are filled in, sets are sorted, a list of variables becomes a map,
   `temperature` stands among the parameters, line feeds at the end of a message are dropped.
3. `status`, `environment`, `evaluation`, production monitors, freshness and names for people are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from llmops.documents import bars, canonical
from llmops.documents.prompts import Prompt, Variable
from llmops.documents.releases import FORMAT, Release

DEFAULT_JUDGE: Final = "embedded-lexical"
DEFAULT_EMBEDDING: Final[Mapping[str, Any]] = {
    "provider": "embedded",
    "model": "all-minilm-l6-v2",
    "dimensions": 384,
}
# What rag.yaml means where it says nothing. Keys that are not here shape no retrieved passage.
_RETRIEVAL_DEFAULTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "chunking": {"strategy": "section", "size": 200, "overlap": 0},
    "index": {"backend": "memory"},
    "retrieval": {"strategy": "hybrid", "top_k": 4, "score_threshold": None, "reranker": None},
    "pii": {"action": "warn"},
    "context": {"max_tokens": None},
}


def freeze(
    prompt: Prompt,
    *,
    rag: Mapping[str, Any] | None,
    thresholds: Mapping[str, Any],
    evalset: str,
    evalset_digest: str,
    base: str,
) -> Release:
    """The release of `prompt` with its retrieval config and thresholds, all checked. `base` is "" for a first one."""
    return Release(
        behaviour=behaviour_of(prompt, rag),
        bars=bars_of(thresholds, evalset, evalset_digest),
        about={
            "format": FORMAT,
            "name": prompt.name,
            "version": prompt.version,
            "base": base,
            "changelog": prompt.changelog,
            "owner": prompt.owner,
            "use_case": prompt.use_case,
            "labels": _plain(prompt.labels),
        },
    )


def behaviour_of(prompt: Prompt, rag: Mapping[str, Any] | None) -> dict[str, Any]:
    """What shapes the answers of `prompt`: the `behaviour` part of a release."""
    return {
        "messages": [{"role": each.role, "content": _content(each.content)} for each in prompt.messages],
        "variables": {each.name: _variable(each) for each in prompt.variables},
        "few_shots": [{"user": each.user, "assistant": each.assistant} for each in prompt.few_shots],
        "tools": _plain(prompt.tools),
        "output_schema": _plain(prompt.output_schema),
        "model": prompt.model,
        "parameters": _plain(prompt.parameters),
        "retrieval": None if rag is None else retrieval_of(rag),
        "fallback": _plain(prompt.fallback),
    }


def retrieval_of(rag: Mapping[str, Any]) -> dict[str, Any]:
    """What shapes the retrieved passages in a checked rag.yaml, with every default filled in."""
    sources = rag.get("sources") or []
    paths = [sources] if isinstance(sources, str) else sources
    filled = {
        section: {key: (rag.get(section) or {}).get(key, value) for key, value in defaults.items()}
        for section, defaults in _RETRIEVAL_DEFAULTS.items()
    }
    return {
        "sources": sorted({path.removeprefix("./").rstrip("/") for path in paths}),
        "loader": rag.get("loader", "markdown"),
        "embedding": _embedding(rag.get("embedding") or {}),
        **filled,
    }


def bars_of(thresholds: Mapping[str, Any], evalset: str, evalset_digest: str) -> dict[str, Any]:
    """What a release has to reach, from a checked thresholds.yaml: the `bars` part of a release."""
    quarantine = [
        {key: each[key] for key in ("case", "reason", "until")} for each in thresholds.get("quarantine") or ()
    ]
    return {
        "thresholds": {
            metric: _threshold(metric, fields) for metric, fields in (thresholds.get("release") or {}).items()
        },
        "judge": thresholds.get("judge", DEFAULT_JUDGE),
        **_target(thresholds),
        **_judge_repeats(thresholds),
        "evalset": {"name": evalset, "digest": evalset_digest},
        "quarantine": sorted(quarantine, key=canonical.dumps),
        "repeats": thresholds.get("repeats", 1),
        "min_coverage": thresholds.get("min_coverage", 1.0),
    }


def _target(thresholds: Mapping[str, Any]) -> dict[str, str]:
    """Absent where the prompt's own model answers: bars frozen before there were targets keep their digest."""
    target = thresholds.get("target", bars.PROMPT)
    return {} if target == bars.PROMPT else {"target": target}


def _judge_repeats(thresholds: Mapping[str, Any]) -> dict[str, int]:
    """Absent where each answer is judged once, for the same reason."""
    repeats = thresholds.get("judge_repeats", 1)
    return {} if repeats == 1 else {"judge_repeats": repeats}


def _content(template: str) -> str:
    return template.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")


def _variable(variable: Variable) -> dict[str, Any]:
    fields: dict[str, Any] = {"type": variable.type}
    if variable.has_default:
        fields["default"] = _plain(variable.default)
    if variable.max_length is not None:
        fields["max_length"] = variable.max_length
    if variable.enum:
        choices = {canonical.dumps(choice): _plain(choice) for choice in variable.enum}
        fields["enum"] = [choices[key] for key in sorted(choices)]
    return fields


def _embedding(given: Mapping[str, Any]) -> dict[str, Any]:
    """The embedding model; the default's dimensions say nothing about another model."""
    provider = given.get("provider", DEFAULT_EMBEDDING["provider"])
    model = given.get("model", DEFAULT_EMBEDDING["model"])
    is_default = (provider, model) == (DEFAULT_EMBEDDING["provider"], DEFAULT_EMBEDDING["model"])
    dimensions = given.get("dimensions", DEFAULT_EMBEDDING["dimensions"] if is_default else None)
    return {"provider": provider, "model": model, "dimensions": dimensions}


def _threshold(metric: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """One bar with its defaults: what `bars.parse_threshold` reads, spelled out."""
    parsed = bars.parse_threshold(metric, fields)
    spelled = {
        **_limits(parsed.minimum, parsed.maximum),
        "require": "PASS" if parsed.require_pass else None,
        "max_drop": parsed.max_drop,
        "decide_on": str(parsed.decide_on),
        "confidence": parsed.confidence,
        "slices": {each.name: _limits(each.minimum, each.maximum) for each in parsed.slices},
        "min_cases": parsed.min_cases,
        "pass_at": parsed.pass_at,
        "quality": parsed.quality or None,
    }
    return {key: value for key, value in spelled.items() if value is not None}


def _limits(minimum: float | None, maximum: float | None) -> dict[str, float]:
    return {key: value for key, value in (("min", minimum), ("max", maximum)) if value is not None}


def _plain(value: Any) -> Any:
    """`value` in the types that JSON gives back, so that a frozen release equals the one that is read again."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value
