"""What names a judge in evidence."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeIdentity:
    """A judge: its name in llmops.yaml, its kind, and the digest of everything that could move its scores (model,
    parameters, prompts, method versions). `label` is what its scores carry."""

    name: str
    kind: str
    digest: str
    label: str
