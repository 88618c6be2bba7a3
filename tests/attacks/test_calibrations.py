"""Calibrations that would let a judge decide where only calibrated ones may: by an author, or of another judge."""

from __future__ import annotations

import json

from tests.attacks import plans
from tests.attacks.plans import PROMPT
from tests.attacks.repository import Attacked
from tests.cli.conftest import Done

LABELLED = "1.2.0"
LABELS = "evalsets/plans/labels.jsonl"


def candidate(repo: Attacked) -> None:
    """1.1.0 waits for an environment that wants a calibrated judge; 1.2.0 was answered to be labelled."""
    with repo.pull_request("candidate"):
        repo.prompt(text=plans.BRIEF)
        # A calibration is about a judge that is asked once.
        repo.bars(lambda bars: bars.update(judge_repeats=1))
    repo.evaluate()
    with repo.pull_request("to-label", version=LABELLED):
        repo.prompt(LABELLED, text=plans.HALVING)
    repo.evaluate(LABELLED)
    shard = repo.payload(repo.newest("evaluation"))["predicate"]["results"][0]
    lines = (repo.folder / f"audit/evidence/{shard}.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    data = plans.labels(rows, "faithfulness", lambda row: int(f"costs {plans.UNSUPPORTED}" not in row["answer"]))
    repo.commit({LABELS: data}, "labels")


def calibrate(repo: Attacked, person: str) -> Done:
    repo.sign_as(person)
    done = repo(
        "calibrate", f"{PROMPT}@{LABELLED}", "--metric", "faithfulness", "--pass-at", "0.5", "--record", "--json"
    )
    repo.sign_as("release-job")
    return done


def test_a_calibration_by_the_quality_role_lets_the_judge_decide(repo: Attacked) -> None:
    candidate(repo)
    assert repo.release(environment="strict").codes == ("ADVISORY_JUDGE",)
    done = calibrate(repo, "quinn")
    assert done.code == 0, done.out + done.err
    found = repo.release(environment="strict")
    assert (found.verdict, found.promote.code) == ("PASS", 0), found.said + found.promote.out


def test_a_calibration_by_the_author_counts_for_nothing(repo: Attacked) -> None:
    candidate(repo)
    done = calibrate(repo, "mia")
    assert (done.code, done.json["error"]["code"]) == (1, "ROLE_MISSING")
    found = repo.release(environment="strict")
    assert (found.codes, found.promote.code) == (("ADVISORY_JUDGE",), 1)


def test_a_calibration_of_the_judge_before_it_was_swapped_counts_for_nothing(repo: Attacked) -> None:
    candidate(repo)
    assert calibrate(repo, "quinn").code == 0
    with repo.pull_request("swapped", version="1.3.0"):
        repo.prompt("1.3.0", text="Answer from the passage, in one line.")
        config = json.loads((repo.folder / "llmops.yaml").read_bytes())
        config["judges"]["strict"]["model"] = "kind"
        repo.write({"llmops.yaml": json.dumps(config).encode()})
    repo.evaluate("1.3.0")
    found = repo.release("1.3.0", environment="strict")
    assert (found.codes, found.promote.code) == (("ADVISORY_JUDGE",), 1)
    assert "CALIBRATION_OTHER_JUDGE" in found.promote.out
