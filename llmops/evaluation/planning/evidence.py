"""What evidence says about the noise of a metric: its scores by group, case, answer and judgement, and their price.

Rules, in order:

1. The evalset says which cases count and to which group they belong, as everywhere.
2. With `pass_at` a score is whether it passes. What several judgements of one answer decide together cannot be split
   then: their noise stays part of the answer's.
3. Differences of two versions on the same cases have the noise of both; what is left of them is how differently the
   versions do on the same case.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from llmops.documents.bars import reaches
from llmops.documents.evalsets import Case
from llmops.evaluation.evidence import COST, EvidenceRow
from llmops.evaluation.metrics import MetricInfo, applies
from llmops.evaluation.planning.components import NEGATIVE, Components, Part, estimate
from llmops.evaluation.planning.power import Price
from llmops.evaluation.pooling import case_mean, score_of

MOST_STEPS = 12
Rows = Mapping[str, Sequence[EvidenceRow]]
Tree = list[list[list[tuple[float, ...]]]]


def tree_of(info: MetricInfo, cases: Iterable[Case], rows: Rows, pass_at: float | None = None) -> Tree:
    """The scores by group, case, answer and judgement; cases without a score are left out."""
    groups: dict[tuple[bool, str], list[list[tuple[float, ...]]]] = {}
    for case in cases:
        answers = [_judged(row, info.name, pass_at) for row in rows.get(case.id, ())] if applies(info, case) else []
        found = [answer for answer in answers if answer]
        if found:
            groups.setdefault((bool(case.group), case.group or case.id), []).append(found)
    return list(groups.values())


def _judged(row: EvidenceRow, metric: str, pass_at: float | None) -> tuple[float, ...]:
    score = score_of(row, metric)
    if score is None or score.value is None:
        return ()
    if pass_at is not None:
        return (float(reaches(score.value, pass_at)),)
    return score.judged or (score.value,)


def paired_of(
    info: MetricInfo, cases: Sequence[Case], sides: tuple[Rows, Rows], pass_at: float | None = None
) -> Components | None:
    """The components of the differences between two versions; None where fewer than three cases have both."""
    groups: dict[tuple[bool, str], list[list[tuple[float, ...]]]] = {}
    both = [case for case in cases if applies(info, case)]
    shared = []
    for case in both:
        before, after = (case_mean(rows.get(case.id, ()), info.name, pass_at) for rows in sides)
        if before is not None and after is not None:
            groups.setdefault((bool(case.group), case.group or case.id), []).append([(before - after,)])
            shared.append(case)
    if len(shared) < 3:
        return None
    differences = estimate(list(groups.values()))
    trees = [tree_of(info, shared, rows, pass_at) for rows in sides]
    return _less_noise(differences, [(estimate(tree), *_depths(tree)) for tree in trees])


def _less_noise(differences: Components, sides: Sequence[tuple[Components, float, float]]) -> Components:
    """The differences with the noise of both sides in its own place."""
    if not all(own.generator.is_measured for own, _, _ in sides):
        return differences
    generator = math.fsum(own.generator.variance for own, _, _ in sides)
    judge = math.fsum(own.judge.variance for own, _, _ in sides)
    noise = math.fsum(own.generator.variance / k + own.judge.variance / (k * j) for own, k, j in sides)
    left = differences.case.variance - noise
    case = Part(variance=max(left, 0.0), note=NEGATIVE if left < 0 else "")
    first = sides[0][0]
    return replace(
        differences,
        case=case,
        generator=replace(first.generator, variance=generator),
        judge=replace(first.judge, variance=judge),
    )


def _depths(tree: Tree) -> tuple[float, float]:
    """How many answers a case has, and how many judgements an answer: harmonic means, as variances count them."""
    cases = [case for group in tree for case in group]
    answers = [answer for case in cases for answer in case]
    return (
        len(cases) / math.fsum(1 / len(case) for case in cases),
        len(answers) / math.fsum(1 / len(answer) for answer in answers),
    )


def steps_of(tree: Tree) -> int:
    """On how many equal steps from 0 to 1 all scores lie; 0 where on no small number of them."""
    values = {value for group in tree for case in group for answer in case for value in answer}
    for steps in range(1, MOST_STEPS + 1):
        if all(abs(value * steps - round(value * steps)) < 1e-9 for value in values):
            return steps
    return 0


def price_of(rows: Iterable[EvidenceRow], case_nano_usd: float = 0.0) -> Price:
    """What an answer and a judgement of it took on average when they were paid for."""
    answers = calls = judgements = 0
    nano, judged, priced = 0, 0, 0
    for row in rows:
        answers += 1
        if COST not in row.unknown:
            priced += 1
            nano += row.nano_usd
        judgements += max((len(score.judged) for score in row.scores.values()), default=0) or 1
        spent = [score.spent for score in row.scores.values() if score.spent]
        calls += sum(one.calls for one in spent)
        judged += sum(one.nano_usd for one in spent)
    if not answers:
        return Price(case_nano_usd=case_nano_usd)
    return Price(
        answer_nano_usd=nano / priced if priced else None,
        judgement_nano_usd=judged / judgements,
        case_nano_usd=case_nano_usd,
        judgement_calls=calls / judgements,
    )
