"""Context precision: do the useful passages stand first?

Each retrieved passage is judged useful or not for arriving at the ground truth. The score is average precision over the
ranking: sum over useful ranks k of (useful among the first k) / k, divided by the number of useful passages (ragas,
"Context Precision"; Manning et al., "Introduction to Information Retrieval", 2008, section 8.4, with the retrieved
useful passages as the relevant ones). No useful passage, or none retrieved: 0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llmops.evaluation.evidence import measured
from llmops.evaluation.judging.fences import section
from llmops.evaluation.judging.forms import Filled, Form, asked
from llmops.evaluation.judging.native.claims import conversation, named
from llmops.evaluation.judging.replies import shortened
from llmops.evaluation.judging.steps import Steps
from llmops.evaluation.scoring.cases import Observation


@dataclass(frozen=True, slots=True, kw_only=True)
class Usefulness:
    """Whether a passage helps to arrive at the ground truth, and why."""

    is_useful: bool
    reason: str


def _usefulness(value: Mapping[str, Any]) -> Usefulness:
    return Usefulness(is_useful=value["useful"], reason=shortened(value["reason"]))


USEFUL: Form[Usefulness] = Form(
    name="useful",
    task=(
        "Decide whether a passage is useful: does it state at least one fact that the right answer to the question "
        "rests on? A passage about the same subject without such a fact is not useful.\n"
        'Reply with one JSON object: {"reason": "at most 15 words", "useful": true or false}'
    ),
    schema={
        "type": "object",
        "properties": {"reason": {"type": "string"}, "useful": {"type": "boolean"}},
        "required": ["reason", "useful"],
        "additionalProperties": False,
    },
    sections=("question", "right_answer", "passage"),
    read=_usefulness,
)


def useful(seen: Observation) -> tuple[Filled[Usefulness], ...]:
    """Is each retrieved passage useful? One question a passage."""
    shared = (conversation(seen.case), section("right_answer", seen.case.ground_truth))
    return tuple(
        USEFUL.ask(*shared, section("passage", passage), about=f"passage {rank}")
        for rank, passage in enumerate(seen.contexts, 1)
    )


def context_precision(seen: Observation) -> Steps:
    """The average precision of the retrieved passages."""
    if not seen.contexts:
        return measured(0, "no passage was retrieved")
    found = yield from asked(useful(seen))
    useless = [f"passage {rank}: {one.reason}" for rank, one in enumerate(found, 1) if not one.is_useful]
    reason = f"not useful: {named(useless)}" if useless else "every passage is useful"
    return measured(average_precision([one.is_useful for one in found]), reason)


def average_precision(useful_by_rank: Sequence[bool]) -> float:
    """The mean over useful ranks of the precision at that rank; 0 where no rank is useful."""
    ranks = [rank for rank, is_useful in enumerate(useful_by_rank, 1) if is_useful]
    return math.fsum(count / rank for count, rank in enumerate(ranks, 1)) / len(ranks) if ranks else 0.0
