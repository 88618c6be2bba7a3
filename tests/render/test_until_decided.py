"""What is said of a run that stopped: whether it is decided, and by whom it has to be."""

from __future__ import annotations

from llmops.evaluation.gating import gate
from llmops.evaluation.gating.decisions import GateDecision
from llmops.render.page import Page
from llmops.render.text.until_decided import until_decided
from llmops.usecases.results.evaluating import UntilDecided
from tests.evaluation.builders import a_bar, a_pool, a_question, an_evalset_of, some_bars

EVALSET = an_evalset_of(20)
METRIC = "answer_similarity"


def a_decision(value: float) -> GateDecision:
    """On every case scoring so much, with a bar of .5 where .8 serves."""
    pool = a_pool(METRIC, {case.id: value for case in EVALSET.cases})
    serving = some_bars(EVALSET, a_bar(minimum=0.8))
    return gate.decide(a_question(EVALSET, pool, a_bar(minimum=0.5), serving_bars=serving))


def found(decision: GateDecision) -> UntilDecided:
    return UntilDecided(
        evaluated=None,
        environment="staging",
        decision=decision,
        cases=0,
        of=20,
        recorded=20,
        saved_requests=0,
        saved_nano_usd=0,
    )


def shown(result: UntilDecided) -> str:
    page = Page()
    until_decided(page, result)
    return str(page)


def test_where_a_person_has_to_agree_it_is_not_decided() -> None:
    result = found(a_decision(0.9))
    assert result.decision.codes == ("NEEDS_QUALITY",)
    assert not result.is_decided
    assert "UNDECIDED for staging by the 20 of 20 cases that are recorded: a person has to agree" in shown(result)
    assert "no further case would help" in shown(result)


def test_a_no_is_decided_and_needs_nobody() -> None:
    result = found(a_decision(0.4))
    assert result.is_decided
    assert "FAIL for staging" in shown(result)
    assert "already decided by recorded evidence" in shown(result)
    assert "a person has to agree" not in shown(result)
