"""A pull request that brings its own yardstick: easier cases, fewer of them, another judge, other answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.attacks import plans
from tests.attacks.repository import Attacked, assert_refused


def without(*ids: str) -> list[dict[str, Any]]:
    return [row for row in plans.cases() if row["id"] not in ids]


def easier(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, "contains": ["dollars"]} for row in rows]


def test_a_shrunk_evalset_is_listed_and_its_removed_cases_count_as_failed(repo: Attacked) -> None:
    with repo.pull_request("shrink"):
        repo.prompt(text=plans.BRIEF)
        repo.cases(without("plan-04", "plan-05", "plan-06"))
    repo.evaluate()
    found = repo.release()
    assert_refused(repo, found, "BASELINE_MISSING", "YARDSTICK_UNMEASURED", "CASES_REMOVED", verdict="FAIL")
    assert "3 cases were removed: plan-04, plan-05, plan-06; not measured, they count as failed" in found.said


def test_a_must_pass_case_that_is_removed_has_failed(repo: Attacked) -> None:
    with repo.pull_request("no-must-pass"):
        repo.prompt(text=plans.SKIPPING)
        repo.cases(without("plan-00"))
    repo.evaluate()
    found = repo.release()
    assert_refused(repo, found, "BASELINE_MISSING", "YARDSTICK_UNMEASURED", "CASES_REMOVED", verdict="FAIL")
    assert (
        "1 case was removed: plan-00 (must pass); not measured, it counts as failed, and so case plan-00" in found.said
    )
    measured = repo.release(evaluated=True)
    assert_refused(repo, measured, "NEEDS_QUALITY", "CASES_REMOVED", "MUST_PASS_FAILED", verdict="FAIL")


def test_a_guessing_prompt_with_cases_that_it_gets_right_fails_on_the_old_ones(repo: Attacked) -> None:
    kept = [row for row in plans.cases() if int(row["id"][-2:]) not in plans.HARD]
    with repo.pull_request("swap"):
        repo.prompt(text=plans.GUESSING)
        repo.bars(lambda bars: bars.update(quarantine=[]))
        repo.cases([*kept, *[plans.a_case(number) for number in range(101, 125)]])
    found = repo.release(evaluated=True)
    assert_refused(
        repo, found, "NEEDS_QUALITY", "CASES_REMOVED", "BELOW_BAR", "SLICE_BELOW_BAR", "DROPPED", verdict="FAIL"
    )
    assert "20 cases were removed" in found.said
    assert "on the cases that what serves was measured with (plans" in found.said


def test_easier_labels_fail_on_the_old_ones(repo: Attacked) -> None:
    with repo.pull_request("easier"):
        repo.prompt(text=plans.GUESSING)
        repo.cases(easier(plans.cases()))
    repo.evaluate()
    assert_refused(repo, repo.release(), "BASELINE_MISSING", "YARDSTICK_UNMEASURED")
    found = repo.release(evaluated=True)
    assert_refused(repo, found, "NEEDS_QUALITY", "BELOW_BAR", "SLICE_BELOW_BAR", "DROPPED", verdict="FAIL")


def test_a_case_that_need_not_pass_any_more_still_has_to(repo: Attacked) -> None:
    with repo.pull_request("excused"):
        repo.prompt(text=plans.SKIPPING)
        repo.cases([{key: value for key, value in row.items() if key != "must_pass"} for row in plans.cases()])
    found = repo.release(evaluated=True)
    assert_refused(repo, found, "NEEDS_QUALITY", "MUST_PASS_FAILED", verdict="FAIL")
    assert "plan-00" in found.said


@pytest.mark.parametrize(
    ("name", "rows", "slices", "codes"),
    [
        ("padded", [*plans.cases(), *[plans.a_case(number) for number in range(50, 90)]], "[fees]", ("NEEDS_QUALITY",)),
        ("one-group-each", [{**row, "group": f"g{row['id']}"} for row in plans.cases()], "[fees]", ("NEEDS_QUALITY",)),
        (
            "hidden-in-another-slice",
            [{**row, "tags": ["other"]} for row in plans.cases()],
            "[fees, other]",
            ("NOT_MEASURED",),
        ),
    ],
)
def test_every_other_edit_of_the_cases_needs_the_quality_role(
    repo: Attacked, name: str, rows: list[dict[str, Any]], slices: str, codes: tuple[str, ...]
) -> None:
    with repo.pull_request(name):
        repo.cases(rows, slices=slices)
    found = repo.release(evaluated=True)
    assert_refused(repo, found, *codes)
    assert any(item.startswith("evalset:plans@") for item in found.loosenings)


def test_another_evalset_is_another_yardstick_and_not_the_environments(repo: Attacked) -> None:
    with repo.pull_request("other-evalset"):
        prompt = plans.prompt_file("1.1.0", plans.BRIEF).replace(b"evalset: plans", b"evalset: easy")
        manifest = plans.EVALSET.format(name="easy", slices="[fees]").encode()
        few = plans.cases_file(easier(plans.cases()))
        repo.write({"evalsets/easy/evalset.yaml": manifest, "evalsets/easy/cases.jsonl": few})
        repo.write({"prompts/plans/prompt.yaml": prompt})
    repo.evaluate()
    assert_refused(repo, repo.release(), "BASELINE_MISSING", "YARDSTICK_UNMEASURED")
    assert repo.release(environment="closed").codes == ("OTHER_EVALSET",)


def test_an_old_evalset_that_is_nowhere_leaves_it_undecided(repo: Attacked) -> None:
    with repo.pull_request("easier"):
        repo.cases(easier(plans.cases()))
    repo.evaluate()
    tree = repo.git("write-tree")
    parents = repo.git("rev-parse", "HEAD")
    assert parents
    repo.git("update-ref", "refs/heads/main", repo.git("commit-tree", tree, "-m", "history begins here"))
    assert_refused(repo, repo.release(), "NEEDS_QUALITY", "YARDSTICK_UNKNOWN")


def test_another_judge_needs_the_quality_role(repo: Attacked) -> None:
    with repo.pull_request("lenient-judge"):
        repo.bars(lambda bars: bars.update(judge="lenient"))
    assert_refused(repo, repo.release(), "NO_EVIDENCE", verdict="NOT_RUN")
    found = repo.release(evaluated=True)
    assert_refused(repo, found, "NEEDS_QUALITY")
    assert found.loosenings == ("judge:strict>lenient",)


def test_another_judge_under_the_same_name_needs_the_quality_role(repo: Attacked) -> None:
    with repo.pull_request("judge-of-the-same-name"):
        config = json.loads((repo.folder / "llmops.yaml").read_bytes())
        config["judges"]["strict"]["model"] = "kind"
        repo.write({"llmops.yaml": json.dumps(config).encode()})
    found = repo.release()
    assert_refused(repo, found, "NO_EVIDENCE", verdict="NOT_RUN")
    assert "configured is strict" in found.said
    found = repo.release(evaluated=True)
    assert_refused(repo, found, "NEEDS_QUALITY")
    assert found.loosenings[0].startswith("judge.digest:")


def test_a_metric_of_ones_own_that_asks_for_less_needs_the_quality_role(repo: Attacked) -> None:
    with repo.pull_request("easier-metric"):
        repo.prompt(text=plans.BRIEF)
        repo.write({plans.STYLE: plans.STYLE_FILE.replace(b"dollars a year", b"Plan")})
    found = repo.release(evaluated=True)
    assert_refused(repo, found, "NEEDS_QUALITY")
    assert [item.partition(":")[0] for item in found.loosenings] == ["scorer.style"]


def test_answers_of_the_evalset_in_place_of_the_models_need_the_quality_role(repo: Attacked) -> None:
    with repo.pull_request("given-answers"):
        repo.prompt(text=plans.GUESSING)
        repo.bars(lambda bars: (bars.update(target="answers"), bars["release"].pop("tokens")))
        repo.cases([{**row, "answer": row["ground_truth"]} for row in plans.cases()])
    repo.evaluate()
    found = repo.release()
    assert_refused(repo, found, "NOT_MEASURED", "BASELINE_MISSING", "YARDSTICK_UNMEASURED")
    assert "target:prompt>answers" in found.loosenings
    measured = repo("gate", f"{plans.PROMPT}@1.1.0", "--env", "staging", "--eval", "--json")
    assert (measured.code, measured.json["error"]["code"]) == (2, "NO_ANSWERS"), "the old cases bring none"
