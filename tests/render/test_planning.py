"""The page of a plan: as wide as a terminal, and what is paid once stands apart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from llmops.evaluation.planning.components import Components, Design, Part
from llmops.evaluation.planning.plan import Way
from llmops.render.page import Page
from llmops.render.text import planning as text
from llmops.usecases.evaluate import gate, plan
from llmops.usecases.results.planning import Noise, Planned
from tests.worlds import a_world


@pytest.fixture(scope="module")
def result() -> Planned:
    world = a_world().apply_policy().lock().record()
    place = gate.Place(records=world.records(), environment="staging", now=world.clock.now())
    return plan.run(place, world.subject(), plan.Request())


def shown(result: Planned) -> str:
    page = Page()
    text.planned(page, result)
    return str(page)


def test_what_new_cases_cost_is_not_paid_at_every_release(result: Planned) -> None:
    design = Design(cases=300, repeats=1, judge_repeats=1)
    way = Way(design=design, calls=300, nano_usd=1_485_500_000_000, once_nano_usd=1_485_000_000_000)
    said = " ".join(shown(replace(result, asked=way)).split())
    assert "300 requests, $0.5000 a release, and $1,485.00 once for new cases" in said
    assert "once for new cases" not in shown(result)


def test_no_line_is_wider_than_the_page(result: Planned) -> None:
    rules = [replace(rule, metric="answer_completeness", bar=0.123, figure=0.5, sd=0.25) for rule in result.rules]
    rules = [replace(rule, detects=0.0625, needed=1_234_567) for rule in rules]
    part = Part(variance=0.25)
    noise = Noise(
        metric="answer_completeness",
        components=Components(group=part, case=part, generator=part, judge=part),
        shares={"group": 0.25, "case": 0.25, "generator": 0.25, "judge": 0.25},
        advice="judge_repeats, or more cases",
        is_assumed=False,
    )
    page = shown(replace(result, rules=tuple(rules), noise=(noise,)))
    assert "more cases" in page
    assert max(map(len, page.splitlines())) <= 80
