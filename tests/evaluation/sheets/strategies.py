"""Evidence of every shape, made by hypothesis."""

from collections.abc import Sequence

from hypothesis import strategies as st

from llmops.documents.chat import ToolCall
from llmops.evaluation import evidence
from llmops.evaluation.evidence import EvidenceRow, Score, Spent, Tokens, measured, missing, not_applicable

METRICS = ("contains", "groundedness", "mrr", "safety", 'own "metric\\')
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ["", "\x7f\u2028", '\x00\b\t"\\/']
)
counts = st.integers(0, 2**53) | st.integers(0, 9)
spent = st.none() | st.builds(Spent, calls=counts, input_tokens=counts, latency_ms=counts)
labels = st.sampled_from(["", "embedded-lexical (advisory)", "judge\n"])
numbers = st.sampled_from([0.0, 1.0, 0.5, 0.1, 2 / 3]) | st.floats(allow_nan=False, allow_infinity=False)


def _judged(values: Sequence[float], judge: str) -> Score:
    mean = sum(values) / len(values)
    return Score(value=mean, judge=judge, judged=tuple(values))


def _spending(score: Score, took: Spent | None) -> Score:
    return Score(value=score.value, reason=score.reason, judge=score.judge, absence=score.absence, spent=took)


scores = st.one_of(
    st.builds(measured, numbers, texts, labels),
    st.builds(_spending, st.builds(measured, st.floats(0, 1), texts, labels), spent),
    st.builds(missing, texts, labels),
    st.builds(not_applicable, texts, labels),
    st.builds(_judged, st.sampled_from([(0.5, 1.0), (0.0, 0.5, 1.0)]), st.just("judge")),
)
tool_calls = st.lists(st.builds(ToolCall, name=texts, arguments=texts), max_size=1).map(tuple)
unknown = st.sets(st.sampled_from(evidence.UNKNOWABLE)).map(
    lambda found: tuple(name for name in evidence.UNKNOWABLE if name in found)
)


def rows_of(cases: st.SearchStrategy[str], values: st.SearchStrategy[Score] = scores) -> st.SearchStrategy[EvidenceRow]:
    return st.builds(
        EvidenceRow,
        case=cases,
        input_digest=texts,
        request_digest=st.sampled_from(["r", "s", "é\n"]),
        answer=texts,
        scores=st.dictionaries(st.sampled_from(METRICS), values),
        group=texts,
        slices=st.lists(texts, max_size=2).map(tuple),
        must_pass=st.booleans(),
        repeat=st.integers(0, 2),
        retrieved=st.lists(texts, max_size=2).map(tuple),
        tokens=st.builds(Tokens, input=counts, output=counts),
        nano_usd=counts,
        latency_ms=counts,
        tool_calls=st.just(()) | st.just(()) | tool_calls,
        ttft_ms=st.none() | counts,
        finish_reason=st.sampled_from(["", "length"]),
        unknown=st.just(()) | unknown,
    )


def shard_of(rows: Sequence[EvidenceRow]) -> bytes:
    return b"".join(map(evidence.dump, rows))
