"""What an evaluation will ask and cost, before it asks.

What the cache holds costs nothing. For the rest, input tokens are those of the rendered messages (a quarter of the
bytes); how long answers are and what they claim is not known before, so requests and money are a range.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llmops.documents import bars, rendering
from llmops.documents.chat import ChatRequest
from llmops.documents.evalsets import Case
from llmops.errors import CannotAsk
from llmops.evaluation.judging import expectations
from llmops.evaluation.judging.expectations import Range
from llmops.retrieval.passages import Passage
from llmops.usecases.evaluate.answering import PromptTarget
from llmops.usecases.evaluate.bench import Bench, metric_names
from llmops.usecases.evaluate.measuring import given_passages, request_of
from llmops.usecases.results.evaluating import Estimate

SHORTEST_ANSWER = 16
LONGEST_ANSWER = 1024  # tokens, where the prompt sets no max_tokens


@dataclass(slots=True)
class _Sum:
    requests: Range
    nano_usd: Range
    least: int
    kept: int
    unpriced: dict[str, None]

    def add(self, bench: Bench, model: str, calls: Range, *, sent: Range, answered: Range) -> None:
        """Book `calls` requests to `model`, each of so many tokens."""
        self.requests += calls
        low = bench.door.price(model, input_tokens=calls.low * sent.low, output_tokens=calls.low * answered.low)
        high = bench.door.price(model, input_tokens=calls.high * sent.high, output_tokens=calls.high * answered.high)
        if low is None or high is None:
            self.unpriced.setdefault(model)
            return
        self.nano_usd += Range(low=low, high=high)


async def estimate(bench: Bench) -> Estimate:
    """What `bench` will ask and cost. Retrieves and renders, asks nothing."""
    subject, total = bench.subject, _Sum(Range(), Range(), 0, 0, {})
    behaviour = subject.release.behaviour
    judged = _judged(bench)
    retrieval = behaviour.get("retrieval")
    retriever = bench.build_retriever(retrieval, subject.passages, bench.door) if retrieval else None
    repeats = bars.parse(subject.release.bars).repeats
    for case in subject.evalset.cases:
        passages = await retriever.retrieve(case.question) if retriever else given_passages(case)
        contexts = [passage.text for passage in passages]
        for repeat in range(repeats):
            is_kept = _answer(bench, total, case, passages, repeat)
            if is_kept is not None:
                _judging(bench, total, judged, contexts, is_kept=is_kept)
    return Estimate(
        prompt=subject.release.name,
        version=subject.release.version,
        requests=total.requests,
        nano_usd=total.nano_usd,
        least=total.least,
        kept=total.kept,
        unpriced=tuple(total.unpriced),
    )


def _judged(bench: Bench) -> tuple[str, ...]:
    scorers = bench.scorers
    names = metric_names(bench.subject, scorers.panel.catalogue, bench.asked, costly=scorers.costly)
    own = {info.name for info in scorers.judge.metrics}
    return tuple(name for name in names if name in own)


def _answer(bench: Bench, total: _Sum, case: Case, passages: Sequence[Passage], repeat: int) -> bool | None:
    """Book the answer of one case; True where it is kept, None where it cannot be asked for."""
    if not isinstance(bench.target, PromptTarget):
        return True
    behaviour = bench.subject.release.behaviour
    try:
        messages = rendering.render_messages(behaviour, case.question, passages, case.variables, turns=case.messages)
        request = request_of(behaviour, messages, repeat)
        if bench.door.is_kept(request):
            total.kept += 1
            return True
    except CannotAsk:
        return None  # it costs nothing, and the run names it
    sent = _tokens(request)
    longest = int(request.parameters.get("max_tokens") or LONGEST_ANSWER)
    answered = Range(low=min(SHORTEST_ANSWER, longest), high=longest)
    total.add(bench, request.model, Range(low=1, high=1), sent=Range(low=sent, high=sent), answered=answered)
    # A token is seldom more than eight bytes, and an answer has one at least.
    total.least += bench.door.price(request.model, input_tokens=sent // 2, output_tokens=1) or 0
    return False


def _judging(bench: Bench, total: _Sum, judged: Sequence[str], contexts: Sequence[str], *, is_kept: bool) -> None:
    """Book the judging of one answer. Where the answer is kept, its judging may be: the least is nothing."""
    scorers = bench.scorers
    if not scorers.asks_models or not judged:
        return
    calls = expectations.calls(scorers.judge.identity.kind, judged, len(contexts)).times(bench.judge_repeats)
    calls = Range(low=0, high=calls.high) if is_kept else calls
    text = sum(_count(context) for context in contexts)
    low, high = expectations.FRAME_TOKENS
    least, most = expectations.JUDGED_TOKENS
    sent = Range(low=low, high=high + text)
    total.add(bench, bench.scorers.model, calls, sent=sent, answered=Range(low=least, high=most))


def _tokens(request: ChatRequest) -> int:
    return sum(_count(_text(message)) for message in request.messages)


def _text(message: Mapping[str, Any]) -> str:
    return str(message.get("content") or "")


def _count(text: str) -> int:
    return -(-len(text.encode()) // 4)
