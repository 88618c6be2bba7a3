"""The embedded models on documents that nobody here wrote: the paragraphs and questions of XQuAD (English).

Measures hit@1 and hit@4 of sparse, dense and hybrid retrieval over every question of the file, then has the embedded
generator answer 40 of them with a plain prompt over what hybrid retrieval found, and scores the answers.

    python benchmarks/xquad_journey.py [FILE]

FILE is `../shared/data/xquad_retrieval.jsonl` beside the checkout unless given; where it is absent, a line says so.
The data (XQuAD, CC-BY-SA-4.0) is not part of this repository. Replies are cached in `.llmops/bench/xquad`; figures of
speed are those of the first call.
"""

from __future__ import annotations

import asyncio
import json
import resource
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmops.adapters.models.door import Door, open_door
from llmops.adapters.models.embedded.llama import worker_count
from llmops.adapters.retrieval.build import build_retriever
from llmops.documents.chat import ChatReply, ChatRequest
from llmops.documents.config import ModelConfig
from llmops.documents.evalsets import Case
from llmops.evaluation.scoring.cases import Observation, score
from llmops.evaluation.scoring.lexical import Background
from llmops.retrieval.passages import Passage

CHECKOUT = Path(__file__).resolve().parent.parent
DATA = CHECKOUT.parent / "shared" / "data" / "xquad_retrieval.jsonl"
MODELS = {"small": ModelConfig(name="small", provider="embedded", model="small")}
GOAL_SPARSE = 0.92
ANSWERED = 40
CONTEXTS = 2
METRICS = ("groundedness", "faithfulness", "answer_relevancy", "answer_similarity", "contains", "safety")
SYSTEM = "Answer the question from the context. Be short. If the context does not hold the answer, say so."


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question, its answer and the paragraph that holds it."""

    id: str
    text: str
    answer: str
    relevant: str


def read(path: Path) -> tuple[tuple[Passage, ...], tuple[Question, ...]]:
    """The paragraphs and the questions of the file."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    passages = tuple(Passage(id=row["doc_id"], text=row["text"]) for row in rows if row["kind"] == "doc")
    questions = tuple(
        Question(id=row["id"], text=row["question"], answer=_first(row["answer"]), relevant=row["relevant"][0])
        for row in rows
        if row["kind"] == "query"
    )
    return passages, questions


def _first(answer: Any) -> str:
    return str(answer[0] if isinstance(answer, list) else answer)


def config(strategy: str) -> dict[str, Any]:
    """A normalised retrieval config."""
    return {
        "loader": "text",
        "chunking": {"strategy": "none", "size": 0, "overlap": 0},
        "embedding": {"provider": "embedded", "model": "all-minilm-l6-v2", "dimensions": 384},
        "index": {"backend": "memory"},
        "pii": {"action": "warn"},
        "context": {"max_tokens": None},
        "retrieval": {"strategy": strategy, "top_k": 4, "score_threshold": None, "reranker": None},
    }


async def hits(door: Door, passages: Sequence[Passage], questions: Sequence[Question], strategy: str) -> list[int]:
    """The rank (1 to 4) of each question's paragraph, 0 where it was not found."""
    retriever = build_retriever(config(strategy), passages, door)
    if strategy != "sparse":
        await door.embed([question.text for question in questions])  # in one go: two threads share the work
    ranks = []
    for question in questions:
        found = [passage.id for passage in await retriever.retrieve(question.text)]
        ranks.append(found.index(question.relevant) + 1 if question.relevant in found else 0)
    return ranks


async def answers(
    door: Door, passages: Sequence[Passage], questions: Sequence[Question]
) -> list[tuple[Question, tuple[Passage, ...], ChatReply]]:
    """The generator's answers over the first passages that hybrid retrieval finds."""
    retriever = build_retriever(config("hybrid"), passages, door)
    found = [(await retriever.retrieve(question.text))[:CONTEXTS] for question in questions]
    requests = [_request(question, contexts) for question, contexts in zip(questions, found, strict=True)]
    replies = await asyncio.gather(*(door.chat(request) for request in requests))
    return list(zip(questions, found, replies, strict=True))


def _request(question: Question, contexts: Sequence[Passage]) -> ChatRequest:
    context = "\n\n".join(passage.text for passage in contexts)
    user = f"Context:\n{context}\n\nQuestion: {question.text}"
    messages = ({"role": "system", "content": SYSTEM}, {"role": "user", "content": user})
    return ChatRequest(model="small", messages=messages, parameters={"temperature": 0, "max_tokens": 60})


async def scores(
    door: Door, passages: Sequence[Passage], answered: Sequence[tuple[Question, tuple[Passage, ...], ChatReply]]
) -> dict[str, list[float]]:
    """The values of each metric over the answers; what was not measured is left out."""
    background = Background.of(passage.text for passage in passages)
    values: dict[str, list[float]] = {name: [] for name in METRICS}
    for question, contexts, reply in answered:
        vectors = await door.embed([reply.text, question.text, question.answer])
        case = Case(id=question.id, question=question.text, ground_truth=question.answer, contains=(question.answer,))
        seen = Observation(
            case=case,
            answer=reply.text,
            has_retrieval=True,
            contexts=tuple(passage.text for passage in contexts),
            system=SYSTEM,
            answer_vector=vectors[0].tolist(),
            question_vector=vectors[1].tolist(),
            truth_vector=vectors[2].tolist(),
            background=background,
        )
        for name, found in score(seen, METRICS).items():
            values[name] += [] if found.value is None else [found.value]
    return values


def spread_over(questions: Sequence[Question], count: int) -> tuple[Question, ...]:
    """`count` questions at even distances: every article is asked about."""
    return tuple(questions[at * len(questions) // count] for at in range(min(count, len(questions))))


def row(figure: str, value: str, goal: str = "") -> None:
    print(f"{figure:<58} {value:>18}  {goal}")


async def measure(path: Path) -> bool:
    """Print the table; True where the goal is reached."""
    passages, questions = read(path)
    row("figure", "value", "goal")
    row("paragraphs, questions", f"{len(passages)}, {len(questions)}")
    async with open_door(CHECKOUT / ".llmops" / "bench" / "xquad", MODELS, offline=True) as door:
        sparse = 0.0
        for strategy in ("sparse", "dense", "hybrid"):
            started = time.perf_counter()
            ranks = await hits(door, passages, questions, strategy)
            seconds = time.perf_counter() - started
            first = ranks.count(1) / len(ranks)
            sparse = first if strategy == "sparse" else sparse
            goal = f"≥ {GOAL_SPARSE}" if strategy == "sparse" else ""
            row(f"{strategy} hit@1", f"{first:.3f}", goal)
            row(f"{strategy} hit@4", f"{sum(rank > 0 for rank in ranks) / len(ranks):.3f}")
            row(f"{strategy} seconds for all questions", f"{seconds:.1f}")
        await answer_rows(door, passages, spread_over(questions, ANSWERED))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    row("peak memory of the process, MB", f"{peak:.0f}", "≤ 700")
    return sparse >= GOAL_SPARSE


async def answer_rows(door: Door, passages: Sequence[Passage], questions: Sequence[Question]) -> None:
    started, cpu = time.perf_counter(), time.process_time()
    answered = await answers(door, passages, questions)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    replies = [reply for _, _, reply in answered]
    tokens = statistics.mean(reply.input_tokens for reply in replies)
    row("answers, mean prompt and answer tokens", f"{len(replies)}, {tokens:.0f} + {_mean_output(replies):.0f}")
    if door.ledger.sent:
        row(
            f"seconds an answer, {worker_count()} servers (CPU seconds)",
            f"{seconds / len(replies):.2f} ({cpu / len(replies):.2f})",
        )
    row("latency of an answer, median, ms", f"{statistics.median(reply.latency_ms for reply in replies):.0f}")
    for name, found in (await scores(door, passages, answered)).items():
        mean = f"{statistics.mean(found):.3f}" if found else "-"
        row(f"{name} (measured on {len(found)} of {len(replies)})", mean)


def _mean_output(replies: Sequence[ChatReply]) -> float:
    return statistics.mean(reply.output_tokens for reply in replies)


def main() -> int:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else DATA
    if not path.is_file():
        print(f"skipped: {path} is not there (XQuAD paragraphs and questions, one JSON object a line)")
        return 0
    return 0 if asyncio.run(measure(path)) else 1


if __name__ == "__main__":
    sys.exit(main())
