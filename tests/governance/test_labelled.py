"""Labelled rows: one spelling, one order, no copies; what they give is counted as it stands."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.documents import canonical
from llmops.governance import labelled
from llmops.governance.labelled import LabelledError, LabelledRow


def a_row(case: str = "c", label: int = 1, score: str = "0.5", **changes: object) -> LabelledRow:
    row = LabelledRow(case=case, group="", answer="a" * 64, label=label, annotators={"ann": label}, score=score)
    return replace(row, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "row",
    [
        a_row(case=""),
        a_row(answer="short"),
        a_row(score="1.50"),
        a_row(score="nan"),
        a_row(score="inf"),
        a_row(label=2),
        a_row(label=1, annotators={"ann": 0}),
        a_row(label=0, annotators={"ann": 0, "bob": 1, "cy": 1}),
        a_row(annotators={}),
        a_row(annotators={"ann": True}),
    ],
)
def test_a_row_that_says_what_none_can_say_is_refused(row: LabelledRow) -> None:
    with pytest.raises(LabelledError):
        labelled.parse([labelled.dump([row])])


def test_a_copy_is_no_further_case() -> None:
    with pytest.raises(LabelledError, match="line 2 repeats 'c'"):
        labelled.parse([labelled.dump([a_row()]), labelled.dump([a_row(score="0.7")])])


@pytest.mark.parametrize("data", [b"", labelled.dump([a_row()])[:-1], labelled.dump([a_row()]) + b"more"])
def test_a_shard_that_is_empty_or_cut_off_is_refused(data: bytes) -> None:
    with pytest.raises(LabelledError, match="cut off"):
        labelled.parse([data])


def test_rows_out_of_order_are_refused() -> None:
    lines = labelled.dump([a_row("a"), a_row("b")]).splitlines(keepends=True)
    with pytest.raises(LabelledError, match="out of order"):
        labelled.parse([lines[1] + lines[0]])


def test_the_line_between_pass_and_fail_passes() -> None:
    counts = labelled.counts(
        [a_row("a", 1, "0.5"), a_row("b", 0, "0.49"), a_row("c", 0, "1"), a_row("d", 1, "0")], "0.5"
    )
    assert counts == {"cases": 4, "groups": 4, "tp": 1, "fp": 1, "fn": 1, "tn": 1}


def test_cases_of_one_group_are_one_and_a_group_is_no_case_of_its_name() -> None:
    rows = [a_row("a", group="x"), a_row("b", group="x"), a_row("x"), a_row("x", answer="b" * 64)]
    counts = labelled.counts(rows, "0.5")
    assert (counts["cases"], counts["groups"], counts["tp"]) == (3, 2, 4)


@given(
    st.lists(
        st.builds(
            lambda case, label, score: a_row(case, label, canonical.decimal(score)),
            st.text("abcé ", min_size=1, max_size=6),
            st.sampled_from((0, 1)),
            st.floats(0, 1),
        ),
        min_size=1,
        unique_by=lambda row: row.identity,
    )
)
def test_rows_read_back_as_they_were_written(rows: list[LabelledRow]) -> None:
    assert labelled.parse([labelled.dump(rows)]) == tuple(sorted(rows, key=lambda row: row.identity))
    counts = labelled.counts(rows, "0.5")
    assert counts["tp"] + counts["fp"] + counts["fn"] + counts["tn"] == len(rows)
