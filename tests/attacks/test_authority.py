"""Who may agree to a looser bar: not everybody, not to everything, and never below a floor."""

from __future__ import annotations

import json
from typing import Any

from tests.attacks import plans
from tests.attacks.repository import Attacked, assert_refused

LOWER = "contains.min:0.75>0.72"
SLICE = "contains.slices.fees.min:0.6>0.1"


def lower(bars: dict[str, Any]) -> None:
    bars["release"]["contains"]["min"] = 0.72


def lower_both(bars: dict[str, Any]) -> None:
    lower(bars)
    bars["release"]["contains"]["slices"] = {"fees": {"min": 0.1}}


def test_an_approval_by_another_role_accepts_no_looser_bar(repo: Attacked) -> None:
    with repo.pull_request("wrong-role"):
        repo.bars(lower)
    repo.publish()
    repo.approve("ravi", LOWER)
    assert_refused(repo, repo.release(), "NEEDS_QUALITY")


def test_somebody_without_the_role_cannot_sign_as_quality(repo: Attacked) -> None:
    with repo.pull_request("borrowed-role"):
        repo.bars(lower)
    repo.publish()
    repo.sign_as("ravi")
    done = repo("approve", "plans@1.1.0", "--env", "staging", "--role", "quality", "--accept", LOWER, "--yes", "--json")
    assert (done.code, done.json["error"]["code"]) == (1, "APPROVAL_REFUSED")
    assert_refused(repo, repo.release(), "NEEDS_QUALITY")


def test_an_approval_of_one_looser_bar_accepts_no_other(repo: Attacked) -> None:
    with repo.pull_request("two-for-one"):
        repo.bars(lower_both)
    repo.publish()
    assert repo.approve("quinn", LOWER).code == 0
    found = repo.release()
    assert_refused(repo, found, "NEEDS_QUALITY")
    assert SLICE in found.promote.out
    assert LOWER not in found.promote.out


def test_an_approval_of_a_change_that_is_not_there_is_refused(repo: Attacked) -> None:
    with repo.pull_request("something-else"):
        repo.bars(lower)
    repo.publish()
    done = repo.approve("quinn", "contains.min:0.75>0.1")
    assert (done.code, done.json["error"]["code"]) == (1, "NO_SUCH_CHANGE")
    assert_refused(repo, repo.release(), "NEEDS_QUALITY")


def test_an_approval_of_another_version_accepts_nothing(repo: Attacked) -> None:
    with repo.pull_request("approved-once"):
        repo.bars(lower)
    repo.publish()
    assert repo.approve("quinn", LOWER).code == 0
    with repo.pull_request("reused", version="1.2.0"):
        repo.prompt("1.2.0", text=plans.BRIEF)
    repo.evaluate("1.2.0")
    found = repo.release("1.2.0")
    assert_refused(repo, found, "NEEDS_QUALITY")


def test_an_approval_for_another_environment_accepts_nothing_here(repo: Attacked) -> None:
    with repo.pull_request("elsewhere"):
        repo.bars(lower)
    repo.publish()
    assert repo.approve("quinn", LOWER, environment="closed").code == 0
    assert_refused(repo, repo.release(), "NEEDS_QUALITY")


def test_who_wrote_the_change_does_not_agree_to_it(repo: Attacked) -> None:
    with repo.pull_request("own-change"):
        repo.bars(lower)
        repo.sign_as("quinn")
    repo.publish()
    repo.sign_as("quinn")
    done = repo.approve("quinn", LOWER)
    assert done.code == 1
    assert done.json["error"]["code"] == "APPROVAL_REFUSED"
    assert_refused(repo, repo.release(), "NEEDS_QUALITY")


def below_the_floor(bars: dict[str, Any]) -> None:
    bars["release"]["contains"] = {"min": 0.1, "min_cases": 20, "slices": {"fees": {"min": 0.1}}, "max_drop": 1.0}


def test_no_approval_goes_below_a_floor(repo: Attacked) -> None:
    with repo.pull_request("under-the-floor"):
        repo.prompt(text=plans.GUESSING)
        repo.bars(below_the_floor)
    repo.evaluate()
    before = repo.release()
    assert before.verdict == "FAIL"
    assert repo.approve("quinn", *before.loosenings).code == 0
    found = repo.release()
    assert_refused(repo, found, "BELOW_BAR", verdict="FAIL")
    assert "required is at least 0.7" in found.said


def test_a_floor_that_the_pull_request_removes_still_holds(repo: Attacked) -> None:
    with repo.pull_request("no-floor"):
        repo.prompt(text=plans.GUESSING)
        repo.bars(below_the_floor)
        config = json.loads((repo.folder / "llmops.yaml").read_bytes())
        del config["governance"]["environments"]["staging"]["floors"]
        config["governance"]["principals"]["mia"]["roles"] += ["root", "quality"]
        repo.write({"llmops.yaml": json.dumps(config).encode()})
    repo.evaluate()
    before = repo.release()
    assert repo.approve("quinn", *before.loosenings).code == 0
    assert_refused(repo, repo.release(), "BELOW_BAR", verdict="FAIL")
    repo.sign_as("mia")
    applied = repo("policy", "apply", "--json")
    assert applied.code == 1
    assert applied.json["error"]["code"] == "NOT_ROOT"


def test_an_advisory_judge_opens_no_environment_that_wants_a_calibrated_one(repo: Attacked) -> None:
    with repo.pull_request("advisory"):
        repo.prompt(text=plans.BRIEF)
    repo.evaluate()
    found = repo.release(environment="strict")
    assert found.codes == ("ADVISORY_JUDGE",)
    assert found.promote.code == 1
