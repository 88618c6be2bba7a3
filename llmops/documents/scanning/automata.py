"""The automaton of positions of a regular expression (Glushkov 1961): which characters each position takes, which may
follow it, and in how many ways.

Rules, in order:

1. Characters are samples: ASCII, what the expression names with its neighbours, and a few of each kind beyond.
2. Short repeats are written out; above a bound they are taken for endless ones.
3. Look-arounds are kept apart, to be judged by themselves; a back reference may be any text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

COPIES = 16
MOST_POSITIONS = 2000
MOST_EDGES = 200_000
_OTHERS = "éß٠中\u2028\u00a0\U0001f600ſK"
_CATEGORIES = {"CATEGORY_DIGIT": r"\d", "CATEGORY_SPACE": r"\s", "CATEGORY_WORD": r"\w"}
_CATEGORIES |= {name.replace("Y_", "Y_NOT_"): text.upper() for name, text in _CATEGORIES.items()}
_REPEATS = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")


_WITHOUT_WIDTH = ("AT", "ASSERT", "ASSERT_NOT")


class TooLarge(Exception):
    """More than can be looked through."""


class Idle(Exception):
    """A repeat of what may read nothing: `re` goes round in it without getting on."""


@dataclass(slots=True, kw_only=True)
class _Part:
    """A part of the automaton: how it begins and ends (position to number of ways), and the ways to read nothing."""

    first: Counter[int] = field(default_factory=Counter)
    last: Counter[int] = field(default_factory=Counter)
    empty: int = 0


class Automaton:
    """Positions with the sets of sample characters that they take (bits), and who follows whom in how many ways."""

    def __init__(self, parsed: Any) -> None:
        self.sets: list[int] = [0]
        self.follow: list[Counter[int]] = [Counter()]
        self.apart: list[Any] = []
        self._edges = 0
        self._depth = 0
        self._folds = _folds(parsed)
        self._samples = _samples(parsed)
        whole = self._sequence(parsed)
        self.follow[0] = whole.first

    def _position(self, takes: int) -> _Part:
        if len(self.sets) > MOST_POSITIONS:
            raise TooLarge
        self.sets.append(takes)
        self.follow.append(Counter())
        at = len(self.sets) - 1
        return _Part(first=Counter({at: 1}), last=Counter({at: 1}))

    def _link(self, lasts: Counter[int], firsts: Counter[int]) -> None:
        self._edges += len(lasts) * len(firsts)
        if self._edges > MOST_EDGES:
            raise TooLarge
        for last, ends in lasts.items():
            for first, begins in firsts.items():
                self.follow[last][first] += ends * begins

    def _sequence(self, parsed: Any) -> _Part:
        whole = _Part(empty=1)
        for operation, argument in parsed:
            whole = self._joined(whole, self._one(str(operation), argument))
        return whole

    def _joined(self, left: _Part, right: _Part) -> _Part:
        self._link(left.last, right.first)
        return _Part(
            first=left.first + _times(right.first, left.empty),
            last=right.last + _times(left.last, right.empty),
            empty=left.empty * right.empty,
        )

    def _either(self, parts: Sequence[_Part]) -> _Part:
        whole = _Part()
        for part in parts:
            whole = _Part(first=whole.first + part.first, last=whole.last + part.last, empty=whole.empty + part.empty)
        return whole

    def _one(self, operation: str, argument: Any) -> _Part:
        if operation in _REPEATS:
            return self._repeat(int(argument[0]), int(argument[1]), argument[2])
        if operation == "BRANCH":
            return self._either([self._sequence(each) for each in argument[1]])
        if operation in ("SUBPATTERN", "ATOMIC_GROUP"):
            return self._sequence(argument[-1] if operation == "SUBPATTERN" else argument)
        if operation in ("ASSERT", "ASSERT_NOT"):
            self.apart.append(argument[1])
            return _Part(empty=1)
        if operation == "AT":
            return _Part(empty=1)
        if operation == "GROUPREF":
            return self._endless(self._position(-1), 0)
        if operation == "GROUPREF_EXISTS":
            return self._either([self._sequence(each or ()) for each in argument[1:]])
        return self._position(_bits(operation, argument, self._samples, is_folded=self._folds))

    def _repeat(self, least: int, most: int, body: Any) -> _Part:
        if most > 1 and body.getwidth()[0] == 0 and (least > 1 or _looks(body)) and not self._is_lone(least, body):
            raise Idle
        self._depth += 1
        part = self._rounds(least, most, body)
        self._depth -= 1
        return part

    def _is_lone(self, least: int, body: Any) -> bool:
        """A repeat of a look-around alone, inside no other: it is tried twice at most."""
        return self._depth == 0 and least <= 1 and body.getwidth()[1] == 0

    def _rounds(self, least: int, most: int, body: Any) -> _Part:
        copies = most * _copies(body)
        if copies > COPIES:
            return self._endless(self._sequence(body), least)
        # x{1,3} is x(x(x)?)?: `re` tries a further round only after the one before.
        whole = _Part(empty=1)
        for at in reversed(range(most)):
            whole = self._joined(self._sequence(body), whole)
            whole.empty += at >= least
        return whole

    def _endless(self, part: _Part, least: int) -> _Part:
        self._link(part.last, part.first)
        # A round that reads nothing ends the repeat, after or instead of others.
        return _Part(first=part.first, last=part.last, empty=(least == 0) + 2 * part.empty)

    def shared(self, one: int, other: int) -> int:
        return self.sets[one] & self.sets[other]


def _times(ways: Counter[int], factor: int) -> Counter[int]:
    return Counter({at: count * factor for at, count in ways.items()}) if factor else Counter()


def _copies(parsed: Any) -> int:
    """How often the innermost part stands in an expression once its short repeats are written out."""
    most = 1
    for operation, argument in parsed:
        times = int(argument[1]) if str(operation) in _REPEATS else 1
        inside = max((_copies(part) for part in _subpatterns(argument)), default=1)
        most = max(most, inside * times if inside * times <= COPIES else 1)
    return most


def _looks(parsed: Any) -> bool:
    """True where an expression looks around itself without taking text."""
    return any(
        str(operation) in _WITHOUT_WIDTH or any(_looks(part) for part in _subpatterns(argument))
        for operation, argument in parsed
    )


def _subpatterns(argument: Any) -> Iterator[Any]:
    if type(argument).__name__ == "SubPattern":
        yield argument
    elif isinstance(argument, tuple | list):
        for item in argument:
            yield from _subpatterns(item)


def _literals(parsed: Any) -> Iterator[int]:
    """Every character that the expression names, with its neighbours."""
    for operation, argument in parsed:
        name = str(operation)
        if name in ("LITERAL", "NOT_LITERAL"):
            yield from (argument - 1, argument, argument + 1)
        elif name == "RANGE":
            yield from (argument[0] - 1, argument[0], argument[1], argument[1] + 1)
        elif name == "IN":
            yield from _literals(argument)
        for part in _subpatterns(argument):
            yield from _literals(part)


def _samples(parsed: Any) -> tuple[str, ...]:
    named = {code for code in _literals(parsed) if 127 < code <= 0x10FFFF}
    return tuple(map(chr, (*range(128), *sorted(named | {ord(each) for each in _OTHERS}))))


def _folds(parsed: Any) -> bool:
    ignorecase = 2
    flags = getattr(getattr(parsed, "state", None), "flags", 0)
    own = any(str(operation) == "SUBPATTERN" and argument[1] & ignorecase for operation, argument in parsed)
    inside = (part for _, argument in parsed for part in _subpatterns(argument))
    return bool(flags & ignorecase) or own or any(_folds(part) for part in inside)


def _bits(operation: str, argument: Any, samples: Sequence[str], *, is_folded: bool) -> int:
    bits = 0
    for at, char in enumerate(samples):
        spellings = {char, char.lower()[:1], char.upper()[:1]} if is_folded else (char,)
        bits |= any(_takes(operation, argument, one) for one in spellings) << at
    return bits


def _takes(operation: str, argument: Any, char: str) -> bool:
    if operation == "LITERAL":
        return ord(char) == int(argument)
    if operation == "NOT_LITERAL":
        return ord(char) != int(argument)
    if operation == "RANGE":
        return bool(argument[0] <= ord(char) <= argument[1])
    if operation == "CATEGORY":
        return _is_of(_CATEGORIES[str(argument)], char)
    if operation == "IN":
        is_negated = bool(argument) and str(argument[0][0]) == "NEGATE"
        return any(_takes(str(op), arg, char) for op, arg in argument[is_negated:]) != is_negated
    return True


def _is_of(category: str, char: str) -> bool:
    kind = {"d": char.isdecimal(), "s": char.isspace(), "w": char.isalnum() or char == "_"}[category[1].lower()]
    return kind != category[1].isupper()
