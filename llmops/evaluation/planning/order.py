"""In which order cases are run where a run may stop early: drawn, and nobody's choice.

Rules, in order:

1. The order is a permutation, seeded by the digests of the evalset and of the behaviour. Whoever runs the evaluation
   cannot choose it, and another run of the same release meets the cases in the same order.
2. What is drawn are units: a group with all its cases (they share a source), or a case without a group. Cases that
   are evaluated may end only where a unit ends.
3. Units that hold a case which must pass are run first: one failure among them decides alone. They are no random
   sample, so `drawn` keeps the permutation as it was before they were moved.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from itertools import accumulate

from llmops.documents.evalsets import Case, Evalset


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """`units` are the ids of the cases of each unit, in the order in which they are run; the first `leading` units hold
    a case that must pass. `drawn` are places in `units`, in the order in which units were drawn."""

    units: tuple[tuple[str, ...], ...]
    leading: int
    drawn: tuple[int, ...]

    @property
    def cases(self) -> tuple[str, ...]:
        """The ids in the order in which they are run."""
        return tuple(case for unit in self.units for case in unit)

    @property
    def ends(self) -> tuple[int, ...]:
        """Numbers of cases after which a unit is complete."""
        return tuple(accumulate(len(unit) for unit in self.units))

    @property
    def lead(self) -> int:
        """How many cases stand first because their unit holds one that must pass."""
        return sum(len(unit) for unit in self.units[: self.leading])

    def prefix_of(self, cases: Collection[str]) -> int | None:
        """How many units `cases` (ids) are, where they are exactly the first of them; else None."""
        known, count = set(cases), 0
        for at, unit in enumerate(self.units):
            if count == len(known):
                return at
            if not known.issuperset(unit):
                return None
            count += len(unit)
        return len(self.units) if count == len(known) else None


def of(evalset: Evalset, behaviour_digest: str) -> Order:
    """The order in which this behaviour meets the cases of this evalset."""
    seed = hashlib.sha256(f"order of cases\n{evalset.digest}\n{behaviour_digest}".encode()).digest()
    units: dict[tuple[bool, str], list[Case]] = {}
    for case in evalset.cases:
        units.setdefault((bool(case.group), case.group or case.id), []).append(case)
    drawn = sorted(units, key=lambda unit: _lot(seed, unit))
    # Sorting is stable: among themselves both kinds stay as they were drawn.
    run = sorted(drawn, key=lambda unit: not any(case.must_pass for case in units[unit]))
    places = {unit: at for at, unit in enumerate(run)}
    return Order(
        units=tuple(tuple(sorted(case.id for case in units[unit])) for unit in run),
        leading=sum(any(case.must_pass for case in units[unit]) for unit in run),
        drawn=tuple(places[unit] for unit in drawn),
    )


def _lot(seed: bytes, unit: tuple[bool, str]) -> tuple[bytes, str]:
    """What a unit is sorted by: a keyed hash of its name, as good as drawn to whoever cannot choose the seed."""
    is_group, name = unit
    kind = b"group\n" if is_group else b"case\n"
    return hashlib.blake2b(kind + name.encode(), key=seed, digest_size=16).digest(), name
