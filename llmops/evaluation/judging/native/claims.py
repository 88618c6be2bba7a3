"""Claims: what a text says, piece by piece, and what sources say about each piece. Shared by most metrics.

Rules, in order:

1. A text is cut into claims in one request; each claim is judged in a request of its own, all of them at once. Metrics
   ask with the same words, so equal questions of several metrics are one request.
2. A text that claims nothing and says so (it declines, greets, asks back) is told apart from one in which no claim was
   found: the second is a judge at fault.
3. A claim that stands twice counts once. Citation markers are no part of a claim.
4. There are three grades: supported, partly supported, unsupported. A share counts full support alone.

Cutting into claims and judging each: Es et al., "RAGAS: Automated Evaluation of Retrieval Augmented Generation", 2023,
section 3; Min et al., "FActScore", 2023. Both ask yes or no; the middle grade is ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from llmops.documents.evalsets import Case
from llmops.evaluation.judging.fences import Section, passages, section
from llmops.evaluation.judging.forms import Filled, Form, NoVerdict, Reading, asked
from llmops.evaluation.judging.replies import Unusable, shortened
from llmops.evaluation.scoring.words import without_markers

MOST_CLAIMS = 100
MOST_NAMED = 10


class Grade(StrEnum):
    """How far sources support a claim."""

    SUPPORTED = "supported"
    PARTLY = "partly"
    UNSUPPORTED = "unsupported"

    @property
    def points(self) -> float:
        return {Grade.SUPPORTED: 1.0, Grade.PARTLY: 0.5, Grade.UNSUPPORTED: 0.0}[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a text claims. `declines`: it claims nothing, and means to."""

    texts: tuple[str, ...]
    declines: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What sources say about one claim."""

    grade: Grade
    reason: str

    @property
    def is_supported(self) -> bool:
        return self.grade is Grade.SUPPORTED


def _claims(value: Mapping[str, Any]) -> Claims:
    tidy = (" ".join(without_markers(text).split()) for text in value["claims"])
    texts = tuple(dict.fromkeys(text for text in tidy if text))
    if len(texts) > MOST_CLAIMS:
        raise Unusable(f"it lists {len(texts)} claims, at most {MOST_CLAIMS} are judged")
    return Claims(texts=texts, declines=bool(value["declines"]) and not texts)


def _verdict(value: Mapping[str, Any]) -> Verdict:
    return Verdict(grade=Grade(value["verdict"]), reason=shortened(value["reason"]))


CLAIMS: Form[Claims] = Form(
    name="claims",
    task=(
        "Split a text into its claims. A claim is one statement that is true or false by itself. Write each claim as "
        "a full sentence that can be understood alone: replace pronouns by what they stand for, with the help of the "
        "question. Keep numbers, dates, names, conditions and negations exactly. Keep the language of the text. Add "
        "nothing, correct nothing, leave nothing out: false claims are wanted too.\n"
        "Greetings, questions, pointers to other help and remarks that information is missing are no claims. Where "
        "the text holds nothing else, `declines` is true and `claims` is empty.\n"
        'Reply with one JSON object: {"declines": true or false, "claims": ["…", "…"]}'
    ),
    schema={
        "type": "object",
        "properties": {"declines": {"type": "boolean"}, "claims": {"type": "array", "items": {"type": "string"}}},
        "required": ["declines", "claims"],
        "additionalProperties": False,
    },
    sections=("question", "text"),
    read=_claims,
)

SUPPORT: Form[Verdict] = Form(
    name="support",
    task=(
        "Decide how far sources support a claim. Use the sources alone, not what you know.\n"
        "supported: the sources say it, or it follows from them directly, with every number, name and condition.\n"
        "partly: the sources say a part of it, and nothing against the rest.\n"
        "unsupported: the sources do not say it, or say otherwise.\n"
        'Reply with one JSON object: {"reason": "at most 15 words", "verdict": "supported", "partly" or "unsupported"}'
    ),
    schema={
        "type": "object",
        "properties": {
            "reason": {"type": "string"},
            "verdict": {"type": "string", "enum": [grade.value for grade in Grade]},
        },
        "required": ["reason", "verdict"],
        "additionalProperties": False,
    },
    sections=("sources", "claim"),
    read=_verdict,
)


def conversation(case: Case) -> Section:
    """The case's question, after the turns before it where there are any."""
    turns = [f"{turn.get('role', '')}: {turn.get('content', '')}" for turn in case.messages]
    return section("question", "\n".join([*turns, f"user: {case.question}"]) if turns else case.question)


def in_text(text: str, case: Case, name: str) -> Filled[Claims]:
    """What does `text` claim? `name` is what reasons call it."""
    return CLAIMS.ask(conversation(case), section("text", without_markers(text)), about=f"the claims of {name}")


def support(claims: Sequence[str], sources: Sequence[str]) -> tuple[Filled[Verdict], ...]:
    """Do the sources, taken together, support each claim? One question a claim."""
    held = passages("sources", sources)
    return tuple(
        SUPPORT.ask(held, section("claim", claim), about=f"the claim “{shortened(claim, 80)}”") for claim in claims
    )


def supported(claims: Sequence[str], sources: Sequence[str]) -> Reading[tuple[Verdict, ...]]:
    """The verdict on each claim. Without sources nothing is asked: nothing supports anything. Raises: NoVerdict."""
    if not sources:
        return tuple(Verdict(grade=Grade.UNSUPPORTED, reason="there is no source") for _ in claims)
    return (yield from asked(support(claims, sources)))


def require(found: Claims, name: str) -> None:
    """Raises: NoVerdict where no claim was found in a text that does not decline (rule 2)."""
    if not found.texts and not found.declines:
        raise NoVerdict(f"the judge's reply on the claims of {name} cannot be used: it found none")


def share(verdicts: Sequence[Verdict]) -> float:
    """The share of claims with full support."""
    return sum(verdict.is_supported for verdict in verdicts) / len(verdicts)


def weak(claims: Sequence[str], verdicts: Sequence[Verdict]) -> str:
    """The claims without full support and why, the worst first; "" where there are none."""
    pairs = [pair for pair in zip(claims, verdicts, strict=True) if not pair[1].is_supported]
    pairs.sort(key=lambda pair: pair[1].grade.points)
    return named([f"“{shortened(claim)}”: {_why(verdict)}" for claim, verdict in pairs])


def named(items: Sequence[str]) -> str:
    """The first items, and how many there are besides."""
    rest = len(items) - MOST_NAMED
    return " · ".join([*items[:MOST_NAMED], *([f"and {rest} more"] if rest > 0 else [])])


def _why(verdict: Verdict) -> str:
    grade = "partly supported" if verdict.grade is Grade.PARTLY else verdict.grade.value
    return f"{grade}, {verdict.reason}" if verdict.reason else grade
