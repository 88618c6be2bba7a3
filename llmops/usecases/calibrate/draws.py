"""Was it drawn? The draw that stored evidence gives, found again from its bytes.

The order in which answers are labelled follows from the evidence, metric and line between pass and fail alone
(`evaluation.calibration.drawing`). So nobody chooses what is labelled, and anybody can check that nobody did.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from llmops.documents.labels import LEAST
from llmops.evaluation import evidence, pooling
from llmops.evaluation.calibration import drawing
from llmops.evaluation.calibration.calibrations import Judged, Labelled, judged
from llmops.evaluation.calibration.drawing import Draw
from llmops.evaluation.evidence import EvidenceRow
from llmops.governance.labelled import LabelledRow
from llmops.governance.predicates import Calibration
from llmops.usecases.calibrate.reading import labelled_of


def answers_of(rows: Sequence[EvidenceRow], metric: str) -> tuple[Judged, ...]:
    """The distinct answers of a run that have a score."""
    return judged(rows, metric, {row.case: row.group for row in rows})


def draw_of(pool: pooling.Pool, metric: str, pass_at: float) -> Draw:
    """The draw from a run."""
    return drawing.draw(answers_of(pool.rows, metric), drawing.seed_of(pool.digest, metric, pass_at), pass_at)


def why_no_draw(labelled: Sequence[Labelled], of: Draw) -> str:
    """What keeps labels from being the beginning of the draw, with enough of either verdict; "" where they are."""
    if drawing.is_drawn(labelled, of):
        return ""
    known = {(row.case, row.answer) for row in labelled}
    inside = [[(row.case, row.answer) in known for row in stratum] for stratum in (of.passed, of.failed)]
    counts = [sum(found) for found in inside]
    if sum(counts) == len(known) and all(all(found[:count]) for found, count in zip(inside, counts, strict=True)):
        passed, failed = (min(LEAST, count) for count in of.frame)
        return (
            f"they are how its draw begins, but too few: of the answers that the judge passed {passed} are needed "
            f"({counts[0]} labelled), of those it failed {failed} ({counts[1]} labelled)"
        )
    return "the labelled answers are not what `calibrate sample` draws from it: some were chosen, skipped or added"


def check_draw(said: Calibration, rows: Sequence[LabelledRow], shards: Iterable[bytes]) -> str:
    """What the evidence (its shards) has against a calibration that says it was drawn from it; "" where nothing.

    Raises: CannotAsk EVIDENCE_INVALID.
    """
    pool = pooling.pool([evidence.parse(data) for data in shards])
    pass_at = float(said.pass_at)
    found = draw_of(pool, said.metric, pass_at)
    if found.frame != (said.counts["frame_passed"], said.counts["frame_failed"]):
        return (
            f"the judge passed {found.frame[0]} answers and failed {found.frame[1]} there, recorded is another number"
        )
    scores = {(one.case, one.answer): one.score for one in (*found.passed, *found.failed)}
    labelled = labelled_of(rows)
    for row in labelled:
        if scores.get((row.case, row.answer)) != row.score:
            return f"{row.case}: the evidence has no such answer with the score {row.score:g}"
    if not drawing.is_drawn(labelled, found):
        return "the labelled answers are not those that the draw gives: some were left out, or chosen"
    return ""
