"""The work: cases, each answered once and judged by fixed metrics, and what it takes at the least.

Rules, in order:

1. One case is one request to the generator, then what the judge asks. Answers and ground truths have two claims, so a
   case of the native judge is 14 chat completions in a chain of 3, and one request for embeddings behind them.
2. Ideal is what no client can beat: the longer of the chain at the endpoint's latency, and all chat completions through
   `concurrency` lanes.
3. The bare client sends the very bodies that llmops sends, level by level of the chain.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmops.adapters.models import bodies
from llmops.documents import canonical
from llmops.documents.chat import ChatRequest
from llmops.documents.config import ModelConfig
from llmops.documents.evalsets import Case
from llmops.evaluation.judging.native import registry
from llmops.evaluation.judging.steps import PARAMETERS, Ask, Batch, Said, Vectors
from llmops.evaluation.scoring.cases import Observation
from tests.servers import repository
from tests.servers.replies import text_of, vector

LATENCY_MS = 200
CHAIN = 3
DEADLINE = 3
RAGAS_METRICS = ("faithfulness", "answer_relevancy", "context_precision", "context_recall")
_MODEL = ModelConfig(name="served", provider="openai", model="scripted-1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One evaluation: how many cases, judged how, through how many lanes."""

    cases: int
    concurrency: int
    kind: str = "native"
    metrics: tuple[str, ...] = repository.METRICS

    def repository(self, folder: Path, address: str) -> Path:
        """A fresh repository with this work."""
        config = repository.configuration(
            address, kind=self.kind, concurrency=self.concurrency, timeout_seconds=DEADLINE
        )
        return repository.write(folder, repository.cases(self.cases), config, self.metrics)


def ideal(chats: int, concurrency: int, *, chain: int = CHAIN, latency_ms: float = LATENCY_MS) -> float:
    """Seconds."""
    return max(chain, chats / concurrency) * latency_ms / 1000


def plan(count: int) -> list[list[list[str]]]:
    """The chat bodies of each case, level by level; the last level's embeddings are the client's business."""
    return [_levels(case) for case in repository.cases(count)]


def _levels(case: Mapping[str, Any]) -> list[list[str]]:
    answer = f"The rate of plan {case['id']} is 3.5 percent. The fee of plan {case['id']} is 40 dollars."
    numbered = "\n".join(f"[{at}] {text}" for at, text in enumerate(case["contexts"], 1))
    asked = (
        {"role": "system", "content": "Answer from the passages, in two sentences."},
        {"role": "user", "content": f"{numbered}\nQuestion: {case['question']}"},
    )
    generator = _body(ChatRequest(model="served", messages=asked, parameters={"temperature": 0}))
    seen = Observation(
        case=Case(id=case["id"], question=case["question"], ground_truth=case["ground_truth"]),
        answer=answer,
        contexts=tuple(case["contexts"]),
        has_retrieval=True,
    )
    levels: list[dict[str, None]] = []
    for name in repository.METRICS:
        _walk(seen, name, levels)
    known: set[str] = set()
    judged = []
    for level in levels:
        judged.append([body for body in level if body not in known])
        known.update(level)
    return [[generator], *judged]


def _walk(seen: Observation, name: str, levels: list[dict[str, None]]) -> None:
    """Add what a metric asks to the levels, answering it as the endpoint would."""
    steps = registry.METRICS[name].steps(seen)
    batch: Batch = next(steps)
    at = 0
    try:
        while True:
            if at == len(levels):
                levels.append({})
            levels[at].update({_body(_request(ask)): None for ask in batch if isinstance(ask, Ask)})
            batch = steps.send(tuple(map(_said, batch)))
            at += 1
    except StopIteration:
        levels[:] = [level for level in levels if level]


def _request(ask: Ask) -> ChatRequest:
    return ChatRequest(model="served", messages=ask.messages, parameters=PARAMETERS, response_schema=ask.schema)


def _said(asked: Any) -> Said | Vectors:
    if not isinstance(asked, Ask):
        return Vectors(rows=[vector(text) for text in asked.texts])
    body = _body(_request(asked))
    return Said(text=text_of(json.loads(body), canonical.sha256(body.encode())[:12]))


def _body(request: ChatRequest) -> str:
    return json.dumps(bodies.chat_body(_MODEL, request))
