"""The order of events around evaluations: `eval`, `gate --eval`, `gate --preview`.

A key that may not record is found out before the work, not after it. `gate --eval` measures what the decision lacks,
on both sides: the candidate, and what serves there, on the candidate's yardstick.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from llmops.usecases.evaluate import gate, recording, run, subjects
from llmops.usecases.evaluate.gate import Place
from llmops.usecases.evaluate.run import BuildRetriever
from llmops.usecases.evaluate.subjects import Subject
from llmops.usecases.ports import ModelDoor, Progress
from llmops.usecases.records.ledgers import Desk
from llmops.usecases.results import Evaluated, Gated

CANDIDATE_LACKS = frozenset({"NO_EVIDENCE", "NOT_MEASURED", "COVERAGE_TOO_LOW", "MUST_PASS_UNMEASURED"})
BASELINE_LACKS = frozenset({"BASELINE_MISSING"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """How a run reaches models and indexes, and where it says how far it is."""

    open_door: Callable[[], AbstractAsyncContextManager[ModelDoor]]
    build_retriever: BuildRetriever
    progress: Progress


def evaluate(tools: Tools, subject: Subject, desk: Desk | None = None) -> Evaluated:
    """Score `subject`; with a desk, record it. Raises: CannotAsk, Refusal UNKNOWN_KEY."""
    if desk:
        desk.read().person(desk.signing)
    evaluated, generator = asyncio.run(_score(tools, subject))
    return recording.record(desk, subject, evaluated, generator) if desk else evaluated


async def _score(tools: Tools, subject: Subject) -> tuple[Evaluated, Mapping[str, Any]]:
    async with tools.open_door() as door:
        evaluated = await run.run(subject, door, tools.build_retriever, tools.progress)
        return evaluated, door.identity(subject.release.model)


def decide(desk: Desk, subject: Subject, environment: str, tools: Tools | None = None) -> Gated:
    """The gate's decision from recorded evidence; with `tools`, what it lacks is evaluated and recorded first."""
    gated = gate.decide(_place(desk, environment), subject.release, subject.evalset)
    codes = set(gated.decision.codes)
    if tools is None or not codes & (CANDIDATE_LACKS | BASELINE_LACKS):
        return gated
    if codes & CANDIDATE_LACKS:
        evaluate(tools, subject, desk)
        gated = gate.decide(_place(desk, environment), subject.release, subject.evalset)
    serving = gate.serving_release(_place(desk, environment), subject.release.name)
    if serving is not None and set(gated.decision.codes) & BASELINE_LACKS:
        evaluate(tools, subjects.paired(desk.repository, desk.read().tree, serving, subject.evalset), desk)
    return gate.decide(_place(desk, environment), subject.release, subject.evalset)


def _place(desk: Desk, environment: str) -> Place:
    return Place(records=desk.read(), environment=environment, now=desk.now)


def preview(tools: Tools, subject: Subject, place: Place) -> Gated:
    """What the gate would say to working files, evaluated now; marked as no evidence."""
    return gate.preview(place, subject, evaluate(tools, subject))
