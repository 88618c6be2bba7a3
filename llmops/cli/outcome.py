"""What a command hands to the boundary: a result, how to show it, and the answer it gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from llmops.errors import Answer, Finding
from llmops.render.page import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One finished command.

    `result` is the value that `--json` prints; `show` writes it to a page. `raw` replaces both on standard output where
    the command's product is a document of its own (a schema, SARIF), which is printed as it is.
    """

    result: Any
    show: Callable[[Page], None]
    answer: Answer = Answer.YES
    findings: tuple[Finding, ...] = field(default=())
    raw: str | None = None
