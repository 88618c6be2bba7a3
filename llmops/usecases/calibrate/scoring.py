"""The judge's scores of labelled answers that no record has: asked for now, as an evaluation asks.

Each answer stands as its case's given answer, with the contexts that it was given, and goes through the same steps as
every other evaluation (`evaluate.run`). A case with several labelled answers takes part once in as many turns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from llmops.documents.evalsets import Case
from llmops.errors import CannotAsk
from llmops.evaluation.calibration.calibrations import answer_digest
from llmops.evaluation.evidence import EvidenceRow
from llmops.usecases.calibrate.stored import Identity, Known
from llmops.usecases.evaluate import run
from llmops.usecases.evaluate.answering import ANSWERS, GivenAnswers
from llmops.usecases.evaluate.bench import Bench
from llmops.usecases.evaluate.evaluating import Tools
from llmops.usecases.evaluate.scorers import Scorers
from llmops.usecases.evaluate.subjects import Subject
from llmops.usecases.ports import ModelDoor


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """What the judge said now: scores, why others have none, and how many requests that took."""

    scores: Mapping[Identity, float]
    missing: Mapping[Identity, str]
    calls: int = 0


async def scored(
    tools: Tools, door: ModelDoor, scorers: Scorers, subject: Subject, wanted: Sequence[Known], metric: str
) -> Scored:
    """Ask the judge about each of `wanted`. Raises: CannotAsk where it cannot be asked, CONTEXTS_GONE."""
    rows: list[EvidenceRow] = []
    for turn in _turns(wanted):
        evalset = replace(subject.evalset, cases=tuple(map(_given, turn)))
        bench = Bench(
            subject=replace(subject, evalset=evalset),
            door=door,
            target=GivenAnswers(evalset),
            scorers=scorers,
            build_retriever=tools.build_retriever,
            progress=tools.progress,
            metrics=(metric,),
            target_name=ANSWERS,
        )
        part = await run.measure(bench)
        if part.stopped is not None:
            raise part.stopped
        rows += part.rows
    scores = {_identity(row): row.scores[metric] for row in rows}
    return Scored(
        scores={identity: score.value for identity, score in scores.items() if score.value is not None},
        missing={identity: score.reason for identity, score in scores.items() if score.value is None},
        calls=door.calls,
    )


def _identity(row: EvidenceRow) -> Identity:
    return row.case, answer_digest(row.answer)


def _turns(wanted: Sequence[Known]) -> list[list[Known]]:
    """The answers in as many lists as one case has answers, each case once in a list."""
    turns: list[list[Known]] = []
    counts: dict[str, int] = {}
    for known in wanted:
        at = counts[known.case.id] = counts.get(known.case.id, 0) + 1
        if at > len(turns):
            turns.append([])
        turns[at - 1].append(known)
    return turns


def _given(known: Known) -> Case:
    if known.contexts is None:
        raise CannotAsk(
            "CONTEXTS_GONE",
            f"case {known.case.id}: the passages that the labelled answer was given are no longer here",
            hint="calibrate by the judge that scored it then, or label answers of a newer evaluation",
        )
    return replace(known.case, answer=known.text, contexts=known.contexts, tool_calls=known.tool_calls)
