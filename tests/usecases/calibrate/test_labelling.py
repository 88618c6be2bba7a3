"""The labelling loop: blind, resumable, and a draw wherever somebody stops."""

from __future__ import annotations

from itertools import pairwise

import pytest

from llmops.documents.labels import LEAST
from llmops.errors import CannotAsk, InvalidDocuments
from llmops.evaluation.calibration import labels as labels_of
from llmops.usecases.calibrate.labelling import label, listed
from tests import worlds
from tests.usecases.calibrate.builders import (
    METRIC,
    NAMES,
    PATH,
    SCORES,
    Honest,
    Paper,
    Scripted,
    a_label,
    a_sample,
    a_world,
    calibrate,
    lines,
)
from tests.worlds import World


@pytest.fixture(scope="module")
def world() -> World:
    """Read only."""
    return a_world()


def kept(paper: Paper) -> list[str]:
    return [one.case for one in labels_of.parse(paper.data, PATH).labels]


def test_without_a_recorded_run_there_is_nothing_to_draw_from() -> None:
    with pytest.raises(CannotAsk) as caught:
        a_sample(worlds.a_world().apply_policy().lock())
    assert caught.value.code == "NO_RUN"
    assert "eval support@1.0.0 --record" in caught.value.hint


def test_what_a_rule_measures_is_not_labelled(world: World) -> None:
    with pytest.raises(CannotAsk) as caught:
        a_sample(world, metric="contains")
    assert caught.value.code == "METRIC_NOT_JUDGED"


def test_wrong_labels_stop_the_loop_before_the_first_question(world: World) -> None:
    person, paper = Honest(), Paper(b'{"case": "c"}\n')
    with pytest.raises(InvalidDocuments):
        label(a_sample(world), paper, person)
    assert person.shown == []


def test_what_is_shown_gives_no_verdict_away(world: World) -> None:
    person = Scripted(["pass"])
    label(a_sample(world), Paper(), person)
    shown = person.shown[0]
    assert not {"score", "verdict", "value"} & {name for name in dir(shown) + dir(shown.known) if name[0] != "_"}
    assert shown.known.text == f"An answer about the {shown.known.case.id}."
    assert shown.known.contexts is None  # this page has no such section


def test_the_order_does_not_alternate_between_verdicts(world: World) -> None:
    person = Honest()
    label(a_sample(world), Paper(), person)
    verdicts = [SCORES[name] > 0.5 for name in person.shown]
    runs = sum(one != other for one, other in pairwise(verdicts))
    assert len(verdicts) == 30
    assert runs < 29


@pytest.mark.parametrize("stop", [0, 1, 7, 20, 29, 30])
def test_wherever_somebody_stops_each_kind_is_the_beginning_of_the_draw(world: World, stop: int) -> None:
    sample, paper = a_sample(world), Paper()
    done = label(sample, paper, Scripted(["pass"] * stop))
    labelled = set(kept(paper))
    assert (done.labelled, done.left) == (stop, 30 - stop)
    for stratum in (sample.draw.passed, sample.draw.failed):
        inside = [row.case in labelled for row in stratum]
        assert inside == sorted(inside, reverse=True)


def test_the_same_command_goes_on_where_it_stopped(world: World) -> None:
    paper, first, second = Paper(), Scripted(["pass"] * 12), Honest()
    label(a_sample(world), paper, first)
    done = label(a_sample(world), paper, second)
    shown = [each.known.case.id for each in first.shown]
    assert second.shown == [shown[12], *second.shown[1:]]
    assert (done.before, done.labelled, done.is_over, len(set(kept(paper)))) == (12, 18, True, 30)
    again = Honest()
    assert label(a_sample(world), paper, again).is_over
    assert again.shown == []


def test_another_annotator_begins_at_the_beginning(world: World) -> None:
    paper = Paper()
    label(a_sample(world), paper, Honest())
    assert label(a_sample(world, annotator="bob"), paper, Honest()).labelled == 30


def test_more_answers_continue_the_same_draw(world: World) -> None:
    paper, more = Paper(), Honest()
    label(a_sample(world, 20), paper, Honest())
    done = label(a_sample(world, 26), paper, more)
    assert (done.before, len(more.shown)) == (20, 6)


def test_undo_takes_the_last_label_back_and_asks_again(world: World) -> None:
    person, paper = Scripted(["pass", "fail", "undo", "undo", "undo", "fail"]), Paper()
    done = label(a_sample(world), paper, person)
    shown = [each.known.case.id for each in person.shown]
    assert shown[:6] == [shown[0], shown[1], shown[2], shown[1], shown[0], shown[0]]
    assert [each.can_undo for each in person.shown[:6]] == [False, True, True, True, False, False]
    assert (done.labelled, kept(paper)) == (1, [shown[0]])
    assert labels_of.parse(paper.data, PATH).labels[0].label == 0


def test_a_skipped_answer_comes_again_after_all_others(world: World) -> None:
    person, paper = Scripted(["skip", *["pass"] * 29]), Paper()
    done = label(a_sample(world), paper, person)
    assert (done.labelled, done.skipped, done.left) == (29, 1, 1)
    assert person.shown[30].known.case.id == person.shown[0].known.case.id
    assert done.cases == (person.shown[0].known.case.id,)


def test_what_was_labelled_is_a_draw_for_calibrate(world: World) -> None:
    sample, paper = a_sample(world), Paper()
    label(sample, paper, Honest())
    found = calibrate(world, paper.data, is_version=True)
    assert (found.is_drawn, found.answers) == (True, 30)
    assert LEAST == 10


def test_without_anybody_the_cases_are_listed(world: World) -> None:
    done = listed(a_sample(world, 40), lines([a_label(name) for name in NAMES[:2]]))
    assert (done.before, done.labelled, len(done.cases)) == (2, 0, 38)
    assert set(done.cases) == set(NAMES[2:])
    assert done.metric == METRIC
