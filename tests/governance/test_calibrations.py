"""What calibrations claim, and what they open: each attack is void or inadmissible with its own code."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from llmops.documents import canonical
from llmops.documents.releases import Release
from llmops.errors import Refusal
from llmops.governance import labelled, predicates, provenance
from llmops.governance.labelled import LabelledRow
from llmops.governance.predicates import Calibration, PredicateError
from llmops.governance.records import Record
from llmops.governance.verification import Report
from tests.governance.builders import (
    EVALSET,
    PROMPT,
    World,
    a_person,
    a_policy,
    a_release,
    an_environment,
    codes,
)
from tests.governance.test_claims import Computed

JUDGE = canonical.sha256(b"judge")
BARS = {"thresholds": {"groundedness": {"min": 0.6}, "cost_usd": {"max": 1}}}
FIRST = replace(a_release(), bars={**a_release().bars, **BARS})
BY_RULE = ("cost_usd",)
PARTS = {"kind": "native", "model": "large-1"}


def a_world() -> World:
    """Quinn answers for quality; production admits calibrated judges alone."""
    people = {**a_policy()["principals"], "quinn": a_person("quinn", "quality")}  # type: ignore[dict-item]
    environments = {"staging": an_environment(), "production": an_environment(judges=["calibrated"])}
    return World(mapping=a_policy(principals=people, environments=environments)).found()


def rows(*, tp: int = 20, fp: int = 5, fn: int = 3, tn: int = 12) -> tuple[LabelledRow, ...]:
    """Labelled answers with this table, when the judge passes at 0.5."""
    kinds = [(1, "0.9")] * tp + [(0, "0.7")] * fp + [(1, "0.2")] * fn + [(0, "0.1")] * tn
    return tuple(
        LabelledRow(
            case=f"case-{at:03d}",
            group="",
            answer=canonical.sha256(f"answer {at}".encode()),
            label=label,
            annotators={"author": label},
            score=score,
        )
        for at, (label, score) in enumerate(kinds)
    )


SHARD = labelled.dump(rows())


def a_calibration(shard: bytes = SHARD, **changes: Any) -> Calibration:
    said = Calibration(
        judge="embedded-lexical",
        judge_digest=JUDGE,
        metric="groundedness",
        metric_version="1",
        pass_at="0.5",
        evalset="short",
        evalset_digest=EVALSET,
        behaviour="",
        labels=canonical.sha256(b"labels.jsonl"),
        drawn_from=(),
        results=(canonical.sha256(shard),),
        counts=labelled.counts(labelled.parse([shard]), "0.5"),
        judge_parts=PARTS,
    )
    return replace(said, **changes)


def calibrated(world: World, **changes: Any) -> Record:
    return world.write("quinn", a_calibration(**changes), evidence=(SHARD,))


def forced(said: Calibration, shard: bytes = SHARD, who: str = "quinn", **checks: Any) -> tuple[str, str]:
    """Code and reason of a calibration that was appended past all checks, in a log that stays sound."""
    return last(appended(a_world(), said, shard, who, **checks))


def appended(world: World, said: Calibration, shard: bytes = SHARD, who: str = "quinn", **checks: Any) -> Report:
    if said.results:
        world.files[f"audit/evidence/{canonical.sha256(shard)}.jsonl"] = shard
    world.force(who, said)
    return world.report(recompute=lambda _: Computed(), **checks)


def last(report: Report) -> tuple[str, str]:
    assert report.faults == ()
    assert report.ledger.calibrations == ()
    return report.ledger.entries[-1].code, report.ledger.entries[-1].reason


def test_a_signer_without_the_quality_role_calibrates_nothing() -> None:
    code, reason = forced(a_calibration(), who="dana")
    assert code == "ROLE_MISSING"
    assert "quality" in reason


def test_counts_that_the_rows_do_not_give_are_void() -> None:
    flattering = {**a_calibration().counts, "tn": 15, "fp": 2}
    code, reason = forced(a_calibration(counts=flattering))
    assert code == "RECOMPUTED_DIFFERS"
    assert reason == "fp: recorded 2, the rows give 5; tn: recorded 15, the rows give 12"


def test_a_refuted_calibration_is_seen_by_verify() -> None:
    report = appended(a_world(), a_calibration(counts={**a_calibration().counts, "cases": 39, "groups": 39}))
    assert report.sound
    assert not report.ok
    assert [entry.code for entry in report.refuted] == ["RECOMPUTED_DIFFERS"]


@pytest.mark.parametrize(
    ("table", "code"),
    [
        ({"fp": 0, "tn": 0}, "CALIBRATION_ONE_CLASS"),
        ({"tp": 0, "fn": 0}, "CALIBRATION_ONE_CLASS"),
        ({"tp": 6, "fn": 3}, "CALIBRATION_TOO_SMALL"),
        ({"tp": 10, "fn": 10, "fp": 10, "tn": 10}, "CALIBRATION_USELESS"),
        ({"tp": 4, "fn": 16, "fp": 9, "tn": 3}, "CALIBRATION_USELESS"),
    ],
)
def test_a_judge_that_cannot_be_told_from_chance_is_not_calibrated(table: dict[str, int], code: str) -> None:
    shard = labelled.dump(rows(**table))
    assert forced(a_calibration(shard), shard)[0] == code


@pytest.mark.parametrize(
    "changes",
    [
        {"counts": {"tp": 10}},
        {"counts": {**a_calibration().counts, "cases": 500}},
        {"counts": {**a_calibration().counts, "groups": 0}},
        {"counts": {**a_calibration().counts, "frame_passed": 9, "frame_failed": 9}},
        {"results": ()},
    ],
)
def test_counts_of_no_table_are_void(changes: dict[str, Any]) -> None:
    assert forced(a_calibration(**changes))[0] == "CALIBRATION_MALFORMED"


@pytest.mark.parametrize(
    "shard",
    [
        b'{"not":"a row"}\n',
        SHARD + SHARD.splitlines(keepends=True)[-1],
        SHARD.replace(b'"label":1', b'"label":0', 1),
        SHARD.replace(b'"0.9"', b'"0.90"', 1),
    ],
)
def test_rows_that_are_none_are_void(shard: bytes) -> None:
    said = a_calibration(results=(canonical.sha256(shard),))
    assert forced(said, shard)[0] == "EVIDENCE_MALFORMED"


def test_a_draw_from_no_effective_evaluation_is_void() -> None:
    drawn = {**a_calibration().counts, "frame_passed": 30, "frame_failed": 30}
    assert forced(a_calibration(drawn_from=("a" * 64,), counts=drawn))[0] == "DRAW_DIFFERS"


def evaluated(**changes: Any) -> tuple[World, Record]:
    world = a_world()
    world.publish(FIRST)
    return world, world.evaluate(FIRST, by_rule=BY_RULE, **changes)


def a_draw(record: Record, **changes: Any) -> Calibration:
    counts = {**a_calibration().counts, "frame_passed": 25, "frame_failed": 15}
    return a_calibration(
        **{"behaviour": FIRST.behaviour_digest, "drawn_from": (record.digest,), "counts": counts, **changes}
    )


@pytest.mark.parametrize(
    "changes", [{"judge_digest": "b" * 64}, {"evalset_digest": "b" * 64}, {"metric_version": "2"}, {"behaviour": ""}]
)
def test_a_draw_by_another_yardstick_is_void(changes: dict[str, str]) -> None:
    world, record = evaluated()
    assert last(appended(world, a_draw(record, **changes)))[0] == "DRAW_DIFFERS"


def test_labels_that_were_chosen_are_no_draw() -> None:
    world, record = evaluated()
    report = appended(world, a_draw(record), check_draw=lambda *_: "some were left out")
    assert last(report) == ("NOT_DRAWN", "some were left out")
    assert [entry.code for entry in report.refuted] == ["NOT_DRAWN"]


def test_what_was_drawn_is_checked_against_the_evidence_that_it_names() -> None:
    world, record = evaluated()
    seen: list[tuple[str, int, list[bytes]]] = []

    def check(said: Calibration, found: Any, shards: Iterable[bytes]) -> str:
        seen.append((said.metric, len(found), list(shards)))
        return ""

    report = appended(world, a_draw(record), check_draw=check)
    assert len(report.ledger.calibrations) == 1
    (evaluation,) = report.ledger.evaluations
    shards = [world.files[f"audit/evidence/{digest}.jsonl"] for digest in evaluation.evaluation.results]
    assert seen == [("groundedness", 40, shards)]


def test_missing_rows_are_a_fault() -> None:
    world = a_world()
    calibrated(world)
    del world.files[f"audit/evidence/{canonical.sha256(SHARD)}.jsonl"]
    assert [fault.code for fault in world.report().faults] == ["MISSING"]


# What a calibration opens


def in_production(world: World, release: Release = FIRST) -> list[str]:
    world.approve("ravi", release)
    world.promote(release)
    world.approve("ravi", release, "production")
    return codes(world.plan(release, "production").refusals)


def test_an_uncalibrated_judge_opens_no_production() -> None:
    world, _ = evaluated()
    assert in_production(world) == ["ADVISORY_JUDGE"]


def test_a_calibrated_judge_opens_production() -> None:
    world, _ = evaluated()
    calibrated(world)
    assert in_production(world) == []
    world.promote(FIRST, "production")
    assert world.ledger.state("production", PROMPT) is not None


def test_the_calibration_of_another_judge_opens_nothing_and_both_are_named() -> None:
    world, _ = evaluated(judge_parts={"kind": "native", "model": "small-1"})
    calibrated(world, judge_digest="b" * 64)
    assert in_production(world) == ["CALIBRATION_OTHER_JUDGE"]
    (refused,) = world.plan(FIRST, "production").refusals
    for part in ("b" * 12, JUDGE[:12], "large-1", "small-1", "differ in model"):
        assert part in refused.text


def test_the_calibration_of_another_version_of_the_metric_opens_nothing() -> None:
    world, _ = evaluated(metrics={"groundedness": "2"})
    calibrated(world)
    assert in_production(world) == ["CALIBRATION_OTHER_VERSION"]


def test_the_calibration_of_another_metric_opens_nothing() -> None:
    world, _ = evaluated()
    calibrated(world, metric="faithfulness")
    assert in_production(world) == ["ADVISORY_JUDGE"]


def test_a_floor_on_a_judged_metric_wants_its_calibration_too() -> None:
    world = a_world()
    floors = {
        "staging": an_environment(),
        "production": an_environment(judges=["calibrated"], floors={"faithfulness": {"min": 0.5}}),
    }
    world.set_policy({**world.mapping, "environments": floors})
    world.publish(FIRST)
    world.evaluate(FIRST, by_rule=BY_RULE, metrics={"groundedness": "1", "faithfulness": "1"})
    calibrated(world)
    assert in_production(world) == ["ADVISORY_JUDGE"]


def test_an_evaluation_that_says_nothing_of_rules_counts_as_judged_throughout() -> None:
    world = a_world()
    world.publish(FIRST)
    world.evaluate(FIRST, metrics={"groundedness": "1", "cost_usd": "1"})
    calibrated(world)
    assert in_production(world) == ["ADVISORY_JUDGE"]


def test_what_a_judge_scored_cannot_pass_for_a_rule() -> None:
    world = a_world()
    world.publish(FIRST)
    world.evaluate(FIRST, by_rule=("groundedness",), counts={"cases": 30, "rows": 30})

    report = world.report(recompute=lambda _: Computed(judged=frozenset({"groundedness"})))
    assert report.ledger.entries[-1].code == "RECOMPUTED_DIFFERS"
    assert "groundedness: recorded as measured by rule" in report.ledger.entries[-1].reason


def test_where_only_rules_decide_no_judge_is_asked_about() -> None:
    world = a_world()
    release = replace(FIRST, bars={**FIRST.bars, "thresholds": {"cost_usd": {"max": 1}}})
    world.publish(release)
    record = world.evaluate(release, by_rule=BY_RULE, metrics={"groundedness": "1", "cost_usd": "1"})
    said = record.predicate()
    assert isinstance(said, predicates.Evaluation)
    assert world.ledger.judge_standing(said, ["cost_usd"]) == "none"
    assert world.ledger.judge_standing(said, ["cost_usd", "groundedness"]) == "advisory"


@pytest.mark.parametrize(("line", "codes"), [(0.5, []), (0.8, ["ADVISORY_JUDGE"])])
def test_a_rate_wants_the_line_where_the_bar_draws_it(line: float, codes: list[str]) -> None:
    world = a_world()
    bars = {**FIRST.bars, "thresholds": {"groundedness": {"min": 0.5, "pass_at": line}}}
    release = replace(FIRST, bars=bars)
    world.publish(release)
    world.evaluate(release)
    calibrated(world)
    assert in_production(world, release) == codes


def test_the_newest_effective_calibration_counts() -> None:
    world = a_world()
    calibrated(world)
    second = calibrated(world, labels="c" * 64)
    calibrated(world, pass_at="0.8")
    ledger = world.ledger
    found = ledger.calibration(JUDGE, "groundedness", "1", "0.5")
    assert found is not None
    assert found.entry.digest == second.digest
    assert len(ledger.calibrations_of(JUDGE)) == 3
    assert ledger.calibration(JUDGE, "groundedness", "1", "0.7") is None
    assert ledger.calibrations_of("d" * 64) == ()


def test_why_shows_the_calibration_behind_the_evaluation() -> None:
    world, _ = evaluated()
    record = calibrated(world)
    assert in_production(world) == []
    world.promote(FIRST, "production")
    links = provenance.why(world.report(), world.tree, PROMPT, "production")
    (link,) = [link for link in links if link.what == "calibration"]
    assert (link.digest, link.ok, link.who) == (record.digest, True, "quinn")
    assert "40 labelled answers, pass at 0.5: sensitivity 0.87, specificity 0.71" in link.detail
    assert any("embedded-lexical (calibrated)" in link.detail for link in links if link.what == "evaluation")


def test_nothing_void_is_ever_written() -> None:
    world = a_world()
    with pytest.raises(Refusal) as caught:
        world.write("dana", a_calibration(), evidence=(SHARD,))
    assert caught.value.code == "ROLE_MISSING"


def test_a_calibration_reads_back_as_it_was_written() -> None:
    said = a_calibration()
    assert predicates.read("calibration", predicates.write(said)) == said
    with pytest.raises(PredicateError):
        predicates.read("calibration", {**predicates.write(said), "passAt": "half"})
