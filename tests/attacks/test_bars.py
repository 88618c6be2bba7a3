"""A pull request that lowers what it has to reach. Its prompt is as good as ever: the next one would not be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.attacks.repository import Attacked, assert_refused

Bars = dict[str, Any]


def of(metric: str, **fields: Any) -> Callable[[Bars], None]:
    """Other fields in one metric's bar."""
    return lambda bars: bars["release"][metric].update(fields)


def without(metric: str, *fields: str) -> Callable[[Bars], None]:
    def drop(bars: Bars) -> None:
        for field in fields:
            del bars["release"][metric][field]

    return drop


def no(metric: str) -> Callable[[Bars], None]:
    return lambda bars: bars["release"].pop(metric)


def conduct(**fields: Any) -> Callable[[Bars], None]:
    return lambda bars: bars.update(fields)


def resting(case: str, until: str) -> Callable[[Bars], None]:
    """A case in quarantine until a date."""

    def rest(bars: Bars) -> None:
        kept = [item for item in bars["quarantine"] if item["case"] != case]
        bars["quarantine"] = [*kept, {"case": case, "reason": "it fails", "until": until}]

    return rest


LOWERED = {
    "lowered-min": (of("contains", min=0.7), "contains.min:0.75>0.7"),
    "raised-max": (of("tokens", max=2000), "tokens.max:900>2000"),
    "raised-max-drop": (of("contains", max_drop=0.9), "contains.max_drop:0.3>0.9"),
    "dropped-max-drop": (without("contains", "max_drop"), "contains.max_drop:0.3>none"),
    "mean-for-interval": (of("contains", decide_on="mean"), "contains.decide_on:interval>mean"),
    "lowered-confidence": (of("contains", confidence=0.5), "contains.confidence:0.95>0.5"),
    "lowered-min-cases": (of("contains", min_cases=1), "contains.min_cases:20>1"),
    "lowered-coverage": (conduct(min_coverage=0.5), "min_coverage:1>0.5"),
    "fewer-repeats": (conduct(repeats=1), "repeats:2>1"),
    "fewer-judgements": (conduct(judge_repeats=1), "judge_repeats:2>1"),
    "dropped-metric": (no("tokens"), "tokens.max:900>none"),
    "dropped-require": (no("safety"), "safety.require:PASS>none"),
    "dropped-slice-bar": (without("contains", "slices"), "contains.slices.fees.min:0.6>none"),
    "lowered-slice-bar": (of("contains", slices={"fees": {"min": 0.1}}), "contains.slices.fees.min:0.6>0.1"),
    "lowered-pass-at": (of("faithfulness", pass_at=0.1), "faithfulness.rate@0.5.min:0.5>none"),
    "longer-quarantine": (resting("plan-23", "2099-01-01"), "quarantine.plan-23:2098-01-01>2099-01-01"),
    "self-quarantine": (resting("plan-06", "2099-01-01"), "quarantine.plan-06:none>2099-01-01"),
    "quarantine-of-a-must-pass": (resting("plan-00", "2099-01-01"), "quarantine.plan-00:none>2099-01-01"),
}


@pytest.mark.parametrize("name", LOWERED)
def test_a_lowered_bar_needs_the_quality_role_and_is_named(repo: Attacked, name: str) -> None:
    change, loosening = LOWERED[name]
    with repo.pull_request(name):
        repo.bars(change)
    found = repo.release()
    assert_refused(repo, found, "NEEDS_QUALITY")
    assert found.loosenings == (loosening,)
    assert f"`{loosening}`" in found.promote.json["error"]["details"][0]


def test_a_mean_in_place_of_a_rate_is_the_rates_bar_dropped(repo: Attacked) -> None:
    with repo.pull_request("mean-for-rate"):
        repo.bars(without("faithfulness", "pass_at"))
    found = repo.release()
    assert_refused(repo, found, "NEEDS_QUALITY")
    assert "faithfulness.rate@0.5.min:0.5>none" in found.loosenings


def test_a_prompt_that_fails_fails_whatever_its_own_bars_say(repo: Attacked) -> None:
    """Worse and lowered at once: the old bar is what counts until somebody agrees to the new one."""
    from tests.attacks import plans

    with repo.pull_request("worse"):
        repo.prompt(text=plans.GUESSING)
        repo.bars(no("contains"))
    repo.evaluate()
    found = repo.release()
    assert_refused(repo, found, "BELOW_BAR", "SLICE_BELOW_BAR", "DROPPED", verdict="FAIL")
