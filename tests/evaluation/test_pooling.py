from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.errors import CannotAsk
from llmops.evaluation import evidence, pooling
from llmops.evaluation.evidence import Absence, missing
from llmops.evaluation.pooling import pool, recompute
from tests.evaluation.builders import a_row


def test_the_first_of_equal_measurements_counts_and_the_later_is_kept_aside():
    first, second = a_row(scores={"mrr": 0.2}), a_row(scores={"mrr": 0.9})
    together = pool([[first], [second]])
    assert (together.rows, together.repeated) == ((first,), (second,))


def test_other_repeats_and_other_requests_count_too():
    row = a_row(scores={"mrr": 0.2})
    together = pool([[row], [replace(row, repeat=1)], [replace(row, request_digest="other")]])
    assert len(together.rows) == 3
    assert together.repeated == ()


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 2), st.floats(0, 1)), max_size=12))
def test_pooling_again_changes_nothing(found):
    rows = [a_row(case, repeat=repeat, scores={"mrr": value}) for case, repeat, value in found]
    once = pool([rows])
    assert pool([once.rows, once.rows]).rows == once.rows


def test_repeats_are_averaged_within_a_case():
    rows = [a_row("a", repeat=number, scores={"mrr": value}) for number, value in enumerate((0.0, 0.5, 1.0))]
    shard = b"".join(map(evidence.dump, [*rows, a_row("b", scores={"mrr": 0.0})]))
    assert recompute([shard]).means["mrr"] == "0.25"


def test_a_missing_score_is_no_zero_in_the_mean():
    shards = evidence.shards([a_row("a", scores={"mrr": 0.8}), a_row("b", scores={"mrr": missing("no labels")})])
    found = recompute(shards)
    assert (found.means["mrr"], found.measured["mrr"], found.missing["mrr"]) == ("0.8", 1, 1)


def test_must_pass_fails_if_it_failed_in_any_recorded_run():
    good, bad = (a_row("a", must_pass=True, scores={"contains": value}) for value in (1.0, 0.0))
    other = a_row("b", scores={"contains": 0.0})
    found = recompute([evidence.dump(good), evidence.dump(bad), evidence.dump(other)])
    assert found.must_pass_failed == ("a",)
    assert (found.rows, found.cases, found.means["contains"]) == (2, 2, "0.5")


def test_a_mean_score_fails_no_must_pass_case():
    assert pooling.must_pass_failures([a_row(must_pass=True, scores={"groundedness": 0.1})]) == ()


def test_spend_and_speed_are_read_from_the_row():
    row = a_row(latency_ms=40, nano_usd=2_500_000_000)
    values = {name: pooling.score_of(row, name).value for name in ("latency_p95_ms", "tokens", "cost_usd")}
    assert values == {"latency_p95_ms": 40, "tokens": 9, "cost_usd": 2.5}
    assert pooling.score_of(row, "mrr") is None


def test_what_a_record_carries_holds_no_floats():
    found = recompute([evidence.dump(a_row(scores={"mrr": 0.1}))]).as_json()
    assert found["means"] == {"mrr": "0.1", "latency_ms": "0", "tokens": "9", "cost_usd": "0"}
    assert not any(
        isinstance(value, float) for part in found.values() if isinstance(part, dict) for value in part.values()
    )


def test_changed_bytes_are_not_recomputed():
    with pytest.raises(CannotAsk) as error:
        recompute([evidence.dump(a_row(scores={"mrr": 0.1}))[:-2]])
    assert error.value.code == "EVIDENCE_INVALID"


def test_scores_beyond_what_can_be_averaged_are_no_evidence():
    with pytest.raises(CannotAsk) as error:
        recompute([evidence.dump(a_row(case, scores={"mrr": 1e308})) for case in ("a", "b")])
    assert error.value.code == "EVIDENCE_INVALID"


def test_a_metric_that_this_version_does_not_offer_is_recomputed_as_well():
    found = recompute([evidence.dump(a_row(scores={"of_another_version": 0.5}))])
    assert found.means == {"of_another_version": "0.5", "cost_usd": "0", "latency_ms": "0", "tokens": "9"}


UNKNOWN = ("cost_usd", "tokens", "latency_ms")


def test_what_nobody_said_is_no_zero():
    row = a_row(unknown=UNKNOWN)
    found = {name: pooling.score_of(row, name) for name in (*UNKNOWN, "latency_p50_ms", "latency_p95_ms")}
    assert {score.absence for score in found.values()} == {Absence.UNMEASURED}
    assert found["cost_usd"].reason == "nobody said what it cost"


def test_means_are_over_the_rows_that_know():
    rows = [a_row("a", unknown=("cost_usd",)), a_row("b", nano_usd=2_000_000_000)]
    found = recompute(evidence.shards(rows))
    assert (found.means["cost_usd"], found.measured["cost_usd"], found.missing["cost_usd"]) == ("2", 1, 1)
    assert found.means["tokens"] == "9"
    assert "cost_usd" not in recompute(evidence.shards(rows[:1])).means


def test_what_the_first_run_did_not_know_is_taken_from_the_first_that_does():
    first = a_row(scores={"mrr": 0.2}, unknown=UNKNOWN)
    priced = a_row(scores={"mrr": 0.9}, nano_usd=7, unknown=("tokens", "latency_ms"))
    dear = a_row(scores={"mrr": 0.9}, nano_usd=9, latency_ms=4, unknown=("tokens",))
    together = pool([[first], [priced], [dear]])
    assert together.rows == (replace(first, nano_usd=7, latency_ms=4, unknown=("tokens",)),)
    assert together.repeated == (priced, dear)
