"""Cases of the evalset that a prompt gives away."""

from __future__ import annotations

import json

from llmops.documents.lint import leaks
from tests.documents.lint.builders import a_prompt, a_tree, findings, told

QUESTION = "How long may a borrower wait before the lock ends?"
ANSWER = "The lock ends sixty days after the lender has signed it."
FIRST = "evalset: locks\nfew_shots:\n- user: Who are you?\n  assistant: A helper.\n"
SHOT = FIRST + "- user: {user}\n  assistant: Ask the desk.\n"
MANIFEST = "name: locks\nversion: 1.0.0\ndescription: Locks.\nlicence: CC0-1.0\nsource: cases.jsonl\n"


def a_case(name: str = "wait", **fields: str) -> str:
    return json.dumps({"id": name, "question": QUESTION, "ground_truth": ANSWER, **fields}) + "\n"


def a_repository(user: str, cases: str = a_case(), manifest: str = MANIFEST, **more: str):  # type: ignore[no-untyped-def]
    files = {"evalsets/locks/evalset.yaml": manifest, "evalsets/locks/cases.jsonl": cases}
    return a_tree(a_prompt(more=SHOT.format(user=user)), **files, **more)


def test_a_few_shot_that_asks_a_cases_question_is_named_with_the_case() -> None:
    (found,) = findings(a_repository(QUESTION))
    assert (found.rule, found.is_error) == ("case-leaked", False)
    assert (found.location.path, found.location.line) == ("prompts/support/prompt.yaml", 9)
    assert "few_shots[1].user gives away case wait: its question stands in it" in found.message


def test_a_few_shot_that_asks_something_else_is_fine() -> None:
    assert told(a_repository("How long is the cord of the lamp on the desk?")) == []


def test_an_answer_in_the_prompts_text_is_found() -> None:
    tree = a_tree(
        a_prompt(template=f"'{ANSWER} {{{{ question }}}}'", more="evalset: locks\n"),
        **{"evalsets/locks/evalset.yaml": MANIFEST, "evalsets/locks/cases.jsonl": a_case()},
    )
    (found,) = findings(tree)
    assert "template gives away case wait: its ground_truth stands in it" in found.message


def test_columns_of_other_names_are_read() -> None:
    cases = json.dumps({"key": "wait", "asked": QUESTION}) + "\n"
    manifest = f"{MANIFEST}columns: {{id: key, question: asked}}\n"
    (found,) = findings(a_repository(QUESTION, cases, manifest))
    assert "case wait" in found.message


def test_many_leaks_are_cut_short_with_their_number() -> None:
    cases = "".join(a_case(f"c{number}", ground_truth="") for number in range(30))
    found = findings(a_repository(QUESTION, cases))
    assert len(found) == leaks.MOST_FINDINGS
    assert "30 cases in all" in found[0].fix


def test_a_large_evalset_is_left_to_the_command() -> None:
    cases = a_case() + a_case("big", question="x " * (leaks.MOST_BYTES // 2))
    assert told(a_repository(QUESTION, cases)) == []


def test_rows_that_cannot_be_read_are_for_other_rules() -> None:
    found = findings(a_repository(QUESTION, a_case() + "[1]\n{broken\n"))
    assert [one.rule for one in found if one.rule == "case-leaked"] == ["case-leaked"]
