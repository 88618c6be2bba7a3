"""compare on a page: everything fits 80 columns, wide pages hold intervals beside figures, and reasons are shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from llmops.documents.chat import Stage
from llmops.documents.spending import Ledger, StageSpend
from llmops.evaluation import comparison
from llmops.evaluation.comparison import Question
from llmops.evaluation.judging.expectations import Range
from llmops.evaluation.metrics import EMBEDDED
from llmops.render import envelope
from llmops.render.page import Page
from llmops.render.text import compare as text
from llmops.usecases.results.experiments import Compared, ComparedArm, Failure, Planned, PlannedArm
from llmops.usecases.results.writing import WrittenRecord
from tests.evaluation.test_comparison import BASE, an_arm, an_evalset

METRICS = ("groundedness", "cost_usd", "latency_ms")
POOR = "1.0.0 / a-model-with-a-rather-long-name"
FRONT = """\
models: 4 arms of support on short, 30 cases
  judge embedded-lexical (advisory)

        arm                                      groundedness  cost_usd
  *  A  1.0.0                                           0.610  0.000001
     B  1.0.0 / a-model-with-a-rather-long-name         0.310  0.000009
  ?  C  2.0.0                                           0.910         -

        arm                                      latency_ms
  *  A  1.0.0                                           100
     B  1.0.0 / a-model-with-a-rather-long-name         400
  ?  C  2.0.0                                            90

  * on the front by groundedness, cost_usd, latency_ms: no other arm is as good
    in all of them and better in one
  ? not placed: a figure is missing
"""


def compared(**changes: Any) -> Compared:
    arms = [
        an_arm(BASE, [0.6 + 0.01 * (at % 3) for at in range(30)]),
        an_arm(POOR, [0.3 + 0.01 * (at % 3) for at in range(30)], cost=9000, latency=400),
        an_arm("2.0.0", [0.9 + 0.01 * (at % 3) for at in range(30)], latency=90, unknown={"cost_usd": "nobody knows"}),
    ]
    question = Question(evalset=an_evalset(30), catalogue=EMBEDDED, metrics=METRICS, objectives=METRICS, baseline=BASE)
    failed = Failure(code="MODEL_UNKNOWN", what="model 'x' is not configured", hint="add it", details=("one", "two"))
    result = Compared(
        experiment="models",
        prompt="support",
        evalset="short",
        cases=30,
        repeats=1,
        judge="embedded-lexical (advisory)",
        arms=(
            *(ComparedArm(label=arm.label, version="1.0.0", is_measured=True) for arm in arms),
            ComparedArm(label="1.0.0 / x", version="1.0.0", failure=failed),
        ),
        comparison=comparison.compare(arms, question),
        ledger=Ledger(stages={Stage.GENERATOR: StageSpend(sent=60, cached=30, nano_usd=10**7)}),
    )
    return replace(result, **changes)


def shown(result: Compared, width: int = 80) -> str:
    page = Page(width=width)
    text.compared(page, result)
    return str(page)


def test_arms_come_first_with_their_place() -> None:
    assert shown(compared()).startswith(FRONT)


@pytest.mark.parametrize("width", [80, 160])
def test_every_line_fits_the_page(width: int) -> None:
    record = WrittenRecord(
        path="audit/records/0000/000007-experiment-support.json", digest="", short_id="", summary="", files=()
    )
    assert max(len(line) for line in shown(compared(records=(record,)), width).splitlines()) <= width


def test_a_wide_page_has_the_intervals_in_the_first_table() -> None:
    assert "0.610 (0." in shown(compared(), 160)
    assert "0.610 (0." not in shown(compared(), 80)


def test_each_metric_has_its_differences_and_what_they_say() -> None:
    page = shown(compared())
    assert "groundedness: higher is better" in page
    assert "cost_usd: lower is better" in page
    (line,) = [line for line in page.splitlines() if line.startswith("  B") and "-0.300" in line]
    assert line.endswith("worse")
    (better,) = [line for line in page.splitlines() if line.startswith("  C") and "-10" in line]
    assert better.endswith("better")
    assert "C: measured on 0 of 30: nobody knows" in page


def test_failures_spending_and_records_are_said() -> None:
    record = WrittenRecord(path="audit/x.json", digest="", short_id="", summary="", files=())
    page = shown(compared(records=(record,)))
    assert "1.0.0 / x: model 'x' is not configured  [MODEL_UNKNOWN]" in page
    assert "    - one" in page
    assert "fix: add it" in page
    assert "answers 60 asked, 30 kept; $0.0100" in page
    assert "recorded audit/x.json" in page


def test_without_a_baseline_the_page_says_so() -> None:
    result = compared()
    arms = tuple(arm for arm in result.comparison.arms if arm.label != BASE)
    page = shown(replace(result, comparison=replace(result.comparison, baseline="", arms=arms, left_out=("mrr",))))
    assert "no differences: the baseline could not be measured" in page
    assert "mrr is not weighed: no arm has a figure" in page


def test_hostile_labels_are_spelled_out() -> None:
    result = compared(prompt="a\x1b[31mb")
    assert "\x1b" not in shown(result)


def test_json_has_figures_and_no_rows() -> None:
    value = envelope.plain(compared())
    assert [arm["standing"] for arm in value["comparison"]["arms"]] == ["front", "behind", "unplaced"]
    assert value["arms"][3]["failure"]["code"] == "MODEL_UNKNOWN"
    assert "rows" not in value["arms"][0]


def test_a_plan_shows_requests_money_and_what_cannot_be_asked() -> None:
    planned = Planned(
        experiment="models",
        prompt="support",
        evalset="short",
        cases=3,
        repeats=2,
        judge="j",
        arms=(
            PlannedArm(label="1.0.0", requests=Range(low=6, high=9), nano_usd=Range(low=10**6, high=2 * 10**6), kept=1),
            PlannedArm(label="2.0.0", requests=Range(), nano_usd=Range(), kept=6, unpriced=("m",)),
            PlannedArm(label="3.0.0", failure=Failure(code="RELEASE_MISSING", what="there is no release")),
        ),
        requests=Range(low=6, high=9),
        nano_usd=Range(low=10**6, high=2 * 10**6),
    )
    page = Page(width=80)
    text.planned(page, planned)
    assert str(page).startswith("models: 3 arms of support on short, 3 cases x 2\n")
    assert "  1.0.0       6 .. 9               1  $0.0010 .. $0.0020\n" in str(page)
    assert "together    6 .. 9               7" in str(page)
    assert "3.0.0: there is no release  [RELEASE_MISSING]" in str(page)
    assert max(len(line) for line in str(page).splitlines()) <= 80
