"""In which batches cases are run until it is decided; the command itself: tests/cli/test_until_decided.py."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llmops.documents.evalsets import Case, Evalset
from llmops.evaluation.planning import order
from llmops.usecases.evaluate.until_decided import FIRST, batches

BEHAVIOUR = "b" * 64
CASES = st.lists(st.tuples(st.sampled_from(["", "", "g1", "g2"]), st.booleans()), max_size=120)


def of(rows: list[tuple[str, bool]]) -> order.Order:
    cases = (Case(id=f"c{at}", question="?", group=group, must_pass=must) for at, (group, must) in enumerate(rows))
    return order.of(Evalset(name="qa", version="1", cases=tuple(cases)), BEHAVIOUR)


@given(rows=CASES)
def test_batches_are_all_cases_in_their_order_and_end_where_units_end(rows: list[tuple[str, bool]]) -> None:
    drawn = of(rows)
    found = list(batches(drawn))
    assert tuple(case for batch in found for case in batch) == drawn.cases
    done = 0
    for batch in found:
        done += len(batch)
        assert done in drawn.ends


@given(rows=CASES)
def test_the_first_batch_holds_all_that_must_pass(rows: list[tuple[str, bool]]) -> None:
    drawn = of(rows)
    first = next(iter(batches(drawn)), ())
    assert len(first) >= min(len(rows), max(FIRST, drawn.lead))


def test_batches_grow() -> None:
    sizes = [len(batch) for batch in batches(of([("", False)] * 300))]
    assert sizes[0] == FIRST
    assert sizes[1:-1] == sorted(sizes[1:-1])
    assert len(sizes) < 15
