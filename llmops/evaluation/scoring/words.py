"""Text as rules see it: citation markers, sentences, and terms that two texts may share.

Rules, in order:

1. Citation markers (`[1]`, `[2, 3]`, `[1-3]`) belong to the sentence they follow, and are no part of its words.
2. Numbers are values: `6.25%` and `6.25 percent`, `$1,000` and `1000`, `two hundred` and `200` are the same terms.
3. Words are folded (case, accents, possessives) and stripped of the commonest English endings; words that carry no
   content are dropped. No word list or weight here was fitted to data.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

MARKER = re.compile(r"\[\s*(\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*)\s*\]")

_MARKERS_AFTER_STOP = re.compile(r"([.!?])((?:\s{0,3}\[\s*\d[\d\s,;–-]{0,30}\])+)")
_ABBREVIATION = re.compile(
    r"(?:\b(?:mr|mrs|ms|dr|prof|st|no|nos|vs|etc|inc|ltd|co|corp|approx|fig|sec|jan|feb|mar|apr|jun"
    r"|jul|aug|sep|sept|oct|nov|dec|e\.g|i\.e)|\b[a-z](?:\.[a-z])*)\.$",
    re.IGNORECASE,
)
_STOP = re.compile(r"[.!?]+[\"')\]’”]*(?=\s)")
_BULLET = re.compile(r"^\s*(?:[-*•>#]+|\d{1,2}[.)])\s+")
_TOKEN = re.compile(r"\d+(?:[,.]\d+)*|[^\W\d_]+(?:['’.&][^\W\d_]+)*", re.UNICODE)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split())


STOPWORDS = frozenset(
    _listed(
        """a about above after again all also although am among an and any are as at be because been before being below
    between both but by can could did do does doing done down during each either else etc even every few for from
    further get gets give given gives go goes had has have having he her here hers him his how however i if in into
    is it its itself just less let like made make makes many may me might mine more most much must my neither no nor
    not now of off often on only onto or other others otherwise our ours out over own per please rather same shall
    she should since so some such than that the their theirs them then there therefore these they this those though
    through thus to too toward under unless until up upon use used uses using usually very via was we well were
    what when where whether which while who whom whose why will with within without would yes yet you your yours
    s t don doesn didn isn aren wasn weren won wouldn couldn shouldn hasn haven ll ve re d m mr mrs ms dr"""
    )
)
# Words by which an answer speaks of its own sources and form, not of the world.
FRAME_WORDS = frozenset(
    _listed("""according above answer answers based below context contexts document documents excerpt excerpts following
    information mention mentioned mentions passage passages provided question says source sources state stated states
    text""")
)
_TITLES = frozenset(_listed("mr mrs ms dr prof st"))
# "May" is a word besides; as a month it is found as a name.
MONTHS = frozenset(_listed("january february march april june july august september october november december"))

_UNITS = {
    word: value
    for value, word in enumerate(
        _listed("""zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
        seventeen eighteen nineteen""")
    )
}
_TENS = {
    word: 10 * value for value, word in enumerate(_listed("twenty thirty forty fifty sixty seventy eighty ninety"), 2)
}
_SCALES = {"hundred": 100, "thousand": 1_000, "million": 10**6, "billion": 10**9, "trillion": 10**12}


@dataclass(frozen=True, slots=True)
class Term:
    """One word or number that carries content. `key` is what is compared, `text` what was written."""

    key: str
    text: str
    is_number: bool = False
    is_name: bool = False


def without_markers(text: str) -> str:
    """The text without its citation markers."""
    return MARKER.sub("", text)


@lru_cache(maxsize=1_024)
def sentences(text: str) -> tuple[str, ...]:
    """The sentences of an answer with their citation markers; list items and lines count as sentences."""
    tidy = _MARKERS_AFTER_STOP.sub(lambda match: f"{match[2]}{match[1]}", text)
    pieces = (piece for line in tidy.splitlines() for piece in _split(_BULLET.sub("", line)))
    return tuple(piece.strip() for piece in pieces if any(character.isalnum() for character in without_markers(piece)))


def _split(line: str) -> Iterator[str]:
    start = 0
    for stop in _STOP.finditer(line):
        head = line[start : stop.end()]
        if stop[0] == "." and _ABBREVIATION.search(head[-12:]):
            continue
        yield head
        start = stop.end()
    yield line[start:]


# One passage is read for many answers, and every answer by several metrics.
@lru_cache(maxsize=4_096)
def terms(text: str) -> tuple[Term, ...]:
    """The terms of a text in order, without words that carry no content."""
    return tuple(
        term for term in _numbers_joined(_tokens(without_markers(text))) if term.is_number or not _is_empty(term)
    )


def fold(text: str) -> str:
    """The text in lower case, with accents and typographic variants taken away."""
    if text.isascii():
        return text.casefold()
    decomposed = unicodedata.normalize("NFKD", text).replace("’", "'")
    return "".join(character for character in decomposed if not unicodedata.combining(character)).casefold()


def _tokens(text: str) -> Iterator[tuple[str, bool]]:
    """Each token and whether it begins a sentence; `%` is spelled out, hyphens separate."""
    spelled = text.replace("%", " percent ")
    opens, end, before = True, 0, ""
    for match in _TOKEN.finditer(spelled):
        between = spelled[end : match.start()]
        if before not in _TITLES and any(mark in between for mark in '.!?:\n"“'):
            opens = True
        yield match[0], opens
        opens, end, before = False, match.end(), match[0].casefold()


def _numbers_joined(tokens: Iterator[tuple[str, bool]]) -> Iterator[Term]:
    """Terms, with number words and scales (`two hundred`, `1.5 million`) put together into values."""
    total, part, written = Decimal(0), None, ""
    for token, opens in tokens:
        value = _number(token)
        scale = _SCALES.get(fold(token))
        if scale is not None and part is not None:
            part *= scale
            total, part = (total + part, Decimal(0)) if scale >= 1000 else (total, part)
            written += f" {token}"
        elif value is not None and part is not None and _continues(part, value, token):
            part, written = part + value, f"{written} {token}"
        else:
            if part is not None:
                yield _number_term(total + part, written)
            total, part, written = Decimal(0), value, token
            if value is None:
                yield _word_term(token, opens)
    if part is not None:
        yield _number_term(total + part, written)


def _number(token: str) -> Decimal | None:
    if token[0].isdigit():
        return _digits(token)
    word = fold(token)
    found = _UNITS.get(word, _TENS.get(word))
    return None if found is None else Decimal(found)


def _digits(token: str) -> Decimal | None:
    """`1,000.50` as a value; `3.1.4` and the like are no numbers and compare as they are written."""
    plain = re.sub(r",(?=\d{3}(?!\d))", "", unicodedata.normalize("NFKC", token))
    return Decimal(plain) if re.fullmatch(r"[0-9]+(?:\.[0-9]+)?", plain) else None


def _continues(part: Decimal, value: Decimal, token: str) -> bool:
    """True for `five` after `twenty` or after `two hundred`: number words only, and only to smaller places."""
    if token[0].isdigit() or part != part.to_integral_value():
        return False
    whole = int(part)
    if whole == 0 or whole % 100 == 0:
        return value < 100
    return whole % 10 == 0 and whole % 100 >= 20 and value < 10


def _number_term(value: Decimal, written: str) -> Term:
    return Term(key=f"{value.normalize():f}", text=written, is_number=True)


@lru_cache(maxsize=16_384)
def _word_term(token: str, opens: bool) -> Term:
    word = re.sub(r"'s?$", "", fold(token)).replace(".", "")
    is_name = token[0].isupper() and (not opens or (len(token) > 1 and token.isupper()))
    return Term(key=stem(word), text=token, is_number=word[:1].isdigit(), is_name=is_name or word in MONTHS)


def _is_empty(term: Term) -> bool:
    word = re.sub(r"'.*$", "", fold(term.text))
    return word in STOPWORDS or word in FRAME_WORDS or (len(word) < 2 and not term.is_name)


def stem(word: str) -> str:
    """The word without the commonest English endings: plural and third person, -ing, -ed, -ly, and a last e."""
    if len(word) <= 3 or not word.isascii():
        return word
    word = _singular(word)
    for ending in ("ing", "ed", "ly"):
        rest = word.removesuffix(ending)
        if rest != word and len(rest) >= 3 and any(vowel in rest for vowel in "aeiouy"):
            word = rest[:-1] if ending != "ly" and rest[-1] == rest[-2] and rest[-1] not in "lsz" else rest
            break
    return word.removesuffix("e") if len(word) > 4 else word


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
