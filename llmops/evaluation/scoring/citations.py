"""Citations: does each claim name a source, and do the sources it names exist?

A citation is `[1]`, `[1, 3]` or `[2-4]`; number n means the n-th context that was put before the model. A claim is a
sentence with content that does not decline. These rules say nothing about whether the cited context supports the
claim: that is for groundedness.
"""

from __future__ import annotations

import re

from llmops.evaluation.evidence import Score, measured, not_applicable
from llmops.evaluation.scoring import words
from llmops.evaluation.scoring.refusals import declines

LARGEST_RANGE = 50


def cited(text: str) -> tuple[int, ...]:
    """The numbers cited in a text, in order, repeats kept; ranges are spelled out."""
    return tuple(number for marker in words.MARKER.finditer(text) for number in _numbers(marker[1]))


def _numbers(inside: str) -> tuple[int, ...]:
    found: list[int] = []
    for part in re.split(r"[,;]", inside):
        ends = [int(end) for end in re.split(r"[–-]", part)]
        if len(ends) == 2 and ends[0] <= ends[1] <= ends[0] + LARGEST_RANGE:
            found.extend(range(ends[0], ends[1] + 1))
        else:
            found.extend(ends)
    return tuple(found)


def coverage(answer: str) -> Score:
    """The share of the claims that carry a citation."""
    claims = [text for text in words.sentences(answer) if words.terms(text) and not declines(text)]
    if not claims:
        return not_applicable("the answer claims nothing")
    bare = [words.without_markers(text).strip() for text in claims if not cited(text)]
    reason = f"without a citation: {' · '.join(f'“{text}”' for text in bare)}" if bare else ""
    return measured(1 - len(bare) / len(claims), reason)


def validity(answer: str, contexts: int) -> Score:
    """The share of the cited numbers that name one of the `contexts` contexts."""
    numbers = cited(answer)
    if not numbers:
        return not_applicable("the answer cites nothing")
    wrong = [number for number in numbers if not 1 <= number <= contexts]
    listed = ", ".join(f"[{number}]" for number in dict.fromkeys(wrong))
    reason = f"cites {listed}, there {'is 1 context' if contexts == 1 else f'are {contexts} contexts'}" if wrong else ""
    return measured(1 - len(wrong) / len(numbers), reason)
