"""Templates: the small, safe part of Jinja2 that prompts are written in.

Rules, in order:

1. A template is parsed, and its AST is held against an allow-list (`allowlist`) before anything is compiled. Names,
   `.attribute` and `[item]`, comparisons, `and or not`, `+` and `~`, `if`, `for`, `set`, and twelve filters.
2. What is compiled runs in Jinja's sandbox with StrictUndefined and without loader, globals or Python attributes
   (`engine`); every filter, loop, join and comparison is metered (`filters`).
3. Values are data: text in a variable, a question or a passage is never read as a template.

jinja2 is imported on first use: a command that needs no template does not pay for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmops.documents.templates.values import Limits, NumberedPassages, Problem

__all__ = ["Limits", "NumberedPassages", "Problem", "check", "render", "variables_of"]

_DEFAULT_LIMITS = Limits()


def check(source: str) -> tuple[Problem, ...]:
    """Every reason why `source` is refused, by line; nothing where it may be rendered."""
    from llmops.documents.templates import allowlist

    return allowlist.check(source)


def variables_of(source: str) -> Mapping[str, tuple[str, ...]]:
    """The names that `source` takes from outside, sorted, each with the parts of it that are used.

    "" stands for the whole value, `address.city` for a key in a key, `[].text` for a key of every item. Branches and
    loops are followed; loop targets and names that `set` has given are left out. Raises: CannotAsk TEMPLATE_INVALID.
    """
    from llmops.documents.templates import names

    return names.variables_of(source)


def render(source: str, values: Mapping[str, Any], limits: Limits = _DEFAULT_LIMITS) -> str:
    """The text that `source` gives for `values`.

    Raises: CannotAsk TEMPLATE_INVALID (refused before it runs), TEMPLATE_UNDEFINED (a name or key without a value),
    TEMPLATE_TYPE (a value of the wrong kind), TEMPLATE_TOO_LONG, TEMPLATE_TOO_MANY_PASSES, TEMPLATE_TOO_MUCH_WORK.
    """
    from llmops.documents.templates import engine

    return engine.render(source, values, limits)
