"""What a difference shows of the cases that a prompt is measured on."""

from __future__ import annotations

from llmops.documents.evalset_changes import compare
from llmops.documents.freezing.changes import Change, Kind
from llmops.render.page import Page
from llmops.render.text import changes
from llmops.usecases.results.authoring import Difference
from tests.evaluation.builders import a_case, an_evalset

EDIT = Change(path="behaviour.model", kind=Kind.CHANGED, part="behaviour", old="a", new="b")


def shown(**fields: object) -> str:
    page = Page(width=100)
    result = Difference(prompt="p", before="HEAD", after="working files", changes=(EDIT,), **fields)  # type: ignore[arg-type]
    changes.differences(page, (result,))
    return str(page)


def test_each_case_is_shown_with_what_became_of_it() -> None:
    before = an_evalset(a_case("gone", must_pass=True), a_case("eased", must_pass=True), slices=("fees",))
    after = an_evalset(a_case("eased", ground_truth="any"), a_case("new"))
    text = shown(evalset=compare(before, after), yardstick=("evalset",), is_together=True)
    assert "- gone (must pass)" in text
    assert "+ new" in text
    assert "ground_truth: 6% -> any" in text
    assert "must_pass: true -> (none)" in text
    assert "- slice fees" in text
    assert "behaviour and yardstick change together (evalset)" in text


def test_a_behaviour_that_changes_alone_is_shown_without_a_word_about_yardsticks() -> None:
    assert "yardstick" not in shown()


def test_escape_codes_in_a_case_are_not_sent_to_the_terminal() -> None:
    text = shown(evalset=compare(an_evalset(a_case()), an_evalset(a_case(question="\x1b[31mred\x1b[0m"))))
    assert "\x1b" not in text
