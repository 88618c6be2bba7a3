"""The door for text that somebody else wrote: one function a target, and nothing is shown without passing one.

Model replies, documents, names and reasons are data. On a terminal they could move the cursor, recolour the screen or
reverse the reading order.
"""

from __future__ import annotations

import json
import re
from functools import cache

# C0 and C1 controls (line feed and tab kept), bidirectional controls, zero-width and tag characters.
_HOSTILE = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"


def terminal(text: str) -> str:
    """`text` with every control and invisible character spelled out (`\\x1b`), line feeds and tabs kept."""
    if text.isprintable():  # none of the above is; most texts never need the expression, which takes 5 ms to compile
        return text
    return _hostile().sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


@cache
def _hostile() -> re.Pattern[str]:
    return re.compile(_HOSTILE)


def json_text(text: str) -> str:
    """JSON that a terminal may show: the same characters as `terminal`, spelled as JSON escapes."""
    return _hostile().sub(lambda match: json.dumps(match[0])[1:-1], text)


def one_line(text: str, limit: int = 0) -> str:
    """`terminal(text)` on one line, cut to `limit` characters (0: uncut) with an ellipsis."""
    line = " ".join(terminal(text).split())
    return line if not limit or len(line) <= limit else line[: limit - 1].rstrip() + "…"
