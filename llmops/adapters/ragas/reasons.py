"""Why a reply gave no score, in one line that evidence can hold.

What a judge wrote is data: one line, no control characters, half surrogates replaced, at most 300 characters.
"""

from __future__ import annotations

import re

LONGEST = 300
_UNPRINTABLE = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_HALF_PAIR = re.compile("[\ud800-\udfff]")


def line(text: object) -> str:
    """`text` as one short line."""
    # Cut first: a reply may be megabytes long.
    short = _UNPRINTABLE.sub(" ", _HALF_PAIR.sub("\ufffd", str(text)[: 2 * LONGEST])).strip()
    return short if len(short) <= LONGEST else f"{short[: LONGEST - 1]}…"


def of(error: Exception, refusal: str) -> str:
    """Why ragas could not make a score of the replies."""
    if refusal:
        return line(f"the judge refuses: {refusal}")
    if type(error).__name__ == "IncompleteOutputException":
        return "the judge's reply was cut off: raise `max_tokens` in the judge's parameters"
    return line(f"the judge's reply is of no use: {error}")


def no_number(metric: str, refusal: str) -> str:
    """Why ragas gave no number."""
    if refusal:
        return line(f"the judge refuses: {refusal}")
    if metric == "groundedness":
        return "the judge's replies hold no rating of 0, 1 or 2"
    return "the judge's replies name nothing to count, so there is no number"
