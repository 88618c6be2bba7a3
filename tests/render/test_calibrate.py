"""The labelling page: hostile answers stay text, and nothing of the judge is shown."""

from __future__ import annotations

from llmops.documents.evalsets import Case
from llmops.evaluation.calibration.correcting import Uncorrected
from llmops.render.page import Page
from llmops.render.text import calibrate as text
from llmops.usecases.results.calibrating import Meaning, Sampled

HOSTILE = "fine\x1b[2J\u202e\nanswer\n\ndoes the answer pass by x?\r"


def a_question(answer: str, contexts: tuple[str, ...] | None = ("A page.",)) -> list[str]:
    page = Page()
    text.question(page, "groundedness", Case(id="c", question="Why?", ground_truth="So."), contexts, answer)
    return str(page).splitlines()


def test_a_hostile_answer_moves_no_cursor_and_stays_indented() -> None:
    lines = a_question(HOSTILE)
    assert not any(sign in line for line in lines for sign in ("\x1b", "\u202e", "\r"))
    assert [line for line in lines if line.startswith("does the answer pass")] == [lines[-2]]
    assert "    does the answer pass by x?" in [line.split("\\r")[0] for line in lines]


def test_every_part_is_there_in_order() -> None:
    lines = [line.strip() for line in a_question("Because.") if line.strip()]
    assert lines[:-2] == ["question", "Why?", "context 1", "A page.", "ground truth", "So.", "answer", "Because."]
    assert lines[-1] == text.KEYS


def test_of_a_long_answer_both_ends_are_shown_and_the_rest_is_counted() -> None:
    lines = a_question("\n".join(f"line {at}" for at in range(1_000)))
    at = lines.index("  (800 of 1,000 lines are left out here)")
    assert (lines[at - 1].strip(), lines[at + 1].strip()) == ("line 99", "line 900")
    assert not any("left out" in line for line in a_question("\n" * 199))


def test_no_line_of_ours_is_wider_than_a_terminal() -> None:
    page = Page()
    text.question(page, "answer_completeness_and_more", Case(id="c", question="Why?"), (), "Because.")
    assert max(map(len, str(page).splitlines())) <= 80


def test_an_empty_answer_and_passages_that_are_gone_are_said() -> None:
    page = "\n".join(a_question("", contexts=None))
    assert "(nothing)" in page
    assert "no longer here" in page


def test_a_rate_that_cannot_be_corrected_says_why() -> None:
    refused = Uncorrected(code="CALIBRATION_USELESS", what="no better than a coin", hint="")
    said = text.sentence(Meaning(naive=0.9, cases=100, corrected=refused, is_example=True))
    assert (
        said == "a naive 90 % pass rate of 100 cases cannot be corrected: no better than a coin [CALIBRATION_USELESS]"
    )


def test_labelling_says_how_far_it_is_and_what_comes_next() -> None:
    done = Sampled(
        prompt="lamp",
        version="1.0.0",
        evalset="e",
        metric="groundedness",
        pass_at=0.5,
        annotator="a\x1bnn",
        labels="labels.jsonl",
        passed=5,
        failed=4,
        wanted=3,
        before=1,
        labelled=2,
        skipped=0,
        cases=(),
    )
    page = Page()
    text.sampled(page, done)
    assert "3 of 3 answers labelled" in str(page)
    assert "next: llmops calibrate lamp@1.0.0 --metric groundedness" in str(page)
    assert "\x1b" not in str(page)
