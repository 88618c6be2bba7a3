"""What an application under evaluation is given: the release that is being evaluated, not the one that serves.

`llmops eval` calls an application inside `serving(release)`. There `get_prompt(name, environment=…)` gives that
release, whatever the environment: an application that fetches its prompt as it does in production is evaluated with the
candidate. Other prompts, and a version asked for by name, are read as always. It holds for the current context (PEP
567): tasks and threads that copy it see it, other evaluations in the same process do not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from llmops.runtime.prompt import Prompt, prompt_of

if TYPE_CHECKING:
    from llmops.documents.releases import Release

under_evaluation: ContextVar[Mapping[str, Prompt] | None] = ContextVar("llmops_under_evaluation", default=None)


@contextmanager
def serving(release: Release) -> Iterator[Prompt]:
    """Within it, `get_prompt(release.name, environment=…)` gives this release. May be nested."""
    prompt = prompt_of(release)
    token = under_evaluation.set({**(under_evaluation.get() or {}), prompt.name: prompt})
    try:
        yield prompt
    finally:
        under_evaluation.reset(token)
