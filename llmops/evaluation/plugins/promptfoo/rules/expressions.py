r"""Regular expressions of JavaScript, in the spelling of Python.

Rules, in order:

1. What is spelled otherwise is spelled anew: `$` is the very end, `.` no line break of any kind, `\d \w \b` ASCII,
   `\s` every white space of ECMAScript, `(?<name>…)` and `\k<name>` groups with a name.
2. What one of the two languages does not have, or reads as something else, is refused by name. Better no assert than
   another one.
3. An expression that may take exponential time is refused (`documents.scanning.regexes`). What that lets pass is still
   the deadline's: whoever matches keeps one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmops.documents.scanning.regexes import slow

LONGEST = 2_000
_SPACES = "\\t\\n\\v\\f\\r \\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000\\ufeff"
_ANY = "[^\\n\\r\\u2028\\u2029]"
_TOKEN = re.compile(
    r"\\k<(?P<back>\w+)>|\\(?P<escape>.)|\(\?<(?P<name>[A-Za-z_]\w*)>|(?P<group>\(\?(?:[:=!]|<[=!]))|(?P<odd>\(\?)"
    r"|(?P<quantity>\{\d+(?:,\d*)?\}|[*+?])(?P<more>[+*])?|(?P<plain>.)",
    re.DOTALL,
)
# Letters that mean the same in both languages.
_SAME_ESCAPES = "bdDfnrtvwW"


class Refused(ValueError):
    """An expression that is not taken over; the text says why."""


def to_python(pattern: str) -> str:
    """The expression as `re` reads it, with the flag ASCII. Raises: Refused."""
    if len(pattern) > LONGEST:
        raise Refused(f"the expression has {len(pattern)} characters, at most {LONGEST} are taken")
    spelled = "".join(_pieces(pattern))
    try:
        re.compile(spelled, re.ASCII)
    except (re.error, RecursionError, OverflowError) as error:
        raise Refused(f"the expression cannot be read: {error}") from error
    why = slow(spelled)
    if why:
        raise Refused(f"the expression {why}")
    return spelled


def _pieces(pattern: str) -> Iterator[str]:
    place = 0
    while place < len(pattern):
        if pattern[place] == "[":
            spelled, place = _class(pattern, place)
            yield spelled
            continue
        found = _TOKEN.match(pattern, place)
        if found is None:  # `plain` matches every character
            return
        yield _piece(found, pattern, place)
        place = found.end() + (4 if found["escape"] == "u" else 2 if found["escape"] == "x" else 0)


def _piece(found: re.Match[str], pattern: str, place: int) -> str:
    if found["more"]:
        raise Refused(f"`{found[0]}` is no repeat in JavaScript")
    if found["odd"]:
        raise Refused(f"`{pattern[place : place + 3]}` is no group in JavaScript")
    if found["back"]:
        return f"(?P={found['back']})"
    if found["name"]:
        return f"(?P<{found['name']}>"
    if found["escape"]:
        return _escape(found["escape"], pattern, place, in_class=False)
    plain = found["plain"]
    if plain == "\\":
        raise Refused("a backslash stands at the end")
    return {".": _ANY, "$": r"\Z", "{": r"\{", "}": r"\}"}.get(plain, found[0]) if plain else found[0]


def _escape(letter: str, pattern: str, place: int, *, in_class: bool) -> str:
    if letter == "s":
        return _SPACES if in_class else f"[{_SPACES}]"
    if letter == "S" and not in_class:
        return f"[^{_SPACES}]"
    if letter == "B" and not in_class:
        return r"(?!\b)"  # Python finds no \B in an empty text
    if letter in "ux":
        digits = pattern[place + 2 : place + (6 if letter == "u" else 4)]
        if re.fullmatch("[0-9a-fA-F]{4}" if letter == "u" else "[0-9a-fA-F]{2}", digits):
            return f"\\{letter}{digits}"
    if letter in _SAME_ESCAPES:
        return f"\\{letter}"
    if letter.isdigit() and not in_class:
        return f"\\{letter}" if letter != "0" else r"\x00"
    if letter.isalnum():
        raise Refused(f"`\\{letter}` is read otherwise by the two languages")
    return re.escape(letter)


def _class(pattern: str, start: int) -> tuple[str, int]:
    """The set that opens at `start`, and where it ends."""
    is_negated = pattern.startswith("[^", start)
    place = start + 1 + is_negated
    parts = ["[^" if is_negated else "["]
    while place < len(pattern) and pattern[place] != "]":
        if pattern[place] == "\\" and place + 1 < len(pattern):
            letter = pattern[place + 1]
            parts.append(_escape(letter, pattern, place, in_class=True))
            place += {"u": 6, "x": 4}.get(letter, 2)
        else:
            # Python gives a meaning to come to `[`, `&&`, `||` and `~~` within a set.
            parts.append(f"\\{pattern[place]}" if pattern[place] in "[&|~" else pattern[place])
            place += 1
    if place >= len(pattern):
        raise Refused("a set is not closed")
    if len(parts) == 1:
        raise Refused("a set is empty")
    return f"{''.join(parts)}]", place + 1
