"""Evidence that is not the candidate's, is chosen, is made by hand, or is not complete."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from llmops.cli.context import Context
from llmops.cli.session import Globals
from llmops.usecases.evaluate import recording, subjects
from llmops.usecases.evaluate.subjects import Subject
from llmops.usecases.records import ledgers
from llmops.usecases.results.evaluating import Evaluated
from tests.attacks import plans
from tests.attacks.plans import PROMPT
from tests.attacks.repository import NEXT, Attacked, assert_refused


def test_evidence_of_the_behaviour_before_the_last_edit_is_none(repo: Attacked) -> None:
    with repo.pull_request("edited-afterwards"):
        repo.prompt(text=plans.BRIEF)
        repo.git("add", "-A")
        repo.ok("lock", PROMPT)
        repo.git("commit", "-q", "-m", "evaluate me")
        repo.sign_as("release-job")
        repo.evaluate()
        repo.sign_as("mia")
        repo.prompt(text=plans.GUESSING)
    assert_refused(repo, repo.release(), "NO_EVIDENCE", verdict="NOT_RUN")


def test_evidence_of_a_sibling_version_is_none(repo: Attacked) -> None:
    with repo.pull_request("sibling"):
        repo.prompt(text=plans.BRIEF)
    repo.evaluate()
    with repo.pull_request("the-other", version="1.2.0"):
        repo.prompt("1.2.0", text=plans.GUESSING)
    assert_refused(repo, repo.release("1.2.0"), "NO_EVIDENCE", verdict="NOT_RUN")


def test_evidence_of_another_prompt_is_none(repo: Attacked) -> None:
    with repo.pull_request("another-prompt"):
        repo.prompt(text=plans.GUESSING)
        other = plans.prompt_file("1.0.0", plans.BRIEF).replace(b"prompt_name: plans", b"prompt_name: other")
        repo.write({"prompts/other/prompt.yaml": other, "prompts/other/thresholds.yaml": plans.bars_file()})
        repo.git("add", "-A")
        repo.ok("lock", "other")
    repo.ok("eval", "other@1.0.0", "--record")
    assert_refused(repo, repo.release(), "NO_EVIDENCE", verdict="NOT_RUN")


def test_evaluating_again_until_it_comes_out_well_counts_the_first_time(repo: Attacked) -> None:
    with repo.pull_request("gamble"):
        repo.prompt(text=plans.GAMBLING)
    repo.evaluate()
    repo.forget_answers()
    repo.evaluate()
    assert_refused(repo, repo.release(), "BELOW_BAR", "SLICE_BELOW_BAR", "DROPPED", verdict="FAIL")


def test_evaluating_again_with_one_metric_more_counts_the_first_time(repo: Attacked) -> None:
    with repo.pull_request("gamble"):
        repo.prompt(text=plans.GAMBLING.replace("gamble", "gamble once more"))
    repo.evaluate()
    repo.forget_answers()
    repo.evaluate(NEXT, "--metrics", "coherence")
    assert_refused(repo, repo.release(), "BELOW_BAR", "SLICE_BELOW_BAR", "DROPPED", verdict="FAIL")


def test_an_author_cannot_record_evidence(repo: Attacked) -> None:
    with repo.pull_request("own-evidence"):
        repo.prompt(text=plans.BRIEF)
    repo.sign_as("mia")
    done = repo("eval", f"{PROMPT}@{NEXT}", "--record", "--json")
    assert (done.code, done.json["error"]["code"]) == (1, "ROLE_MISSING")
    found = repo.release()
    assert_refused(repo, found, "NO_EVIDENCE", verdict="NOT_RUN")


def test_a_score_edited_by_hand_breaks_the_audit_and_stops_every_promotion(repo: Attacked) -> None:
    with repo.pull_request("edited-score"):
        repo.prompt(text=plans.GUESSING)
    repo.evaluate()
    shard = repo.payload(repo.newest("evaluation"))["predicate"]["results"][0]
    repo.tamper(f"audit/evidence/{shard}.jsonl", lambda data: data.replace(b'"value":"0"', b'"value":"1"'))
    assert_broken(repo, "TAMPERED")


def test_a_record_edited_by_hand_is_void(repo: Attacked) -> None:
    with repo.pull_request("edited-record"):
        repo.prompt(text=plans.GUESSING)
    good = repo.payload(repo.newest("evaluation"))["predicate"]["behaviour"]
    repo.evaluate()
    path = repo.newest("evaluation")
    behaviour = repo.payload(path)["predicate"]["behaviour"]
    repo.tamper(path, lambda data: data.replace(behaviour.encode(), good.encode()))
    assert repo("audit", "verify").code == 1
    record = repo("audit", "log", "--json").json["result"]["entries"][-1]
    assert record["code"] == "BAD_SIGNATURE"
    gate = repo("gate", f"{PROMPT}@{NEXT}", "--env", "staging", "--json")
    assert gate.code == 4
    assert [reason["code"] for reason in gate.json["result"]["decision"]["reasons"]] == ["NO_EVIDENCE"]
    assert repo("promote", f"{PROMPT}@{NEXT}", "--to", "staging").code != 0


def test_a_good_record_copied_for_the_candidate_breaks_the_audit(repo: Attacked) -> None:
    with repo.pull_request("copied-record"):
        repo.prompt(text=plans.GUESSING)
    path = repo.newest("evaluation")
    last = max(int(file.name[:6]) for file in (repo.folder / "audit/records").rglob("*.json"))
    copied = path.replace(path.split("/")[-1][:6], f"{last + 1:06}")
    repo.commit({copied: (repo.folder / path).read_bytes()}, "one more evaluation")
    assert_broken(repo, "DUPLICATED")


def assert_broken(repo: Attacked, code: str) -> None:
    """The audit says no by this code; gate and promotion refuse to decide on such records."""
    audit = repo("audit", "verify", "--json")
    assert audit.code == 1
    faults = {fault["code"] for fault in audit.json["result"]["report"]["faults"]}
    assert code in faults, faults
    for words in (("gate", f"{PROMPT}@{NEXT}", "--env", "staging"), ("promote", f"{PROMPT}@{NEXT}", "--to", "staging")):
        done = repo(*words, "--json")
        assert done.code == 1
        assert done.json["error"]["code"] == "VERIFICATION_FAILED"


def record(repo: Attacked, change: Any) -> None:
    """Evidence by somebody who holds the evaluator's key and changes what was measured before signing it."""
    world = Context(Globals())
    tree = ledgers.read(world.repository, world.records()).tree
    subject = subjects.locked(world.repository, tree, PROMPT, NEXT)
    said = measured(repo, subject)
    recording.record(world.desk(), subject, replace(said, rows=tuple(change(said.rows))))


def measured(repo: Attacked, subject: Subject) -> Evaluated:
    from llmops.usecases.evaluate import evaluating

    world = Context(Globals())
    return evaluating.evaluate(world.tools(), subject)


def test_evidence_without_the_cases_that_fail_is_not_complete(repo: Attacked) -> None:
    with repo.pull_request("missing-cases"):
        repo.prompt(text=plans.GUESSING)
    record(repo, lambda rows: [row for row in rows if row.case not in ("plan-04", "plan-05")])
    found = repo.release()
    assert_refused(repo, found, "COVERAGE_TOO_LOW")
    assert "the case was not run" in found.said


def test_evidence_with_rows_twice_counts_each_once(repo: Attacked) -> None:
    with repo.pull_request("duplicates"):
        repo.prompt(text=plans.GUESSING)
    record(repo, lambda rows: [*rows, *[row for row in rows if row.scores["contains"].value == 1] * 3])
    assert_refused(repo, repo.release(), "BELOW_BAR", "SLICE_BELOW_BAR", "DROPPED", verdict="FAIL")


def test_evidence_of_cases_that_the_evalset_does_not_have_counts_nothing(repo: Attacked) -> None:
    with repo.pull_request("invented-cases"):
        repo.prompt(text=plans.GUESSING)

    def invented(rows: Any) -> Any:
        good = [row for row in rows if row.scores["contains"].value == 1]
        return [*rows, *[replace(row, case=f"{row.case}-{copy}") for row in good for copy in range(5)]]

    record(repo, invented)
    assert_refused(repo, repo.release(), "BELOW_BAR", "SLICE_BELOW_BAR", "DROPPED", verdict="FAIL")


def test_evidence_with_extra_repeats_of_what_went_well(repo: Attacked) -> None:
    """Repeats are averaged within a case: more of the good ones lift no case that failed."""
    with repo.pull_request("more-repeats"):
        repo.prompt(text=plans.GUESSING)

    def repeated(rows: Any) -> Any:
        good = [row for row in rows if row.scores["contains"].value == 1]
        return [*rows, *[replace(row, repeat=row.repeat + 2 * more) for row in good for more in range(1, 5)]]

    record(repo, repeated)
    assert_refused(repo, repo.release(), "BELOW_BAR", "SLICE_BELOW_BAR", "DROPPED", verdict="FAIL")


def test_a_selection_of_cases_is_no_beginning_of_the_order(repo: Attacked) -> None:
    """Stopping early is allowed on exactly the first cases of an order that nobody chooses; not on the best ones."""
    with repo.pull_request("selection"):
        repo.prompt(text=plans.GUESSING.replace("quickly", "slowly"))
    best = [f"plan-{number:02}" for number in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)]
    record(repo, lambda rows: [row for row in rows if row.case in best])
    found = repo.release()
    assert_refused(repo, found, "COVERAGE_TOO_LOW")
