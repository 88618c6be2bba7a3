"""Rows that are written beside memory are the rows that were held."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llmops.adapters.spool import FileSpool
from llmops.errors import CannotAsk
from llmops.evaluation import evidence
from llmops.evaluation.evidence import RowsElsewhere
from llmops.usecases.evaluate import recording, rows, run, scorers, subjects
from llmops.usecases.evaluate.answering import PromptTarget
from llmops.usecases.evaluate.bench import Bench
from llmops.usecases.results.evaluating import Evaluated
from tests.evaluation.builders import a_row
from tests.fakes_models import FakeDoor
from tests.worlds import CASES, PROMPT, Silent, a_world, build_retriever


async def evaluated(tmp_path: Path | None) -> Evaluated:
    door, subject = FakeDoor("A lamp needs a bulb."), subjects.working(a_world().repository, PROMPT)
    bench = Bench(
        subject=subject,
        door=door,
        target=PromptTarget(door, subject.release.model),
        scorers=scorers.embedded(door, ""),
        build_retriever=build_retriever,
        progress=Silent(),
        open_spool=(lambda: FileSpool(tmp_path)) if tmp_path else None,
    )
    return await run.run(bench)


async def test_an_evaluation_says_the_same_wherever_its_rows_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = await evaluated(None)
    monkeypatch.setattr(rows, "HELD", 1)
    spooled = await evaluated(tmp_path)
    assert isinstance(held.rows, tuple)
    assert isinstance(spooled.rows, RowsElsewhere)
    assert len(spooled.rows) == len(CASES)
    assert (tuple(spooled.rows), spooled.rows[0], spooled.rows[1:]) == (held.rows, held.rows[0], held.rows[1:])
    assert tuple(spooled.rows) == held.rows, "they can be read again"
    assert spooled.summary == held.summary
    assert evidence.shards(spooled.rows) == evidence.shards(held.rows)
    subject = subjects.working(a_world().repository, PROMPT)
    shards = evidence.shards(held.rows)
    assert recording.predicate_of(subject, spooled, shards) == recording.predicate_of(subject, held, shards)


def test_few_rows_are_held_and_none_is_lost_on_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "HELD", 2)
    gathered = rows.Gathered(lambda: FileSpool(tmp_path))
    order = [2, 3, 1, 0]  # the evalset holds d, c, a, b
    for at, name in ((3, "b"), (2, "a")):
        gathered.add(at, a_row(name, scores={"safety": 1.0}))
    assert isinstance(gathered.in_order(order), tuple)
    for at, name in ((0, "d"), (1, "c")):
        gathered.add(at, a_row(name, scores={"mrr": 1.0}))
    found: Any = gathered.in_order(order)
    assert [row.case for row in found] == ["a", "b", "c", "d"]
    assert found.metrics == {"safety", "mrr"}


def test_a_row_that_is_too_large_for_a_file_is_named_wherever_it_is(tmp_path: Path) -> None:
    spooled = rows.SpooledRows(FileSpool(tmp_path))
    spooled.add(0, a_row("long", answer="x" * 3000))
    spooled.settle([0])
    with pytest.raises(CannotAsk) as error:
        evidence.shards(spooled, limit=2000)
    assert error.value.code == "EVIDENCE_ROW_TOO_LARGE"
    assert "'long'" in error.value.what
