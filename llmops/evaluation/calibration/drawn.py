"""A rate corrected by labels that were drawn from the very run: prediction-powered, stratified by the judge's verdict.

The judge's verdict on every answer is known, people's on a draw from each of the two strata. In a stratum the rate is
the labelled mean, moved by what the judge's scores say of the rest, with a weight that is tuned where thirty labels
can tune it. With verdicts of 0 and 1 nothing is left to move: the estimate is the stratified mean. It is right
however wrong the judge is; a good judge makes it narrow.

The interval is Wilson's at the effective number of cases, for the population that the cases were drawn from: the
variance is that of two-phase sampling, by cluster, so labelling every answer leaves the spread of the cases alone.

Sources. A. N. Angelopoulos, J. C. Duchi, T. Zrnic, "PPI++: Efficient prediction-powered inference", arXiv:2311.01453
(2023), on power tuning. A. Fisch et al., "Stratified prediction-powered inference for hybrid language
model evaluation", arXiv:2406.04291 (2024). Two phases: W. G. Cochran, "Sampling Techniques", 3rd ed. (1977),
sections 12.2 and 12.7. Unseen errors: A. Agresti, B. A. Coull, The American Statistician 52 (1998): one success and one
failure are added to a stratum before its variance is taken.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

from llmops.documents.labels import LEAST
from llmops.evaluation.calibration.calibrations import Calibration, Judged, cluster_of
from llmops.evaluation.calibration.weighing import discounted, spread

TUNED_FROM = 30
_NOTHING = 1e-15


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """Answers of one verdict. `size` is the share of the run they stand for, `rate` what people pass of them, `middle`
    the judge's mean score, `slope` how much of a score above it counts, `stands_for` the weight of a labelled answer.
    """

    size: float
    rate: float
    labelled: int
    answers: int
    middle: float
    slope: float
    stands_for: float

    @property
    def careful(self) -> float:
        """The rate with one pass and one fail added, as far as answers are unlabelled."""
        return self.rate + self._unlabelled * (self._added - self.rate)

    @property
    def unseen(self) -> float:
        """The variance of the corrected rate that these labels are too few to show."""
        more = max(self._added * (1 - self._added) - self.rate * (1 - self.rate), 0.0)
        return self.size**2 * self._unlabelled * more / self.labelled

    def expected(self, score: float) -> float:
        """What people say of an answer with this score."""
        return self.rate + self.slope * (score - self.middle)

    def part(self, answer: _Answer, overall: float) -> float:
        """An answer's linearised share in the error of the corrected rate."""
        expected = self.expected(answer.score)
        part = answer.weight * (expected - overall)
        if answer.label is not None:
            few = math.sqrt(self.labelled / max(self.labelled - 1, 1))
            part += answer.weight * self.stands_for * few * (answer.label - expected)
        return part

    @property
    def _unlabelled(self) -> float:
        return 1 - self.labelled / self.answers

    @property
    def _added(self) -> float:
        return (min(max(self.rate, 0.0), 1.0) * self.labelled + 1) / (self.labelled + 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnRate:
    """The corrected rate before it gets an interval: `parts` are the clusters' linearised shares in its error."""

    rate: float
    strata: tuple[Stratum, ...]
    parts: Mapping[Hashable, float]
    is_clustered: bool

    @property
    def labelled(self) -> int:
        return sum(stratum.labelled for stratum in self.strata)

    @property
    def unseen(self) -> float:
        """The variance that the labels are too few to show."""
        return math.fsum(stratum.unseen for stratum in self.strata)

    @property
    def cases(self) -> float:
        """How many independent labelled cases would tell as much."""
        variance, clusters = spread(self.parts.keys(), self.parts.values())
        variance += self.unseen
        careful = math.fsum(stratum.size * min(max(stratum.careful, 0.0), 1.0) for stratum in self.strata)
        is_open = variance > _NOTHING and 0 < careful < 1
        cases = careful * (1 - careful) / variance if is_open else float(clusters)
        return discounted(cases, clusters) if self.is_clustered else cases


def too_few(answers: Sequence[Judged], calibration: Calibration) -> str:
    """Why these labels cannot correct the run, "" where they can: ten of each verdict, or all there are."""
    labels = {(row.case, row.answer) for row in calibration.rows}
    for verdict, name in ((True, "passed"), (False, "failed")):
        inside = [row for row in answers if calibration.passes(row.score) is verdict]
        known = sum((row.case, row.answer) in labels for row in inside)
        if known < min(LEAST, len(inside)):
            return f"{known} of the {len(inside)} answers that the judge {name} are labelled"
    return ""


def rate(answers: Sequence[Judged], calibration: Calibration) -> DrawnRate:
    """The corrected rate over the run's answers; every case weighs the same. `too_few` has nothing against it."""
    found = _answers(answers, calibration)
    strata: dict[bool, Stratum] = {}
    for verdict in (True, False):
        inside = [answer for answer in found if answer.verdict is verdict]
        if inside:
            strata[verdict] = _stratum(inside)
    overall = math.fsum(stratum.size * stratum.rate for stratum in strata.values())
    parts: dict[Hashable, float] = {}
    for answer in found:
        part = strata[answer.verdict].part(answer, overall)
        parts[answer.cluster] = parts.get(answer.cluster, 0.0) + part
    return DrawnRate(rate=overall, strata=tuple(strata.values()), parts=parts, is_clustered=len(parts) < len(found))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """`weight`: its share in the mean over cases. `label` is None where people did not look."""

    score: float
    weight: float
    verdict: bool
    cluster: Hashable
    label: int | None


def _answers(answers: Sequence[Judged], calibration: Calibration) -> list[_Answer]:
    labels = {(row.case, row.answer): row.label for row in calibration.rows}
    runs: dict[str, int] = {}
    for row in answers:
        runs[row.case] = runs.get(row.case, 0) + row.repeats
    return [
        _Answer(
            score=row.score,
            weight=row.repeats / runs[row.case] / len(runs),
            verdict=calibration.passes(row.score),
            cluster=cluster_of(row),
            label=labels.get((row.case, row.answer)),
        )
        for row in answers
    ]


def _stratum(answers: Sequence[_Answer]) -> Stratum:
    known = [answer for answer in answers if answer.label is not None]
    size, labelled = math.fsum(a.weight for a in answers), math.fsum(a.weight for a in known)
    middle, there = _mean_of(answers, lambda a: a.score), _mean_of(known, lambda a: a.score)
    mean = _mean_of(known, lambda a: float(a.label or 0))
    slope = _slope(answers, known, middle, there, mean)
    return Stratum(
        size=size,
        rate=mean + slope * (middle - there),
        labelled=len(known),
        answers=len(answers),
        middle=middle,
        slope=slope,
        stands_for=size / labelled,
    )


def _slope(answers: Sequence[_Answer], known: Sequence[_Answer], middle: float, there: float, label: float) -> float:
    """The tuned weight, from 0 to 1: the covariance among labelled answers over the variance of all scores. PPI++
    divides by 1 + labelled/unlabelled too, because its unlabelled mean leaves the labelled answers out; ours is over
    all of them, which comes to the same."""
    if len(known) < TUNED_FROM:
        return 0.0
    common = _mean_of(known, lambda answer: (answer.score - there) * ((answer.label or 0) - label))
    spread_ = _mean_of(answers, lambda answer: (answer.score - middle) ** 2)
    return min(max(common / spread_, 0.0), 1.0) if spread_ > _NOTHING else 0.0


def _mean_of(answers: Sequence[_Answer], of: Callable[[_Answer], float]) -> float:
    return math.fsum(a.weight * of(a) for a in answers) / math.fsum(a.weight for a in answers)
