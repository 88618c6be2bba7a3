"""What must pass beside the attacks: a gate that stops everything stops nobody for long."""

from __future__ import annotations

import pytest

from tests.attacks import plans
from tests.attacks.plans import PROMPT
from tests.attacks.repository import NEXT, Attacked, Verdict


def assert_promoted(repo: Attacked, found: Verdict, version: str = NEXT) -> None:
    assert (found.verdict, found.codes) == ("PASS", ()), found.said
    assert (found.gate.code, found.promote.code) == (0, 0), found.promote.out
    assert repo.serves() == version
    assert repo("audit", "verify").code == 0


def agreed(repo: Attacked, version: str = NEXT) -> Verdict:
    """What the release job is told once Quinn agreed to exactly what the gate names."""
    before = repo.release(version)
    assert before.promote.code == 1
    assert repo.approve("quinn", *before.loosenings, version=version).code == 0
    return repo.release(version)


def test_a_stricter_bar_needs_nobody(repo: Attacked) -> None:
    with repo.pull_request("stricter"):
        repo.bars(lambda bars: bars["release"]["contains"].update(min=0.8, slices={"fees": {"min": 0.65}}))
    assert_promoted(repo, repo.release())


def test_one_more_metric_and_no_quarantine_need_nobody(repo: Attacked) -> None:
    with repo.pull_request("more"):
        repo.bars(lambda bars: (bars["release"].update(latency_ms={"max": 60_000}), bars.update(quarantine=[])))
    assert_promoted(repo, repo.release())


def test_other_words_that_are_as_good(repo: Attacked) -> None:
    with repo.pull_request("briefly"):
        repo.prompt(text=plans.BRIEF)
    assert_promoted(repo, repo.release(evaluated=True))


def test_a_renumbered_version_keeps_its_evidence(repo: Attacked) -> None:
    with repo.pull_request("renumbered", version="1.3.0"):
        repo.prompt("1.3.0", changelog="The same, under another number.")
    assert_promoted(repo, repo.release("1.3.0"), "1.3.0")


def test_another_description_of_the_evalset_is_no_other_yardstick(repo: Attacked) -> None:
    with repo.pull_request("described"):
        manifest = plans.EVALSET.format(name="plans", slices="[fees]").replace("Made-up", "Invented")
        repo.write({"evalsets/plans/evalset.yaml": manifest.encode()})
    assert_promoted(repo, repo.release())


def test_the_same_evaluation_twice_is_no_offence(repo: Attacked) -> None:
    with repo.pull_request("twice"):
        repo.prompt(text=plans.BRIEF)
    repo.evaluate()
    repo.evaluate()
    assert_promoted(repo, repo.release())


def test_a_looser_bar_that_quality_agreed_to_and_that_counts_from_then_on(repo: Attacked) -> None:
    with repo.pull_request("agreed"):
        repo.bars(lambda bars: bars["release"]["contains"].update(min=0.72))
    assert_promoted(repo, agreed(repo))
    with repo.pull_request("next", version="1.2.0"):
        repo.prompt("1.2.0", text=plans.BRIEF)
    assert_promoted(repo, repo.release("1.2.0", evaluated=True), "1.2.0")


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("added-cases", [*plans.cases(), *[plans.a_case(number) for number in range(50, 60)]]),
        ("mended-label", [*plans.cases()[:-1], {**plans.a_case(23), "ground_truth": "63 dollars."}]),
        ("removed-case", plans.cases()[:-1]),
    ],
)
def test_an_edited_evalset_that_quality_agreed_to(repo: Attacked, name: str, rows: list[dict[str, object]]) -> None:
    with repo.pull_request(name):
        repo.cases(rows)
        repo.bars(lambda bars: bars.update(quarantine=[]))
    before = repo.release(evaluated=True)
    assert "NEEDS_QUALITY" in before.codes, "measured on both, and a person has to agree"
    assert repo.approve("quinn", *before.loosenings).code == 0
    assert_promoted(repo, repo.release())


def test_a_quarantine_that_quality_agreed_to(repo: Attacked) -> None:
    with repo.pull_request("quarantine"):
        repo.bars(lambda bars: bars["quarantine"][0].update(until="2098-06-01"))
    assert_promoted(repo, agreed(repo))


def test_another_judge_that_quality_agreed_to(repo: Attacked) -> None:
    with repo.pull_request("judge"):
        repo.bars(lambda bars: bars.update(judge="lenient"))
    repo.ok("eval", f"{PROMPT}@{NEXT}", "--record")
    repo.ok("eval", f"{PROMPT}@1.0.0", "--record", "--judge", "lenient")
    assert_promoted(repo, agreed(repo))


def test_a_pull_request_is_shown_what_it_would_need_before_it_is_merged(repo: Attacked) -> None:
    repo.git("switch", "-q", "-c", "early")
    repo.prompt()
    repo.bars(lambda bars: bars["release"]["contains"].update(min=0.7))
    repo.git("add", "-A")
    repo.ok("lock", PROMPT)
    gate = repo("gate", f"{PROMPT}@{NEXT}", "--env", "staging", "--json")
    assert gate.code == 4
    assert [reason["code"] for reason in gate.json["result"]["decision"]["reasons"]] == ["NEEDS_QUALITY"]
