import pytest

from llmops.documents.bars import Threshold
from llmops.evaluation.evidence import Tokens, measured, missing
from llmops.evaluation.gating import gate
from llmops.evaluation.gating.decisions import Verdict
from llmops.evaluation.pooling import pool
from tests.evaluation.builders import a_question, a_row, an_evalset_of, some_bars

QUALITY = "answer_similarity"


def bought(evalset, tokens, quality):
    """Evidence of so many tokens and this quality, by the place of the case."""
    return pool(
        [
            [
                a_row(case.id, scores={QUALITY: quality(at)}, tokens=Tokens(input=tokens(at)))
                for at, case in enumerate(evalset.cases)
            ]
        ]
    )


def a_price(**fields):
    return Threshold(metric="cost_efficiency", quality=QUALITY, **fields)


def test_the_price_of_quality_is_all_spend_over_all_points():
    evalset = an_evalset_of(40)
    # Half the cases cost 100 tokens and earn 1, half cost 300 and earn .5: 400 over 1.5 a pair.
    candidate = bought(evalset, lambda at: 100 if at % 2 else 300, lambda at: 1.0 if at % 2 else 0.5)
    (row,) = gate.decide(a_question(evalset, candidate, a_price(maximum=300))).rows
    assert row.figure == pytest.approx(400 / 1.5)
    assert row.verdict is Verdict.PASS
    assert row.interval.low < row.figure < row.interval.high


def test_too_dear_quality_fails_and_names_both():
    evalset = an_evalset_of(40)
    candidate = bought(evalset, lambda at: 100 + at, lambda _: 0.5)
    decision = gate.decide(a_question(evalset, candidate, a_price(maximum=100)))
    assert decision.codes == ("BELOW_BAR",)
    assert f"cost_efficiency by {QUALITY}" in decision.reasons[0].message


def test_answers_without_any_quality_have_no_price():
    evalset = an_evalset_of(10)
    decision = gate.decide(a_question(evalset, bought(evalset, lambda _: 100, lambda _: 0.0), a_price(maximum=100)))
    assert (decision.verdict, decision.codes) == (Verdict.UNDECIDED, ("NO_QUALITY",))


def test_a_case_without_its_quality_is_missing_from_the_ratio_with_the_reason():
    evalset = an_evalset_of(10)
    candidate = bought(evalset, lambda _: 100, lambda at: missing("no reply") if at == 3 else measured(1.0))
    decision = gate.decide(a_question(evalset, candidate, a_price(maximum=200)))
    assert decision.codes == ("COVERAGE_TOO_LOW",)
    assert f"{QUALITY}: no reply" in decision.reasons[0].message


@pytest.mark.parametrize(("now", "verdict"), [(100, Verdict.PASS), (400, Verdict.FAIL)])
def test_the_rise_of_a_price_is_held_against_what_serves(now, verdict):
    evalset = an_evalset_of(60)
    bar = a_price(max_drop=100)
    question = a_question(
        evalset,
        bought(evalset, lambda at: now + at % 7, lambda at: 0.8 + 0.1 * (at % 2)),
        bar,
        baseline=bought(evalset, lambda at: 100 + at % 5, lambda at: 0.8 + 0.1 * (at % 3 == 0)),
        serving_bars=some_bars(evalset, bar),
    )
    (row,) = gate.decide(question).rows
    assert row.verdict is verdict
