from llmops.evaluation.evidence import Tokens, measured, missing
from llmops.evaluation.pooling import pool
from llmops.evaluation.summary import summarise
from tests.evaluation.builders import a_case, a_row, an_evalset


def test_a_summary_counts_what_is_missing_and_why():
    evalset = an_evalset(a_case("a"), a_case("b"), a_case("c"))
    rows = [a_row("a", scores={"safety": 1.0}), a_row("b", scores={"safety": missing("the judge was silent")})]
    found = summarise(pool([rows]), evalset)
    assert not found.covers()
    assert (found.cases, found.expected_cases) == (2, 3)
    assert (found.metrics[0].measured, found.metrics[0].expected) == (1, 3)
    assert dict(found.metrics[0].missing) == {"the judge was silent": 1, "the case was not run": 1}


def test_a_summary_shows_means_slices_spend_and_the_slowest_case():
    evalset = an_evalset(a_case("a", tags=("numeric",)), a_case("b"), slices=("numeric",))
    rows = [
        a_row("a", scores={"groundedness": measured(0.2, "no context holds 7")}, latency_ms=900, nano_usd=5),
        a_row("b", scores={"groundedness": 0.6}, latency_ms=100, nano_usd=6, tokens=Tokens(input=1, output=2)),
    ]
    found = summarise(pool([rows]), evalset)
    assert found.covers()
    assert [(item.metric, item.slice, item.figure) for item in found.metrics] == [
        ("groundedness", "", 0.4),
        ("groundedness", "numeric", 0.2),
    ]
    assert found.metrics[0].worst[0].reason == "no context holds 7"
    assert found.metrics[0].interval.low < 0.4 < found.metrics[0].interval.high
    assert (found.nano_usd, found.input_tokens, found.output_tokens) == (11, 10, 2)
    assert (found.latency_p50_ms, found.latency_p95_ms, found.slowest[0]) == (100, 900, ("a", 900))


def test_a_summary_of_nothing_is_empty_and_not_complete():
    found = summarise(pool([]), an_evalset(a_case("a")))
    assert not found.covers()
    assert found.metrics == ()


def test_totals_that_nobody_knows_are_none_and_not_zero():
    unknown = ("cost_usd", "tokens", "latency_ms")
    found = summarise(pool([[a_row("a", unknown=unknown)]]), an_evalset(a_case("a")))
    assert (found.nano_usd, found.input_tokens, found.output_tokens) == (None, None, None)
    assert (found.latency_p50_ms, found.latency_p95_ms, found.slowest) == (None, None, ())
    assert found.unknown == dict.fromkeys(unknown, 1)


def test_totals_that_some_rows_do_not_know_say_how_many():
    rows = [a_row("a", nano_usd=5, ttft_ms=3), a_row("b", unknown=("cost_usd",), latency_ms=8)]
    found = summarise(pool([rows]), an_evalset(a_case("a"), a_case("b")))
    assert (found.nano_usd, found.unknown, found.latency_p95_ms) == (5, {"cost_usd": 1}, 8)
    assert (found.ttft_p50_ms, found.ttft_p95_ms) == (3, 3)


def test_answers_that_were_cut_off_are_counted_and_their_first_cases_named():
    names = [f"c{at}" for at in range(8)]
    rows = [a_row(name, repeat=repeat, finish_reason="length") for name in names[1:] for repeat in range(2)]
    rows = [a_row("c0", finish_reason="content_filter"), *rows]
    found = summarise(pool([rows]), an_evalset(*map(a_case, names))).cut_off
    assert (found.answers, found.cases, found.named) == (14, 7, ("c1", "c2", "c3", "c4", "c5"))


def test_missing_scores_name_their_first_cases_by_reason():
    evalset = an_evalset(*(a_case(f"c{at}") for at in range(9)))
    rows = [a_row(f"c{at}", scores={"safety": missing("silent")}) for at in range(1, 9)]
    (found,) = summarise(pool([rows]), evalset).metrics
    assert found.missing == (("silent", 8), ("the case was not run", 1))
    assert found.missing_cases == {"silent": ("c1", "c2", "c3", "c4", "c5"), "the case was not run": ("c0",)}
    assert found.is_binary
