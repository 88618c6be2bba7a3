"""calibrate: the judge against people, on labelled answers; what that means for the gate; and the record of it.

Rules, in order:

1. Labels of answers that are nowhere are an error, never passed over: a label that cannot be found says nothing.
2. Scores that the very judge has given already are taken over; for others it is asked now. An answer without a majority
   of people, or without a score, takes no part and is named.
3. The answers are a draw where they are exactly the beginning of the draw from the subject's newest run. With a version
   given, labels of other versions' answers are left aside.
4. Recorded is only what can calibrate: both classes, enough of each, sensitivity + specificity surely above 1.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from llmops.documents import bars as bars_of
from llmops.documents import canonical
from llmops.errors import CannotAsk, Finding, InvalidDocuments, Refusal
from llmops.evaluation.calibration import agreement, annotators, bias, correcting
from llmops.evaluation.calibration import labels as labels_of
from llmops.evaluation.calibration.agreement import Agreement
from llmops.evaluation.calibration.calibrations import Calibration
from llmops.evaluation.calibration.correcting import Corrected, Method
from llmops.evaluation.calibration.labels import Decided, Label, LabelFile
from llmops.evaluation.metrics import Direction, Kind, MetricInfo
from llmops.governance import labelled, predicates
from llmops.governance.labelled import LabelledRow
from llmops.usecases.calibrate import scoring
from llmops.usecases.calibrate.draws import draw_of, why_no_draw
from llmops.usecases.calibrate.meaning import meaning
from llmops.usecases.calibrate.reading import labelled_of
from llmops.usecases.calibrate.standing import recorded_as, stale
from llmops.usecases.calibrate.stored import Identity, Stored, stored
from llmops.usecases.evaluate import gate
from llmops.usecases.evaluate.bench import version_of
from llmops.usecases.evaluate.evaluating import Tools
from llmops.usecases.evaluate.scorers import Scorers
from llmops.usecases.evaluate.subjects import Subject
from llmops.usecases.ports import ModelDoor
from llmops.usecases.records.ledgers import Desk, Records, Step, digest_of
from llmops.usecases.results.calibrating import Calibrated, Meaning

NAMED = 3  # labels of answers that are nowhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be calibrated, on which labels. `pass_at` None: the bars' own, 1 for what is passed or failed, else a
    half. `is_version`: one version was named, and only its answers count."""

    subject: Subject
    metric: str
    labels: bytes
    path: str
    pass_at: float | None = None
    is_version: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What the labels and the judge give together."""

    asked: Asked
    scorers: Scorers
    pass_at: float
    file: LabelFile
    labels: tuple[Label, ...]
    decided: Decided
    stored: Stored
    rows: tuple[LabelledRow, ...]
    unscored: dict[str, str]
    reused: int
    calls: int


def calibrate(tools: Tools, asked: Asked, records: Records, desk: Desk | None = None) -> Calibrated:
    """The judge against people; with a desk, recorded.

    Raises: InvalidDocuments where labels are wrong, CannotAsk USAGE, NO_LABELS, METRIC_NOT_JUDGED, METRIC_NO_RATE,
    CONTEXTS_GONE and what asking a model raises; Refusal CALIBRATION_ONE_CLASS, CALIBRATION_TOO_SMALL,
    CALIBRATION_USELESS, ROLE_MISSING.
    """
    check_line(asked.pass_at)
    if desk is not None:
        desk.read().person(desk.signing)
    found = asyncio.run(_find(tools, asked, records))
    result, calibration = _result(found, records)
    if desk is None:
        return result
    if result.problem is not None:
        problem = result.problem
        raise Refusal(problem.code, f"{problem.what}: such a calibration is not recorded", hint=problem.hint)
    shard = labelled.dump(found.rows)
    predicate = _predicate(found, calibration, digest_of(shard))
    what = f"calibrate {predicate.judge} on {predicate.metric} of {asked.subject.release.name}"
    (written,) = desk.write(lambda _: Step(predicate=predicate, summary=what, evidence=(shard,)))
    return replace(result, record=written)


def pass_at_of(subject: Subject, info: MetricInfo, asked: float | None = None) -> float:
    """The line between pass and fail: as asked for, the bars' own, or what goes without saying."""
    if asked is not None:
        return asked
    bars = bars_of.parse(subject.release.bars).thresholds
    named = [bar.pass_at for bar in bars if bar.metric == info.name and bar.pass_at is not None]
    return named[0] if named else 1.0 if info.kind is Kind.BINARY else 0.5


def check_line(pass_at: float | None) -> None:
    """Whether a line between pass and fail is one. Raises: CannotAsk USAGE."""
    if pass_at is not None and not 0 < pass_at <= 1:
        what = f"--pass-at is {pass_at:g}: every answer would get the same verdict"
        raise CannotAsk("USAGE", what, hint="a score above 0, at most 1, for example 0.5")


def judged_metric(scorers: Scorers, metric: str) -> MetricInfo:
    """What is known of a metric that the judge scores, and that passes from some score on.

    Raises: CannotAsk METRIC_UNKNOWN, METRIC_NO_RATE, METRIC_NOT_JUDGED.
    """
    info = scorers.panel.catalogue.metric(metric)
    if info.direction is Direction.LOWER and not info.is_operational:
        what = f"lower is better in {metric}: an answer passes from no score on, so there is no rate to correct"
        raise CannotAsk("METRIC_NO_RATE", what, hint="calibrate a metric in which higher is better")
    names = [each.name for each in scorers.judge.metrics]
    if metric not in names:
        what = f"{metric} is measured by rule, {scorers.panel.judge.name} judges {', '.join(names)}"
        raise CannotAsk("METRIC_NOT_JUDGED", what, hint="a rule needs no calibration; name one of these")
    return info


async def _find(tools: Tools, asked: Asked, records: Records) -> _Found:
    async with tools.open_door(tools.max_nano_usd) as door:
        scorers = tools.scorers_for(door, tools.judge or gate.judge_of(asked.subject.release))
        try:
            return await _with(tools, asked, records, door, scorers)
        finally:
            await scorers.close()


async def _with(tools: Tools, asked: Asked, records: Records, door: ModelDoor, scorers: Scorers) -> _Found:
    info = judged_metric(scorers, asked.metric)
    known = stored(records, asked.subject, asked.metric, scorers)
    file = labels_of.parse(asked.labels, asked.path)
    labels = _checked(file, asked, known)
    decided = labels_of.decided(labels, asked.metric)
    wanted = [(vote.case, vote.answer) for vote in decided.agreed]
    reused = {identity: known.scores[identity] for identity in wanted if identity in known.scores}
    rest = [known.known[identity] for identity in wanted if identity not in reused]
    now = await scoring.scored(tools, door, scorers, asked.subject, rest, asked.metric)
    scores = {**reused, **now.scores}
    return _Found(
        asked=asked,
        scorers=scorers,
        pass_at=pass_at_of(asked.subject, info, asked.pass_at),
        file=file,
        labels=labels,
        decided=decided,
        stored=known,
        rows=tuple(_rows(labels, decided, known, scores)),
        unscored={case: reason for (case, _), reason in sorted(now.missing.items())},
        reused=len(reused),
        calls=now.calls,
    )


def _checked(file: LabelFile, asked: Asked, known: Stored) -> tuple[Label, ...]:
    """The labels of the metric, each of an answer that is known. Raises: InvalidDocuments, CannotAsk NO_LABELS."""
    labels = tuple(label for label in file.labels if label.metric == asked.metric)
    findings = (*file.findings, *_unknown(labels, known, asked))
    if any(finding.is_error for finding in findings):
        raise InvalidDocuments(findings)
    own = asked.subject.release.behaviour_digest
    if asked.is_version:
        labels = tuple(label for label in labels if own in known.known[(label.case, label.answer)].behaviours)
    if not labels:
        release = asked.subject.release
        of = f" of {release.name} {release.version}" if asked.is_version else ""
        what, hint = f"no answer{of} is labelled by {asked.metric}", f"llmops calibrate sample {release.name}"
        raise CannotAsk("NO_LABELS", what, where=asked.path, hint=f"{hint} --metric {asked.metric}")
    return labels


def _unknown(labels: Sequence[Label], known: Stored, asked: Asked) -> tuple[Finding, ...]:
    """Labels of answers that are nowhere: the first few by name, and where it is all of them, one sentence for all."""
    found = labels_of.unknown(labels, known.judged(), asked.path)
    if len(found) <= NAMED:
        return found
    if len(found) == len(labels):
        return (_elsewhere(found[0], len(found), asked),)
    more = f"and {len(found) - NAMED} more labels of answers that are not in the evidence"
    return (*found[:NAMED], replace(found[NAMED], message=more))


def _elsewhere(first: Finding, count: int, asked: Asked) -> Finding:
    name, evalset = asked.subject.release.name, asked.subject.evalset.name
    folder, _, file = asked.path.rpartition("/")
    other = folder.rpartition("/")[2] if file and folder.startswith("evalsets/") else ""
    record = f"record the evaluation that was labelled: llmops eval {name} --record"
    return replace(
        first,
        message=f"none of these {count} labels is of an answer of {name} on {evalset}",
        fix=f"--evalset {other}, where these labels stand; or {record}" if other not in ("", evalset) else record,
    )


def _rows(
    labels: Sequence[Label], decided: Decided, known: Stored, scores: dict[Identity, float]
) -> Iterable[LabelledRow]:
    said: dict[Identity, dict[str, int]] = {}
    for label in labels:
        said.setdefault((label.case, label.answer), {})[label.annotator] = label.label
    for vote in decided.agreed:
        identity = (vote.case, vote.answer)
        if identity in scores and vote.label is not None:
            yield LabelledRow(
                case=vote.case,
                group=known.known[identity].case.group,
                answer=vote.answer,
                label=vote.label,
                annotators=said[identity],
                score=canonical.decimal(scores[identity]),
            )


def _calibration(found: _Found, frame: tuple[int, int]) -> Calibration:
    panel = found.scorers.panel
    return Calibration(
        judge=panel.judge.digest,
        metric=found.asked.metric,
        metric_version=version_of(found.asked.metric, found.asked.subject, found.scorers),
        pass_at=found.pass_at,
        rows=labelled_of(found.rows),
        labels=found.file.digest,
        behaviour=_behaviour(found),
        evalset=found.asked.subject.evalset.digest,
        is_drawn=any(frame),
        frame=frame,
    )


def _behaviour(found: _Found) -> str:
    """The one behaviour whose answers were labelled, the subject's own first; "" where there are several, or none."""
    sets = [found.stored.known[row.identity].behaviours for row in found.rows]
    common = frozenset[str].intersection(*sets) if sets else frozenset[str]()
    own = found.asked.subject.release.behaviour_digest
    return own if own in common else min(common, default="")


def _not_drawn(found: _Found) -> str:
    """Why the labelled answers are no draw from the subject's newest run; "" where they are."""
    run, release = found.stored.run, found.asked.subject.release
    if run is None:
        where = found.asked.subject.evalset.name
        return f"no run of {release.name} {release.version} by this judge is recorded on {where}"
    return why_no_draw(labelled_of(found.rows), draw_of(run.pool, found.asked.metric, found.pass_at))


def _result(found: _Found, records: Records) -> tuple[Calibrated, Calibration]:
    not_drawn = _not_drawn(found)
    run = found.stored.run
    frame = draw_of(run.pool, found.asked.metric, found.pass_at).frame if run and not not_drawn else (0, 0)
    calibration = _calibration(found, frame)
    judge, asked = found.scorers.panel.judge, found.asked
    counts = labelled.counts(found.rows, canonical.decimal(found.pass_at))
    lines = {(label.case, label.answer): label.line for label in reversed(found.labels)}
    texts = found.stored.known
    said = _predicate(found, calibration, "")
    means = tuple(meaning(calibration, run))
    result = Calibrated(
        prompt=asked.subject.release.name,
        evalset=asked.subject.evalset.name,
        metric=asked.metric,
        metric_version=calibration.metric_version,
        pass_at=found.pass_at,
        judge=judge.name,
        judge_digest=judge.digest,
        judge_parts=judge.parts,
        labels=asked.path,
        labels_digest=found.file.digest,
        behaviour=calibration.behaviour,
        answers=len(found.rows),
        cases=counts["cases"],
        groups=counts["groups"],
        reused=found.reused,
        asked=found.calls,
        ties=tuple(vote.case for vote in found.decided.ties),
        unscored=found.unscored,
        agreement=_as_corrected(agreement.agreement(calibration), means),
        between=annotators.between(found.labels, asked.metric),
        by_length=bias.bias(calibration, [len(texts[row.identity].text) for row in found.rows]),
        by_position=bias.bias(calibration, [lines[row.identity] for row in found.rows]),
        meaning=means,
        not_drawn=not_drawn,
        problem=correcting.problem(calibration),
        stale=tuple(stale(records, said)),
        recorded_as=recorded_as(records, said),
        warnings=found.file.findings,
    )
    return result, calibration


def _as_corrected(found: Agreement, means: Sequence[Meaning]) -> Agreement:
    """With the share that people pass as the gate has it, where the labels are drawn from the run: one figure, and one
    interval for it."""
    for one in means:
        result = one.corrected
        if isinstance(result, Corrected) and result.method is Method.DRAWN:
            share = replace(found.prevalence, value=result.rate, interval=result.interval)
            return replace(found, prevalence=share)
    return found


def _predicate(found: _Found, calibration: Calibration, results: str) -> predicates.Calibration:
    panel, run = found.scorers.panel, found.stored.run
    pass_at = canonical.decimal(found.pass_at)
    counts = labelled.counts(found.rows, pass_at)
    if calibration.is_drawn:
        counts |= {"frame_passed": calibration.frame[0], "frame_failed": calibration.frame[1]}
    return predicates.Calibration(
        judge=panel.judge.name,
        judge_digest=panel.judge.digest,
        metric=calibration.metric,
        metric_version=calibration.metric_version,
        pass_at=pass_at,
        evalset=found.asked.subject.evalset.name,
        evalset_digest=found.asked.subject.evalset.digest,
        behaviour=calibration.behaviour,
        labels=found.file.digest,
        drawn_from=run.records if run and calibration.is_drawn else (),
        results=(results,),
        counts=counts,
        judge_parts=dict(panel.judge.parts),
    )
