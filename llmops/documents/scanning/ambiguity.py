"""Whether a regular expression can be read in so many ways that `re`, which tries them one by one, takes for ever.

Rules, in order:

1. The expression becomes an automaton (`automata`). Two walks that read the same text are found in the product of the
   automaton with itself (Weber and Seidl 1991, "On the degree of ambiguity of finite automata").
2. Two walks from a position back to itself: every round doubles the work. Refused: `(a+)+`, `(a|aa)+`.
3. A loop that can hand over to a later loop on the same text multiplies the work by the text's length. A few may
   stand in a row, no more: `a*a*a*a*b` is refused. A choice outside loops multiplies it by a constant, bounded, too.
4. What cannot be decided within bounds is refused, too.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from llmops.documents.scanning.automata import MOST_EDGES, Automaton, Idle, TooLarge

LOOPS_IN_A_ROW = 3
CHOICES = 4096
MOST_PAIRS = 20_000


def problem(pattern: str) -> str:
    """Why an expression may take for ever on some text; "" where it does not, or is no expression at all."""
    import re

    try:
        return _problem(import_module("re._parser").parse(pattern))
    except TooLarge:
        return "is too large to be judged"
    except Idle:
        return "repeats what may take no text at all"
    except (re.error, RecursionError, OverflowError):
        return ""


def _problem(parsed: Any) -> str:
    automaton = Automaton(parsed)
    found = _walks(automaton)
    return found or next(filter(None, map(_problem, automaton.apart)), "")


def _walks(automaton: Automaton) -> str:
    pairs = _pairs(automaton)
    if pairs is None:
        return ""
    rooms = _components(pairs)
    if _is_exponential(automaton, rooms):
        return "can repeat the same text in several ways: an answer could keep it busy for hours"
    own = _components({at: tuple(follow) for at, follow in enumerate(automaton.follow)})
    loops = _in_a_row(automaton, pairs, rooms, own)
    if loops > LOOPS_IN_A_ROW:
        return f"has more than {LOOPS_IN_A_ROW} repeats in a row that take the same text"
    # Each is multiplied by the other: the more loops, the fewer choices.
    if _choices(automaton, own) > CHOICES // 16 ** max(0, loops - 1):
        return "has too many choices in a row that begin with the same text"
    return ""


Pair = tuple[int, int]


def _pairs(automaton: Automaton) -> dict[Pair, tuple[Pair, ...]] | None:
    """The product of the automaton with itself, as far as two walks that part can come; None where none part."""
    edges: dict[Pair, tuple[Pair, ...]] = {}
    waiting: list[Pair] = [(at, at) for at in range(len(automaton.sets))]
    seen, steps, parts = set(waiting), 0, False
    while waiting:
        one, other = here = waiting.pop()
        steps += len(automaton.follow[one]) * len(automaton.follow[other])
        if len(seen) > MOST_PAIRS + len(automaton.sets) or steps > 10 * MOST_EDGES:
            raise TooLarge
        found = {
            (min(a, b), max(a, b))
            for a in automaton.follow[one]
            for b in automaton.follow[other]
            if automaton.shared(a, b)
        }
        parts = parts or any(a != b for a, b in found) or max(automaton.follow[one].values(), default=0) > 1
        edges[here] = tuple(found)
        waiting.extend(found - seen)
        seen |= found
    return edges if parts else None


def _is_exponential(automaton: Automaton, rooms: dict[Pair, int]) -> bool:
    """True where two walks leave a position and meet again at it."""
    kinds: dict[int, set[bool]] = defaultdict(set)
    for pair, room in rooms.items():
        kinds[room].add(pair[0] == pair[1])
    if any(len(kind) > 1 for kind in kinds.values()):
        return True
    return any(
        count > 1 and rooms[(at, at)] == rooms[(after, after)]
        for at, follow in enumerate(automaton.follow)
        for after, count in follow.items()
    )


def _in_a_row(
    automaton: Automaton, pairs: Mapping[Pair, tuple[Pair, ...]], rooms: dict[Pair, int], own: dict[int, int]
) -> int:
    """The most loops of which each can hand over to the next on the same text."""
    looping = {own[at] for at, follow in enumerate(automaton.follow) for after in follow if own[after] == own[at]}
    handed: dict[int, set[int]] = defaultdict(set)
    for pair, after in pairs.items():
        first, second = sorted((own[pair[0]], own[pair[1]]), reverse=True)
        if first != second and any(rooms[each] == rooms[pair] for each in after):
            handed[first].add(second)
    longest: dict[int, int] = {}
    # Components are numbered from the end: whoever follows has the lower number.
    for room in sorted(looping):
        longest[room] = 1 + max((longest.get(each, 0) for each in handed[room]), default=0)
    return max(longest.values(), default=0)


def _choices(automaton: Automaton, own: dict[int, int]) -> int:
    """An upper bound of the walks on one text that choices outside loops come to."""
    members: dict[int, list[int]] = defaultdict(list)
    for at, room in own.items():
        members[room].append(at)
    ways: dict[int, int] = {}
    for room in sorted(members):
        ways[room] = max(_fan(automaton, own, ways, at) for at in members[room])
    return ways[own[0]]


def _fan(automaton: Automaton, own: dict[int, int], ways: dict[int, int], at: int) -> int:
    outside = {after: n * ways[own[after]] for after, n in automaton.follow[at].items() if own[after] != own[at]}
    most = max((sum(n for b, n in outside.items() if automaton.shared(a, b)) for a in outside), default=1)
    return min(max(1, most), CHOICES + 1)


def _components(edges: Any) -> dict[Any, int]:
    """The strongly connected components of a graph, numbered so that edges lead to lower numbers (Tarjan 1972)."""
    index: dict[Any, int] = {}
    low: dict[Any, float] = {}
    room: dict[Any, int] = {}
    path: list[Any] = []
    for start in edges:
        if start in index:
            continue
        work = [(start, iter(edges[start]))]
        index[start] = len(index)
        low[start] = index[start]
        path.append(start)
        while work:
            node, following = work[-1]
            after = next(following, None)
            if after is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    _close(node, path, room, low)
            elif after not in index:
                index[after] = len(index)
                low[after] = index[after]
                path.append(after)
                work.append((after, iter(edges[after])))
            else:
                low[node] = min(low[node], low[after])
    return room


def _close(node: Any, path: list[Any], room: dict[Any, int], low: dict[Any, float]) -> None:
    # A room is named by how many nodes were in one before: growing, and free to count.
    number = len(room)
    while True:
        each = path.pop()
        room[each] = number
        low[each] = math.inf
        if each == node:
            return
