"""What a calibration claims, against the records and the labelled rows that it names.

A calibration that is not borne out is void, never fatal: the judge stays advisory. Rules, in order:

1. Its counts are those of one confusion table, and there are rows behind it: else CALIBRATION_MALFORMED.
2. People passed some of the answers and failed others: else CALIBRATION_ONE_CLASS. From one class nothing is learnt
   about the other kind of error; from under ten of either next to nothing: else CALIBRATION_TOO_SMALL.
3. The judge tells them apart: sensitivity + specificity > 1, else CALIBRATION_USELESS. At 1 or below, its verdicts say
   nothing about people's, and no rate can be corrected with them (Rogan and Gladen, Am J Epidemiol 107:71, 1978). It is
   the same as tp · tn > fp · fn, whatever share of the judge's verdicts of each kind was labelled.
4. Where it says that its answers were drawn: from effective evaluations of its behaviour by this judge, evalset and
   version of the metric. Else DRAW_DIFFERS.
5. Where the rows are at hand: they can be read (EVIDENCE_MALFORMED) and give these counts (RECOMPUTED_DIFFERS).
6. Where it says so and the evidence is at hand: its answers are what the draw from that evidence gives, with the scores
   that stand there, none left out: else NOT_DRAWN. Whoever chooses what to label chooses the figure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from llmops.documents.labels import LEAST
from llmops.errors import CannotAsk
from llmops.governance import labelled, records
from llmops.governance.checks.claims import DIFFERS, MALFORMED, NOT_DRAWN, AtHand
from llmops.governance.labelled import LabelledError, LabelledRow
from llmops.governance.ledger import Ledger, Reason
from llmops.governance.predicates import Calibration

COUNTS = ("cases", "groups", "tp", "fp", "fn", "tn")
FRAME = ("frame_passed", "frame_failed")


def calibration_faults(ledger: Ledger, said: Calibration, evidence: AtHand | None) -> tuple[Reason, ...]:
    """Everything that records and evidence have against what `said` claims."""
    found = tuple(_figure_faults(said)) or tuple(_draw_faults(ledger, said))
    return found or (tuple(_row_faults(ledger, said, evidence)) if evidence else ())


def _figure_faults(said: Calibration) -> Iterator[Reason]:
    if set(said.counts) != {*COUNTS, *(FRAME if said.is_drawn else ())} or not said.results:
        yield Reason(code="CALIBRATION_MALFORMED", text=f"its counts are {', '.join(sorted(said.counts)) or 'absent'}")
        return
    good, bad = said.counts["tp"] + said.counts["fn"], said.counts["fp"] + said.counts["tn"]
    if not 0 < said.counts["groups"] <= said.counts["cases"] <= good + bad:
        yield Reason(code="CALIBRATION_MALFORMED", text="its counts are those of no table")
    if not (good and bad):
        text = f"people passed {good} answers and failed {bad}: both kinds are needed"
        yield Reason(code="CALIBRATION_ONE_CLASS", text=text)
    elif min(good, bad) < LEAST:
        text = f"people passed {good} answers and failed {bad}, at least {LEAST} of each are needed"
        yield Reason(code="CALIBRATION_TOO_SMALL", text=text)
    elif said.counts["tp"] * said.counts["tn"] <= said.counts["fp"] * said.counts["fn"]:
        sensitivity, specificity = said.counts["tp"] / good, said.counts["tn"] / bad
        text = f"sensitivity {sensitivity:.2f} and specificity {specificity:.2f} are no more than 1 together"
        yield Reason(code="CALIBRATION_USELESS", text=text)


def _draw_faults(ledger: Ledger, said: Calibration) -> Iterator[Reason]:
    known = {item.entry.digest: item for item in ledger.evaluations_of(said.behaviour)}
    for digest in said.drawn_from:
        found = known.get(digest)
        if found is None:
            text = f"it is drawn from record {digest[:12]}, which is no effective evaluation of its behaviour"
            yield Reason(code="DRAW_DIFFERS", text=text)
            continue
        evaluation = found.evaluation
        sides = {
            "judge": (said.judge_digest, evaluation.judge_digest),
            "evalset": (said.evalset_digest, evaluation.evalset_digest),
            f"version of {said.metric}": (said.metric_version, evaluation.metrics.get(said.metric, "none")),
        }
        for name, (own, theirs) in sides.items():
            if own != theirs:
                text = f"the evaluation that it is drawn from has another {name}: {theirs[:12]}, not {own[:12]}"
                yield Reason(code="DRAW_DIFFERS", text=text)


def _row_faults(ledger: Ledger, said: Calibration, evidence: AtHand) -> Iterator[Reason]:
    if not evidence.digests.issuperset(said.results):
        return
    try:
        rows = labelled.parse(_shards(evidence, said.results))
    except LabelledError as error:
        yield Reason(code=MALFORMED, text=f"its labelled rows cannot be read: {error}")
        return
    given = labelled.counts(rows, said.pass_at)
    for name in COUNTS:
        if said.counts[name] != given[name]:
            yield Reason(code=DIFFERS, text=f"{name}: recorded {said.counts[name]}, the rows give {given[name]}")
    yield from _drawing_faults(ledger, said, rows, evidence)


def _drawing_faults(
    ledger: Ledger, said: Calibration, rows: Sequence[LabelledRow], evidence: AtHand
) -> Iterator[Reason]:
    named = [item.evaluation for item in ledger.evaluations_of(said.behaviour) if item.entry.digest in said.drawn_from]
    shards = [digest for evaluation in named for digest in evaluation.results]
    if not shards or evidence.check_draw is None or not evidence.digests.issuperset(shards):
        return
    try:
        problem = evidence.check_draw(said, rows, _shards(evidence, shards))
    except CannotAsk as error:
        problem = f"the evidence that it is drawn from cannot be read: {error.what}"
    if problem:
        yield Reason(code=NOT_DRAWN, text=problem)


def _shards(evidence: AtHand, digests: Iterable[str]) -> Iterator[bytes]:
    paths = [records.evidence_path(digest) for digest in digests]
    found = evidence.tree.read_many(paths)
    return (found[path] for path in paths)
