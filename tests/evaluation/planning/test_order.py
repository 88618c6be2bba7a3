"""The order of cases: drawn, whole groups, what must pass first."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from llmops.documents.evalsets import Case, Evalset
from llmops.evaluation.planning import order

BEHAVIOUR = "b" * 64


def evalset(*cases: Case) -> Evalset:
    return Evalset(name="qa", version="1", cases=cases)


def plain(count: int, **fields: object) -> list[Case]:
    return [Case(id=f"c{at:03d}", question="?", **fields) for at in range(count)]  # type: ignore[arg-type]


CASES = st.lists(st.tuples(st.sampled_from(["", "", "g1", "g2", "g3"]), st.booleans()), min_size=1, max_size=30).map(
    lambda rows: evalset(*(Case(id=f"c{at}", question="?", group=g, must_pass=m) for at, (g, m) in enumerate(rows)))
)


def test_cases_that_are_not_the_first_ones_are_no_prefix() -> None:
    found = order.of(evalset(*plain(20)), BEHAVIOUR)
    assert found.prefix_of(found.cases[1:5]) is None
    assert found.prefix_of((*found.cases[:4], found.cases[5])) is None
    assert found.prefix_of([*found.cases, "stranger"]) is None


def test_half_a_group_is_no_prefix() -> None:
    found = order.of(evalset(*plain(4, group="one")), BEHAVIOUR)
    assert found.prefix_of(found.cases[:2]) is None
    assert found.prefix_of(found.cases) == 1


@given(given_cases=CASES)
def test_every_case_is_met_once_and_whole_groups_together(given_cases: Evalset) -> None:
    found = order.of(given_cases, BEHAVIOUR)
    assert Counter(found.cases) == Counter(case.id for case in given_cases.cases)
    groups = {case.id: case.group for case in given_cases.cases}
    for unit in found.units:
        assert len({groups[case] or case for case in unit}) == 1
    assert sorted(found.drawn) == list(range(len(found.units)))


@given(given_cases=CASES)
def test_what_must_pass_comes_first(given_cases: Evalset) -> None:
    found = order.of(given_cases, BEHAVIOUR)
    blocking = {case.id for case in given_cases.cases if case.must_pass}
    assert blocking <= set(found.cases[: found.lead])
    assert all(blocking & set(unit) for unit in found.units[: found.leading])


@given(given_cases=CASES)
def test_exactly_the_ends_of_units_are_prefixes(given_cases: Evalset) -> None:
    found = order.of(given_cases, BEHAVIOUR)
    cases = found.cases
    ends = [count for count in range(1, len(cases) + 1) if found.prefix_of(cases[:count]) is not None]
    assert tuple(ends) == found.ends


def test_the_order_of_the_file_does_not_matter() -> None:
    cases = plain(50)
    assert order.of(evalset(*cases), BEHAVIOUR) == order.of(evalset(*reversed(cases)), BEHAVIOUR)


def test_another_behaviour_or_another_label_is_another_order() -> None:
    cases = plain(50)
    one = order.of(evalset(*cases), BEHAVIOUR)
    assert one != order.of(evalset(*cases), "c" * 64)
    assert one != order.of(evalset(replace(cases[0], ground_truth="yes"), *cases[1:]), BEHAVIOUR)


def test_every_place_is_as_likely() -> None:
    cases = evalset(*plain(6))
    first = Counter(order.of(cases, f"{seed:064x}").cases[0] for seed in range(3000))
    # 500 are expected of each, give or take 20.
    assert all(abs(first[case.id] - 500) < 90 for case in cases.cases)
