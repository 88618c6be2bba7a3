"""A judge by script: it answers each question from what a test wrote down, and keeps what it was asked."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from llmops.evaluation.evidence import Score
from llmops.evaluation.judging.steps import Ask, Embed, Said, Steps, Vectors
from llmops.evaluation.scoring.cases import Observation
from tests.evaluation.builders import a_case

Reply = Said | Vectors | str | Mapping[str, Any]
_SECTION = re.compile(r"<(\w+) ([0-9a-f]{12})>\n(.*?)\n</\1 \2>", re.DOTALL)


def seen(answer: str = "The rate is 6%.", **fields: Any) -> Observation:
    own: dict[str, Any] = {"case": a_case(), "has_retrieval": True, "contexts": ("The rate is 6%.",)}
    return Observation(answer=answer, **{**own, **fields})


def sections(ask: Ask) -> dict[str, str]:
    """The fenced texts of a request by name."""
    return {name: text for name, _, text in _SECTION.findall(ask.messages[-1]["content"])}


def said(reply: Reply) -> Said | Vectors:
    if isinstance(reply, Said | Vectors):
        return reply
    return Said(text=reply if isinstance(reply, str) else json.dumps(reply))


@dataclass
class Run:
    """A score and the batches that it took."""

    score: Score
    batches: list[tuple[Ask | Embed, ...]]

    @property
    def sizes(self) -> list[int]:
        return [len(batch) for batch in self.batches]

    @property
    def calls(self) -> int:
        return sum(self.sizes)


def run(steps: Steps, answer: Callable[[Ask | Embed], Reply]) -> Run:
    """Carry the requests to `answer` until there is a score."""
    batches: list[tuple[Ask | Embed, ...]] = []
    try:
        batch = next(steps)
        while True:
            batches.append(batch)
            batch = steps.send(tuple(said(answer(request)) for request in batch))
    except StopIteration as ended:
        return Run(score=ended.value, batches=batches)


def claim_list(*texts: str, declines: bool = False) -> dict[str, Any]:
    return {"declines": declines, "claims": list(texts)}


@dataclass
class Script:
    """Claims by text, verdicts by claim (or by claim and a piece of the sources), usefulness by a piece of the passage.
    Unlisted claims are unsupported, unlisted passages useless."""

    claims: Mapping[str, Sequence[str] | Mapping[str, Any]] = field(default_factory=dict)
    support: Mapping[str | tuple[str, str], str] = field(default_factory=dict)
    useful: Sequence[str] = ()

    def __call__(self, request: Ask | Embed) -> Reply:
        assert isinstance(request, Ask)
        assert request.schema is not None
        given = sections(request)
        if "claims" in request.schema["properties"]:
            found = self.claims[given["text"]]
            return found if isinstance(found, Mapping) else claim_list(*found)
        if "useful" in request.schema["properties"]:
            return {"reason": "because", "useful": any(text in given["passage"] for text in self.useful)}
        return {"reason": "because", "verdict": self._verdict(given["claim"], given["sources"])}

    def _verdict(self, claim: str, sources: str) -> str:
        for key, grade in self.support.items():
            if key == claim or (isinstance(key, tuple) and key[0] == claim and key[1] in sources):
                return grade
        return "unsupported"
