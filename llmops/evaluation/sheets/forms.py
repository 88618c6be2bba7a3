"""The form of canonical rows as a regular expression: one match proves what parsing and spelling again would.

Rules, in order:

1. A canonical row (`evidence.dump`) is regular: its keys stand in one order, its strings have one spelling, nothing
   nests without end. `Form` is the expression for rows with given metrics; what it matches, `evidence.parse_row` takes.
   It is not the other way round: several judgements of an answer, tool calls, integers of more than 15 digits and
   numbers with an exponent match no form. `parse_row` decides about those.
2. Of numbers the expression knows the shape only: `numbers` tells whether each is the shortest spelling of its double.
3. A form is made of the metrics of a row that `parse_row` has taken, so their names are ASCII and in order.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Sequence
from json.encoder import encode_basestring

from llmops.documents import canonical

Groups = tuple[str | None, ...]

# Strings as `encode_basestring` spells them: a short escape where there is one, other controls as \u00xx, the rest raw.
_TEXT = r'[^"\\\x00-\x1f]*(?:\\(?:["\\bfnrt]|u00(?:0[0-7be-f]|1[0-9a-f]))[^"\\\x00-\x1f]*)*'
_SOME = rf'(?!"){_TEXT}'
_COUNT = "(?:0|[1-9][0-9]{0,14})"  # any 15 digits are below 2^53
_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]*[1-9])?"
_LIST = rf'\[(?:"{_TEXT}"(?:,"{_TEXT}")*)?\]'
_UNKNOWN = r'\["cost_usd"(?:,"tokens")?(?:,"latency_ms")?\]|\["tokens"(?:,"latency_ms")?\]|\["latency_ms"\]'
_SPENDING = ("calls", "input_tokens", "latency_ms", "nano_usd", "output_tokens")
_SPENT = r'"spent":\{' + ",".join(f'"{name}":{_COUNT}' for name in _SPENDING) + r"\}"
_SCORE = (
    rf':\{{(?:"judge":"({_SOME})",)?'
    rf'(?:(?:"reason":"{_SOME}",)?(?:{_SPENT},)?"value":"({_NUMBER})"'
    rf'|"missing":"(not_applicable|unmeasured)"(?:,"reason":"({_SOME})")?(?:,{_SPENT})?)\}}'
)
_HEAD = (
    rf'\{{"answer":"{_TEXT}","case":"({_TEXT})",(?:"finish_reason":"{_SOME}",)?"group":"{_TEXT}",'
    rf'"input_digest":"{_TEXT}","latency_ms":({_COUNT}),"must_pass":(true|false),"nano_usd":({_COUNT}),'
    rf'"repeat":({_COUNT}),"request_digest":"({_TEXT})","retrieved":{_LIST},"scores":\{{'
)
_TAIL = (
    rf'\}},"slices":{_LIST},"tokens":\{{"input":({_COUNT}),"output":({_COUNT})\}}'
    rf'(?:,"ttft_ms":({_COUNT}))?(?:,"unknown":({_UNKNOWN}))?\}}'
)
# Where the groups of a row stand: before the scores, of each score, and after them.
CASE, LATENCY, MUST_PASS, NANO_USD, REPEAT, REQUEST, SCORES = range(7)
JUDGE, VALUE, ABSENCE, REASON, A_SCORE = range(5)
INPUT, OUTPUT, TTFT, UNKNOWN = range(-4, 0)


class Form:
    """The expression for rows with these metrics, which are in the order of their names."""

    def __init__(self, metrics: Iterable[str]) -> None:
        self.metrics = tuple(metrics)
        scores = [re.escape(encode_basestring(name)) + _SCORE for name in self.metrics]
        self._match = re.compile(_HEAD + ",".join(scores) + _TAIL).fullmatch

    def groups(self, line: str) -> Groups | None:
        """What the line (without its end) says, or None where it does not have this form."""
        found = self._match(line)
        return found.groups() if found else None


def numbers(texts: Sequence[str | None]) -> array[float]:
    """The doubles that texts of the expression's shape spell, 0 for None. Raises: ValueError where one is not the
    shortest spelling of its double."""
    known: dict[str | None, float] = {text: float(text) for text in set(texts) if text is not None}
    for text, value in known.items():
        # Of this shape, what Python spells alike is canonical.
        if repr(value) != text and canonical.decimal(value) != text:
            raise ValueError(f"{text} is not how {value} is spelled")
    known[None] = 0.0
    return array("d", map(known.__getitem__, texts))
