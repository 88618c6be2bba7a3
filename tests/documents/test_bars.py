from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from llmops.documents.bars import (
    Bars,
    DecideOn,
    LooseningKind,
    Quarantined,
    SliceBar,
    Threshold,
    loosened,
    parse_threshold,
    strictest,
    with_accepted,
)


def some_bars(*thresholds, **fields):
    own = {"judge": "embedded-lexical", "evalset": "mortgage", "evalset_digest": "a" * 64}
    return Bars(thresholds=thresholds, **{**own, **fields})


def resting(case, until):
    return Quarantined(case=case, reason="the label is wrong", until=until)


limits = st.none() | st.floats(0, 1)
thresholds = st.builds(
    Threshold,
    metric=st.sampled_from(["groundedness", "safety", "mrr"]),
    minimum=limits,
    maximum=limits,
    require_pass=st.booleans(),
    max_drop=limits,
    decide_on=st.sampled_from(DecideOn),
    confidence=st.sampled_from([0.9, 0.95, 0.99]),
    slices=st.lists(st.builds(SliceBar, name=st.sampled_from(["a", "b"]), minimum=limits, maximum=limits), max_size=2)
    .map(lambda bars: {bar.name: bar for bar in bars})
    .map(lambda bars: tuple(bars[name] for name in sorted(bars))),
    min_cases=st.integers(1, 40),
)
all_bars = st.builds(
    lambda found, coverage, repeats, until: some_bars(
        *{item.metric: item for item in found}.values(),
        min_coverage=coverage,
        repeats=repeats,
        quarantine=(resting("c1", until),) if until else (),
    ),
    st.lists(thresholds, max_size=3),
    st.sampled_from([0.8, 1.0]),
    st.integers(1, 3),
    st.sampled_from(["", "2026-01-01", "2026-02-01"]),
)


def test_the_strictest_of_floor_own_and_serving_counts():
    own = some_bars(Threshold(metric="groundedness", minimum=0.6))
    serving = some_bars(Threshold(metric="groundedness", minimum=0.7), Threshold(metric="mrr", minimum=0.5))
    floors = (Threshold(metric="groundedness", minimum=0.5, maximum=0.9), Threshold(metric="safety", require_pass=True))
    found = {item.metric: item for item in strictest(own, floors=floors, serving=serving).thresholds}
    assert (found["groundedness"].minimum, found["groundedness"].maximum) == (0.7, 0.9)
    assert found["mrr"].minimum == 0.5
    assert found["safety"].require_pass


def test_a_quarantine_counts_only_as_far_as_what_serves_has_it_too():
    own = some_bars(quarantine=(resting("c1", "2026-03-01"), resting("c2", "2026-03-01")))
    serving = some_bars(quarantine=(resting("c1", "2026-02-01"),))
    assert [(item.case, item.until) for item in strictest(own, serving=serving).quarantine] == [("c1", "2026-02-01")]
    assert strictest(own).quarantine == own.quarantine


@given(all_bars, all_bars)
def test_the_strictest_bars_are_looser_than_neither(own, serving):
    merged = strictest(own, serving=serving)
    assert loosened(merged, own) == ()
    assert loosened(merged, serving) == ()


@given(all_bars)
def test_bars_are_not_looser_than_themselves(bars):
    assert loosened(bars, bars) == ()


@given(all_bars, all_bars)
def test_with_every_loosening_accepted_what_serves_asks_for_no_more(candidate, serving):
    accepted = {item.id for item in loosened(candidate, serving)}
    assert loosened(candidate, with_accepted(serving, candidate, accepted)) == ()


def test_every_respect_in_which_a_bar_is_looser_is_named():
    before = Threshold(
        metric="groundedness",
        minimum=0.7,
        maximum=0.9,
        require_pass=True,
        max_drop=0.02,
        decide_on=DecideOn.INTERVAL,
        confidence=0.99,
        slices=(SliceBar(name="numeric", minimum=0.6),),
        min_cases=30,
    )
    after = Threshold(metric="groundedness", minimum=0.6, confidence=0.9, min_cases=10)
    found = [item.id for item in loosened(some_bars(after), some_bars(before))]
    assert found == [
        "groundedness.min:0.7>0.6",
        "groundedness.max:0.9>none",
        "groundedness.max_drop:0.02>none",
        "groundedness.require:PASS>none",
        "groundedness.decide_on:interval>mean",
        "groundedness.confidence:0.99>0.9",
        "groundedness.min_cases:30>10",
        "groundedness.slices.numeric.min:0.6>none",
    ]


def test_a_dropped_metric_is_a_loosening():
    found = loosened(some_bars(), some_bars(Threshold(metric="mrr", minimum=0.5)))
    assert [item.id for item in found] == ["mrr.min:0.5>none"]


def test_a_longer_quarantine_and_less_coverage_are_loosenings():
    serving = some_bars(repeats=3, quarantine=(resting("c1", "2026-02-01"),))
    candidate = replace(
        serving, repeats=1, min_coverage=0.9, quarantine=(resting("c1", "2026-03-01"), resting("c2", "2026-01-01"))
    )
    assert [item.id for item in loosened(candidate, serving)] == [
        "min_coverage:1>0.9",
        "repeats:3>1",
        "quarantine.c1:2026-02-01>2026-03-01",
        "quarantine.c2:none>2026-01-01",
    ]


def test_another_target_is_another_yardstick():
    (found,) = loosened(some_bars(target="answers"), some_bars())
    assert (found.subject, found.kind) == ("target", LooseningKind.YARDSTICK)


def test_another_evalset_or_judge_is_another_yardstick():
    found = loosened(some_bars(evalset_digest="b" * 64, judge="gpt"), some_bars())
    assert [(item.subject, item.kind) for item in found] == [
        ("evalset", LooseningKind.YARDSTICK),
        ("judge", LooseningKind.YARDSTICK),
    ]
    assert "was measured with" in found[0].sentence


def test_an_approval_accepts_one_change_and_no_other_of_the_same_bar():
    serving = some_bars(Threshold(metric="mrr", minimum=0.5))
    candidate = some_bars(Threshold(metric="mrr", minimum=0.3))
    assert with_accepted(serving, candidate, {"mrr.min:0.5>0.4"}) == serving
    assert with_accepted(serving, candidate, {"mrr.min:0.5>0.3"}).thresholds[0].minimum == 0.3


def test_slices_take_the_metrics_bar_where_they_name_none():
    found = parse_threshold("mrr", {"min": 0.5, "slices": {"numeric": {"min": 0.4}, "short": {}}})
    assert found.slices == (SliceBar(name="numeric", minimum=0.4), SliceBar(name="short", minimum=0.5))
