"""Figures of how near an answer is to a reference text.

- `levenshtein`: insertions, deletions and replacements from one text to the other (Levenshtein 1966), counted in
  UTF-16 units as JavaScript counts characters.
- `rouge_n`: F1 of the unigrams that both hold, each as often as it stands in both (Lin, "ROUGE", 2004, section 2), in
  lower case, on tokens of the Penn Treebank's kind: punctuation and contractions (`do n't`, `dog 's`) apart.
- `bleu`: Papineni et al., "BLEU", 2002, section 2.3, up to four words, in lower case, on what stands between white
  space. Orders that the answer is too short for are left out and the rest weighed anew; an order without a match counts
  as 1e-7, so that a sentence alone has a figure.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

MOST_CELLS = 20_000_000
_NO_MATCH = 1e-7
_LONGEST_GRAM = 4


class TooLong(ValueError):
    """Texts whose comparison would take too long."""


def levenshtein(one: str, other: str, most: float) -> int | None:
    """The distance of two texts where it is at most `most`, else None. Raises: TooLong."""
    a, b = sorted((_units(one), _units(other)), key=len)
    if len(b) - len(a) > most:
        return None
    # Only the diagonal band of width `most` can hold a distance that small (Ukkonen 1985).
    band = min(int(most), len(b))
    if len(a) * (2 * band + 1) > MOST_CELLS:
        raise TooLong(f"texts of {len(a)} and {len(b)} characters are too long to compare")
    distance = _banded(a, b, band)
    return distance if distance <= most else None


def _units(text: str) -> Sequence[int]:
    return memoryview(text.encode("utf-16-le", "surrogatepass")).cast("H")


def _banded(a: Sequence[int], b: Sequence[int], band: int) -> int:
    far = len(a) + len(b) + 1
    before = [place if place <= band else far for place in range(len(b) + 1)]
    for row, unit in enumerate(a, start=1):
        low, high = max(1, row - band), min(len(b), row + band)
        now = [far] * (len(b) + 1)
        now[0] = row if row <= band else far
        for place in range(low, high + 1):
            replaced = before[place - 1] + (unit != b[place - 1])
            now[place] = min(replaced, before[place] + 1, now[place - 1] + 1)
        before = now
    return before[len(b)]


def rouge_n(answer: str, reference: str) -> float:
    """F1 of the shared unigrams, from 0 to 1."""
    found, wanted = Counter(tokens(answer.lower())), Counter(tokens(reference.lower()))
    shared = (found & wanted).total()
    return 2 * shared / (found.total() + wanted.total()) if shared else 0.0


_QUOTE = re.compile("``|''|\"")
_APART = (
    re.compile(r"\.{3}"),
    re.compile(r"[:,](?!\d)"),
    re.compile(r"[;@#$%&]"),
    re.compile(r"(?<=[^.])(?<!\b[A-Za-z]\.[A-Za-z])\.(?=[\])}>'\s]*$)"),
    re.compile(r"[?!]"),
    re.compile(r"[\][(){}<>]"),
    re.compile(r"--"),
)
_ENDINGS = (re.compile(r"(?<=[^'])'(?= )"), re.compile(r"'[sSmMdD](?= )"), re.compile(r"(?i:'ll|'re|'ve|n't)(?= )"))
_JOINED = re.compile(
    r"(?i)\b(can)(not)\b|\b(gim|lem)(me)\b|\b(gon|wan)(na)\b|\b(got)(ta)\b|\b(d)('ye)\b|('t)(is|was)\b"
)


def tokens(text: str) -> tuple[str, ...]:
    """The words and marks of a text. A quotation mark is one token, whether it opens or closes."""
    spaced = _QUOTE.sub(' " ', re.sub(r"\s+", " ", text).strip())
    for mark in _APART:
        spaced = mark.sub(lambda found: f" {found[0]} ", spaced)
    spaced = f" {spaced} "
    for ending in _ENDINGS:
        spaced = ending.sub(lambda found: f" {found[0]}", spaced)
    spaced = _JOINED.sub(lambda found: " ".join(part for part in found.groups() if part), spaced)
    return tuple(spaced.split())


def bleu(answer: str, references: Sequence[str]) -> float:
    """The figure of an answer against the nearest of its references, from 0 to 1."""
    words, others = answer.lower().split(), [reference.lower().split() for reference in references]
    if not words:
        return 0.0
    orders = [_precision(words, others, order) for order in range(1, min(_LONGEST_GRAM, len(words)) + 1)]
    mean = math.fsum(math.log(precision or _NO_MATCH) for precision in orders) / len(orders)
    return _brevity(len(words), [len(other) for other in others]) * math.exp(mean)


def _precision(words: Sequence[str], others: Sequence[Sequence[str]], order: int) -> float:
    """The share of the answer's n-grams that one reference holds, each at most as often as it does."""
    found = _grams(words, order)
    return max((found & _grams(other, order)).total() for other in others) / found.total()


def _grams(words: Sequence[str], order: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[place : place + order]) for place in range(len(words) - order + 1))


def _brevity(length: int, references: Sequence[int]) -> float:
    """The penalty of an answer that is shorter than the reference of nearest length (the shorter of two)."""
    nearest = min(references, key=lambda other: (abs(other - length), other))
    return 1.0 if length > nearest else math.exp(1 - nearest / length)
