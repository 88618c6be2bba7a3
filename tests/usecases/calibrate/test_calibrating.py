"""calibrate: wrong labels are refused by name, what cannot calibrate is not recorded, and the rest is borne out."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from llmops.documents import canonical
from llmops.errors import CannotAsk, InvalidDocuments, Refusal
from llmops.evaluation.calibration.calibrations import answer_digest
from llmops.evaluation.calibration.correcting import Corrected, Method, Uncorrected
from llmops.evaluation.metrics import Catalogue, Direction, MetricInfo
from llmops.governance import labelled, predicates
from llmops.usecases.calibrate import calibrating, labelling
from llmops.usecases.calibrate.calibrating import Asked
from llmops.usecases.calibrate.labelling import Wanted
from llmops.usecases.calibrate.reading import calibration_for
from llmops.usecases.evaluate import recording
from llmops.usecases.records.ledgers import Step
from tests import worlds
from tests.fakes_models import FakeDoor
from tests.usecases.calibrate.builders import (
    METRIC,
    NAMES,
    PATH,
    SCORES,
    TWICE,
    a_label,
    a_world,
    a_world_judged_twice,
    by_a_model,
    calibrate,
    drawn,
    labels_of,
    lines,
    tools,
)
from tests.worlds import World


def rules_of(error: pytest.ExceptionInfo[InvalidDocuments]) -> list[str]:
    return [finding.rule for finding in error.value.findings]


@pytest.fixture(scope="module")
def world() -> World:
    """Read only."""
    return a_world()


def test_a_label_of_an_unknown_case_is_an_error(world: World) -> None:
    stranger = lines([a_label(NAMES[0]), a_label(NAMES[1], case="nowhere")])
    with pytest.raises(InvalidDocuments) as caught:
        calibrate(world, stranger)
    assert rules_of(caught) == ["label-unknown-case"]
    assert str(caught.value.findings[0].location).startswith("evalsets/lamp/labels.jsonl:2")


def test_a_label_whose_answer_is_nowhere_is_an_error(world: World) -> None:
    with pytest.raises(InvalidDocuments) as caught:
        calibrate(world, lines([a_label(NAMES[0], answer=answer_digest("another"))]))
    assert rules_of(caught) == ["label-unknown-answer"]


def test_of_many_labels_of_unknown_cases_the_first_are_named_and_the_others_counted(world: World) -> None:
    strangers = [a_label(NAMES[1], case=f"nowhere-{at}") for at in range(20)]
    with pytest.raises(InvalidDocuments) as caught:
        calibrate(world, lines([a_label(NAMES[0]), *strangers]))
    assert len(caught.value.findings) == 4
    assert "and 17 more" in caught.value.findings[-1].message


def test_where_no_label_is_known_one_sentence_says_so(world: World) -> None:
    with pytest.raises(InvalidDocuments) as caught:
        calibrate(world, lines([a_label(NAMES[1], case=f"nowhere-{at}") for at in range(20)]))
    (finding,) = caught.value.findings
    assert "none of these 20 labels" in finding.message
    assert "--record" in finding.fix


@pytest.mark.parametrize("pass_at", [0.0, -0.5, 1.5, float("nan"), float("inf")])
def test_a_line_that_divides_no_scores_is_refused(pass_at: float) -> None:
    with pytest.raises(CannotAsk) as caught:
        calibrating.check_line(pass_at)
    assert caught.value.code == "USAGE"


def test_a_metric_in_which_lower_is_better_has_no_rate() -> None:
    noisy = MetricInfo(name="noisy", method="m", direction=Direction.LOWER)
    scorers = SimpleNamespace(panel=SimpleNamespace(catalogue=Catalogue.of([noisy])))
    with pytest.raises(CannotAsk) as caught:
        calibrating.judged_metric(scorers, "noisy")  # type: ignore[arg-type]
    assert caught.value.code == "METRIC_NO_RATE"


def test_the_share_that_people_pass_has_the_gates_interval(world: World) -> None:
    found = calibrate(world, labels_of([row.case for row in drawn(world)]))
    corrected = found.meaning[0].corrected
    assert isinstance(corrected, Corrected)
    assert (found.agreement.prevalence.value, found.agreement.prevalence.interval) == (
        corrected.rate,
        corrected.interval,
    )


def test_a_useless_judge_corrects_not_even_the_run_that_was_drawn_from(world: World) -> None:
    wrong = [a_label(row.case, label=int(SCORES[row.case] <= 0.5)) for row in drawn(world)]
    found = calibrate(world, lines(wrong))
    assert {one.corrected.code for one in found.meaning if isinstance(one.corrected, Uncorrected)} == {
        "CALIBRATION_USELESS"
    }
    assert len(found.meaning) == 2


def test_an_annotator_who_says_two_things_is_an_error(world: World) -> None:
    with pytest.raises(InvalidDocuments) as caught:
        calibrate(world, lines([a_label(NAMES[0], label=1), a_label(NAMES[0], label=0)]))
    assert rules_of(caught) == ["label-contradiction"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"labels": b""}, "NO_LABELS"),
        ({"metric": "contains"}, "METRIC_NOT_JUDGED"),
        ({"metric": "x"}, "METRIC_UNKNOWN"),
    ],
)
def test_what_cannot_be_asked_is_said(world: World, changes: dict[str, object], code: str) -> None:
    with pytest.raises(CannotAsk) as caught:
        calibrate(world, **changes)  # type: ignore[arg-type]
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("names", "flipped", "code"),
    [
        ([name for name in NAMES if SCORES[name] > 0.5], (), "CALIBRATION_ONE_CLASS"),
        (NAMES[:16], (), "CALIBRATION_TOO_SMALL"),
        (NAMES, NAMES, "CALIBRATION_USELESS"),
    ],
)
def test_what_calibrates_nothing_is_shown_and_never_recorded(
    names: list[str], flipped: tuple[str, ...], code: str
) -> None:
    world = a_world()
    names = [name for name in names if name not in ("case-01", "case-03")] if code.endswith("CLASS") else names
    labels = lines(a_label(name, label=1 - a_label(name).label) if name in flipped else a_label(name) for name in names)
    shown = calibrate(world, labels)
    assert shown.problem is not None
    assert (shown.problem.code, shown.is_calibrated) == (code, False)
    before = world.refs
    with pytest.raises(Refusal) as caught:
        calibrate(world, labels, who="quinn")
    assert (caught.value.code, world.refs) == (code, before)


def test_only_somebody_who_answers_for_quality_records() -> None:
    world = a_world()
    before = world.refs
    with pytest.raises(Refusal) as caught:
        calibrate(world, who="dana")
    assert (caught.value.code, world.refs) == ("ROLE_MISSING", before)


def test_scores_that_are_recorded_are_not_asked_for_again(world: World) -> None:
    found = calibrate(world)
    assert (found.answers, found.reused, found.asked) == (40, 40, 0)
    confusion = found.agreement.confusion
    assert (confusion.true_pass, confusion.false_pass, confusion.false_fail, confusion.true_fail) == (18, 2, 1, 19)


def test_answers_of_the_evalset_are_judged_now(world: World) -> None:
    own = lines(a_label(name, answer=answer_digest(f"Given: {name}.")) for name in NAMES)
    found = calibrate(world, own)
    assert (found.reused, found.behaviour) == (0, "")
    assert found.answers + len(found.unscored) == 40


def test_with_a_version_only_its_own_answers_count(world: World) -> None:
    mixed = labels_of(NAMES[:30]) + lines([a_label(NAMES[0], answer=answer_digest(f"Given: {NAMES[0]}."))])
    assert calibrate(world, mixed).answers + len(calibrate(world, mixed).unscored) == 31
    assert calibrate(world, mixed, is_version=True).answers == 30


def test_an_answer_without_a_majority_is_left_out_and_named(world: World) -> None:
    found = calibrate(world, labels_of() + lines([a_label(NAMES[7], annotator="bob", label=0)]))
    assert (found.answers, found.ties) == (39, (NAMES[7],))
    assert [(pair.first, pair.second, pair.answers) for pair in found.between.pairs] == [("ann", "bob", 1)]


def test_a_draw_that_ended_early_says_what_is_missing(world: World) -> None:
    found = calibrate(world, labels_of([row.case for row in drawn(world, 3)]))
    assert not found.is_drawn
    assert "too few" in found.not_drawn
    assert "10 are needed" in found.not_drawn


def test_what_was_chosen_is_said_to_be(world: World) -> None:
    left_out = [row.case for row in drawn(world)][1:]
    assert "chosen, skipped or added" in calibrate(world, labels_of(left_out)).not_drawn


def test_a_draw_is_recognised_recorded_and_read_back() -> None:
    world = a_world()
    names = [row.case for row in drawn(world)]
    found = calibrate(world, labels_of(names), who="quinn")
    assert found.is_drawn
    assert found.record is not None
    records = world.records()
    (entry,) = records.ledger.calibrations
    said = entry.calibration
    assert (said.counts["frame_passed"], said.counts["frame_failed"]) == (20, 20)
    assert said.drawn_from == (records.ledger.evaluations[0].entry.digest,)
    judge, version = said.judge_digest, said.metric_version

    def read(**changes: object) -> object:
        asked = {"judge_digest": judge, "metric": METRIC, "version": version, "pass_at": 0.5, **changes}
        return calibration_for(records, **asked)  # type: ignore[arg-type]

    own = read(evidence=said.drawn_from)
    other = read(evidence=("f" * 64,))
    assert (own.is_drawn, own.frame, len(own.rows)) == (True, (20, 20), 30)  # type: ignore[attr-defined]
    assert (other.is_drawn, other.frame, other.record) == (False, (20, 20), entry.entry.digest)  # type: ignore[attr-defined]
    assert read(pass_at=0.7) is None
    assert read(version="99") is None
    assert read(judge_digest="0" * 64) is None


def test_a_record_that_only_repeats_what_is_there_leaves_a_draw_one() -> None:
    world = a_world()
    assert calibrate(world, labels_of([row.case for row in drawn(world)]), who="quinn").is_drawn
    said = world.records().ledger.calibrations[0].calibration

    def is_drawn() -> bool:
        records = world.records()
        evidence = tuple(entry.entry.digest for entry in records.ledger.evaluations)
        line = {"judge_digest": said.judge_digest, "metric": METRIC, "version": said.metric_version, "pass_at": 0.5}
        found = calibration_for(records, evidence=evidence, **line)  # type: ignore[arg-type]
        return found is not None and found.is_drawn

    world.record(groundedness={name: SCORES[name] for name in NAMES[:10]})
    assert len(world.records().ledger.evaluations) == 2
    assert is_drawn()
    # One measurement more is another run than the one that was drawn from.
    subject = world.subject()
    again = worlds.an_evaluation(subject, {"case-00": 0.2})
    recording.record(world.desk(), subject, replace(again, rows=tuple(replace(row, repeat=1) for row in again.rows)))
    assert not is_drawn()


def test_the_newest_run_is_corrected_by_a_draw_from_it(world: World) -> None:
    found = calibrate(world, labels_of([row.case for row in drawn(world)]))
    run, example = found.meaning
    assert isinstance(run.corrected, Corrected)
    assert isinstance(example.corrected, Corrected)
    assert (run.is_example, run.corrected.method) == (False, Method.DRAWN)
    assert (example.naive, example.corrected.method) == (0.9, Method.CARRIED)
    assert run.corrected.interval.low <= run.corrected.rate <= run.corrected.interval.high


def test_chosen_labels_are_no_draw_and_do_not_pass_for_one(world: World) -> None:
    names = [row.case for row in drawn(world)][1:]
    assert "chosen, skipped or added" in calibrate(world, labels_of(names)).not_drawn
    assert calibrate(world, labels_of([*names, *NAMES])).is_drawn  # all there are is a draw, whoever chose


def test_chosen_labels_that_claim_a_draw_are_void() -> None:
    world = a_world()
    honest = calibrate(world, labels_of([row.case for row in drawn(world)]), who="quinn")
    assert honest.record is not None
    (entry,) = world.records().ledger.calibrations
    shard = world.records().tree.read(f"audit/evidence/{entry.calibration.results[0]}.jsonl")
    assert shard is not None
    kept = [row for row in labelled.parse([shard]) if not (row.label == 0 and float(row.score) > 0.5)]
    missing = {row.case for row in labelled.parse([shard])} - {row.case for row in kept}
    assert missing
    flattering = labelled.dump(kept)
    counts = {**labelled.counts(kept, "0.5"), "frame_passed": 20, "frame_failed": 20}
    forged = replace(entry.calibration, results=(canonical.sha256(flattering),), counts=counts)
    # The writer has no evidence at hand; whoever reads the log next has.
    world.desk("quinn").write(lambda _: Step(predicate=forged, summary="forged", evidence=(flattering,)))
    report = world.records().report
    assert report.sound
    assert [entry.code for entry in report.refuted] == ["NOT_DRAWN"]
    assert len(report.ledger.calibrations) == 1


def test_a_score_that_the_evidence_does_not_have_is_no_draw() -> None:
    world = a_world()
    calibrate(world, labels_of([row.case for row in drawn(world)]), who="quinn")
    (entry,) = world.records().ledger.calibrations
    shard = world.records().tree.read(f"audit/evidence/{entry.calibration.results[0]}.jsonl")
    assert shard is not None
    rows = [replace(row, score="0.95") if row.score == "0.9" else row for row in labelled.parse([shard])]
    forged = replace(entry.calibration, results=(canonical.sha256(labelled.dump(rows)),))
    step = Step(predicate=forged, summary="forged", evidence=(labelled.dump(rows),))
    world.desk("quinn").write(lambda _: step)
    assert [entry.code for entry in world.records().report.refuted] == ["NOT_DRAWN"]


def test_labels_that_are_edited_afterwards_change_nothing_and_are_said() -> None:
    world = a_world()
    calibrate(world, who="quinn")
    before = world.records().ledger.calibrations
    again = calibrate(world, lines(a_label(name, label=int(SCORES[name] > 0.5)) for name in NAMES))
    assert len(again.stale) == 1
    assert "[LABELS_CHANGED]" in again.stale[0]
    assert world.records().ledger.calibrations == before
    assert again.recorded_as == ""
    same = calibrate(world)
    assert (same.stale, same.recorded_as) == ((), before[0].entry.path)


def test_a_calibration_of_another_judge_of_the_name_is_said() -> None:
    world = a_world()
    calibrate(world, who="quinn")
    (entry,) = world.records().ledger.calibrations
    shard = world.records().tree.read(f"audit/evidence/{entry.calibration.results[0]}.jsonl")
    assert shard is not None
    other = a_world()
    counts = {name: count for name, count in entry.calibration.counts.items() if not name.startswith("frame")}
    said = replace(entry.calibration, judge_digest="b" * 64, behaviour="", drawn_from=(), counts=counts)
    other.desk("quinn").write(lambda _: Step(predicate=said, summary="other", evidence=(shard,)))
    (stale,) = calibrate(other).stale
    assert "[CALIBRATION_OTHER_JUDGE]" in stale
    assert "b" * 12 in stale
    assert entry.calibration.judge_digest[:12] in stale


def test_evaluations_say_what_was_measured_by_rule(world: World) -> None:
    (entry,) = world.records().ledger.evaluations
    assert METRIC not in entry.evaluation.by_rule
    assert "contains" in entry.evaluation.by_rule or "contains" not in entry.evaluation.metrics
    assert entry.evaluation.judged([METRIC, "safety"]) == (METRIC,)
    assert isinstance(entry.evaluation, predicates.Evaluation)


def test_recording_twice_the_same_answers_counts_them_once(world: World) -> None:
    twice = labels_of() + labels_of(NAMES[:5])
    found = calibrate(world, twice)
    assert found.answers == 40
    assert {finding.rule for finding in found.warnings} == {"label-repeated"}


def test_a_judge_who_is_asked_twice_is_calibrated_on_what_was_judged_twice() -> None:
    world = a_world_judged_twice()
    subject, asks = world.subject(), replace(tools(), scorers_for=by_a_model)
    asked = Asked(subject=subject, metric=METRIC, labels=labels_of(), path=PATH)
    found = calibrating.calibrate(asks, asked, world.records(), world.desk("quinn"))
    assert (found.metric_version, found.reused, found.is_drawn) == (TWICE, 40, True)
    (entry,) = world.records().ledger.calibrations
    said = world.records().ledger.evaluations_of(subject.release.behaviour_digest)[-1].evaluation
    assert world.records().ledger.calibration_of(said, METRIC) == entry


def test_a_judge_who_is_asked_once_takes_over_nothing_that_was_judged_twice() -> None:
    world = a_world_judged_twice()
    with pytest.raises(CannotAsk) as asked_anew:
        calibrate(world)
    assert asked_anew.value.code == "CONTEXTS_GONE"  # this world keeps no passages to judge by


def test_what_was_judged_twice_is_sampled() -> None:
    world = a_world_judged_twice()
    door = FakeDoor(lambda _: "")
    wanted = Wanted(metric=METRIC, count=30, annotator="ann", path=PATH)
    found = labelling.sample(world.records(), world.subject(), by_a_model(door, ""), wanted)
    assert len(found.first) == 30
