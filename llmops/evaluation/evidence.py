"""Evidence: what one case, run once, gave; and the bytes that say so.

Rules, in order:

1. A score is a number, or missing with a reason. Missing is never 0 and never dropped. Two kinds of missing are kept
   apart: `unmeasured` (it should have been measured: counts against coverage) and `not_applicable` (the metric has
   no meaning here, as citations of an answer that claims nothing: does not).
2. A row is one canonical line (records' profile: no floats, scores as shortest decimal strings), so equal evidence
   has equal bytes. A shard is at most 20 MB of such lines in the order of case, repeat and request digest.
3. Tokens, money and time are fields of the row; metrics over them are read from there, never stored twice. Which of
   them nobody said is named in `unknown`: its 0 means nothing.

What rows of several evaluations mean together is decided in `pooling`.
"""

from __future__ import annotations

import json
import math
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any

from llmops.documents import canonical
from llmops.documents.chat import ToolCall
from llmops.errors import CannotAsk
from llmops.evaluation import lines

LARGEST_SHARD = 20 * 10**6
COST, TOKENS, LATENCY = UNKNOWABLE = ("cost_usd", "tokens", "latency_ms")


class Absence(StrEnum):
    """Why a score has no value: it was not measured though it should, or there is nothing to measure."""

    UNMEASURED = "unmeasured"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What it took to judge: requests, tokens, money, and the time from the first request to the last reply.

    Replies that came from a cache count as they did when they were paid for.
    """

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    nano_usd: int = 0
    latency_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What one metric says about one answer. Made by `measured`, `missing` and `not_applicable`.

    `judge` is the label of who judged; "" means a rule or arithmetic, which needs no calibration. `spent` is None where
    no model was asked. Where the answer was judged several times, `judged` are the values whose mean `value` is.
    """

    value: float | None
    reason: str = ""
    judge: str = ""
    absence: Absence | None = None
    spent: Spent | None = None
    judged: tuple[float, ...] = ()


def measured(value: float, reason: str = "", judge: str = "") -> Score:
    """A score with a value. Raises: ValueError for what is no number; such a score is `missing`, with a reason."""
    if not math.isfinite(value):
        raise ValueError(f"a score is a finite number, not {value}")
    return Score(value=float(value), reason=reason, judge=judge)


def missing(reason: str, judge: str = "") -> Score:
    """A score that should exist and does not. It counts against coverage."""
    return Score(value=None, reason=reason, judge=judge, absence=Absence.UNMEASURED)


def not_applicable(reason: str, judge: str = "") -> Score:
    """A score that has no meaning for this answer. It does not count against coverage."""
    return Score(value=None, reason=reason, judge=judge, absence=Absence.NOT_APPLICABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Tokens of the generator's request and reply."""

    input: int = 0
    output: int = 0

    @property
    def total(self) -> int:
        return self.input + self.output


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRow:
    """One case, run once.

    `input_digest` names what went in (the case and its rendered messages), `request_digest` the request to the
    generator (for answers that an evalset brings along: the input digest again). `retrieved` are passage ids.
    `ttft_ms` is the time to the first token where the reply was streamed, `finish_reason` why the model stopped where
    it did not stop by itself ("length", "content_filter"). `unknown` are those of `UNKNOWABLE` that nobody said.
    """

    case: str
    input_digest: str
    request_digest: str
    answer: str
    scores: Mapping[str, Score]
    group: str = ""
    slices: tuple[str, ...] = ()
    must_pass: bool = False
    repeat: int = 0
    retrieved: tuple[str, ...] = ()
    tokens: Tokens = field(default_factory=Tokens)
    nano_usd: int = 0
    latency_ms: int = 0
    tool_calls: tuple[ToolCall, ...] = ()
    ttft_ms: int | None = None
    finish_reason: str = ""
    unknown: tuple[str, ...] = ()
    # The line that the row was read from, b"" for a row that was made otherwise.
    _line: bytes = field(init=False, default=b"", compare=False, repr=False)

    @property
    def identity(self) -> tuple[str, int, str]:
        """What makes two rows the same measurement."""
        return (self.case, self.repeat, self.request_digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceKey:
    """The yardstick and the thing measured, as digests. Evidence is pooled only where all of them are equal."""

    behaviour: str
    evalset: str
    judge: str
    scorers: str
    generator: str
    index: str


class RowsElsewhere(Sequence[EvidenceRow]):
    """Rows in the order of their identity, no two alike, that are not held in memory: each is read when it is looked
    at. `metrics` are all that have a score in any of them."""

    metrics: frozenset[str]

    @abstractmethod
    def lines(self) -> Iterator[bytes]:
        """The canonical lines of the rows, in their order."""


def dump(row: EvidenceRow) -> bytes:
    """The canonical line of a row. Raises: CanonicalError where a string or number has no canonical form."""
    return row._line or _spelled(row)


def _spelled(row: EvidenceRow) -> bytes:
    """The canonical line of what the row says. Raises: CanonicalError."""
    try:
        return lines.line_of(row).encode()
    except (TypeError, ValueError):
        return _canonical_line(row)


def _canonical_line(row: EvidenceRow) -> bytes:
    """The line by the general rules of `canonical`, which the quick spelling is held to."""
    return canonical.record_bytes(
        {
            "case": row.case,
            "group": row.group,
            "slices": list(row.slices),
            "must_pass": row.must_pass,
            "repeat": row.repeat,
            "input_digest": row.input_digest,
            "request_digest": row.request_digest,
            "answer": row.answer,
            "retrieved": list(row.retrieved),
            "scores": {metric: _score_json(score) for metric, score in row.scores.items()},
            "tokens": {"input": row.tokens.input, "output": row.tokens.output},
            "nano_usd": row.nano_usd,
            "latency_ms": row.latency_ms,
            **_optional(row),
        }
    )


def _optional(row: EvidenceRow) -> dict[str, Any]:
    """What only some rows have: left out elsewhere, so that rows written before it existed keep their bytes."""
    result: dict[str, Any] = {}
    if row.tool_calls:
        result["tool_calls"] = [call.as_json() for call in row.tool_calls]
    if row.ttft_ms is not None:
        result["ttft_ms"] = row.ttft_ms
    if row.finish_reason:
        result["finish_reason"] = row.finish_reason
    if row.unknown:
        result["unknown"] = list(row.unknown)
    return result


def _score_json(score: Score) -> dict[str, Any]:
    result: dict[str, Any]
    if score.value is None:
        result = {"missing": str(score.absence or Absence.UNMEASURED)}
    else:
        result = {"value": canonical.decimal(score.value)}
    for name, text in (("reason", score.reason), ("judge", score.judge)):
        if text:
            result[name] = text
    if score.judged:
        result["judged"] = [canonical.decimal(value) for value in score.judged]
    if score.spent is not None:
        result["spent"] = _spent_json(score.spent)
    return result


def _spent_json(spent: Spent) -> dict[str, Any]:
    return {name: getattr(spent, name) for name in _SPENT}


def load(line: bytes) -> EvidenceRow:
    """The row in a line that `dump` has written in this run; what comes from elsewhere is for `parse_row`."""
    return _row(json.loads(line))


def parse_row(line: bytes) -> EvidenceRow:
    """The row in one canonical line. Raises: ValueError for anything else."""
    try:
        row = _row(json.loads(line.decode("utf-8")))
        # Equal to the canonical line of a row: the line is canonical, and holds nothing that the row does not.
        if _spelled(row) == line:
            object.__setattr__(row, "_line", line)
            return row
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError):
        """What is wrong with it is said below."""
    raise ValueError(_wrong(line))


def _wrong(line: bytes) -> str:
    """What is wrong with a line that is no row."""
    try:
        _row(canonical.parse_record(line))
    except (KeyError, TypeError, AttributeError) as error:
        return f"not a row of evidence: {error}"
    except ValueError as error:
        return str(error)
    return "not a row of evidence as `eval` writes it: its bytes differ from the form of its content"


_TEXTS = ("case", "group", "input_digest", "request_digest", "answer")
_COUNTS = ("repeat", "nano_usd", "latency_ms")
_TOKENS = ("input", "output")
_SPENT = ("calls", "input_tokens", "output_tokens", "nano_usd", "latency_ms")


def _row(value: Mapping[str, Any]) -> EvidenceRow:
    _require_all(str, value, _TEXTS)
    _require_all(int, value, _COUNTS)
    _require_all(int, value["tokens"], _TOKENS)
    _require_all(bool, value, ("must_pass",))
    for name in ("slices", "retrieved"):
        if value[name]:
            _require(str, {f"{name}[{at}]": item for at, item in enumerate(value[name])})
    return EvidenceRow(
        case=value["case"],
        group=value["group"],
        slices=tuple(value["slices"]),
        must_pass=value["must_pass"],
        repeat=value["repeat"],
        input_digest=value["input_digest"],
        request_digest=value["request_digest"],
        answer=value["answer"],
        retrieved=tuple(value["retrieved"]),
        scores={metric: _score(score) for metric, score in value["scores"].items()},
        tokens=Tokens(input=value["tokens"]["input"], output=value["tokens"]["output"]),
        nano_usd=value["nano_usd"],
        latency_ms=value["latency_ms"],
        tool_calls=tuple(_tool_call(call) for call in value.get("tool_calls", ())),
        ttft_ms=_ttft(value),
        finish_reason=_finish_reason(value),
        unknown=_unknown(value),
    )


def _tool_call(value: Mapping[str, Any]) -> ToolCall:
    _require(str, value)
    return ToolCall(**value)


def _ttft(value: Mapping[str, Any]) -> int | None:
    if "ttft_ms" not in value:
        return None
    _require(int, {"ttft_ms": value["ttft_ms"]})
    return int(value["ttft_ms"])


def _finish_reason(value: Mapping[str, Any]) -> str:
    found = value.get("finish_reason", "")
    _require(str, {"finish_reason": found})
    return str(found)


def _unknown(value: Mapping[str, Any]) -> tuple[str, ...]:
    """Some of `UNKNOWABLE`, in their order. Raises: ValueError."""
    found = tuple(value.get("unknown", ()))
    if found != tuple(name for name in UNKNOWABLE if name in found):
        raise ValueError(f"not a row of evidence: `unknown` is {list(found)!r}")
    return found


def _require(kind: type, found: Mapping[str, Any]) -> None:
    """Exactly this type: JSON's `true` is no number. Raises: TypeError."""
    for name, value in found.items():
        if type(value) is not kind:
            raise TypeError(f"`{name}` is {value!r}")


def _require_all(kind: type, value: Mapping[str, Any], names: Sequence[str]) -> None:
    for name in names:
        if type(value[name]) is not kind:
            raise TypeError(f"`{name}` is {value[name]!r}")


@lru_cache(maxsize=4_096)
def _bare(text: str) -> Score:
    """The score that is nothing but this value: equal ones are one object."""
    return measured(float(text))


def _score(value: Mapping[str, Any]) -> Score:
    if len(value) == 1 and type(value.get("value")) is str:
        return _bare(value["value"])
    for name, text in value.items():
        if type(text) is not str and name not in ("spent", "judged"):
            raise TypeError(f"`{name}` is {text!r}")
    reason, judge, spent = value.get("reason", ""), value.get("judge", ""), _spent(value)
    if "missing" in value:
        return Score(value=None, reason=reason, judge=judge, absence=Absence(value["missing"]), spent=spent)
    found = float(value["value"])
    if not math.isfinite(found):
        raise ValueError(f"a score is a finite number, not {found}")
    judged = _judged(value, found) if "judged" in value else ()
    return Score(value=found, reason=reason, judge=judge, spent=spent, judged=judged)


def _judged(value: Mapping[str, Any], mean: float | None) -> tuple[float, ...]:
    """The values of one answer's several judgements. Raises: ValueError where they do not have this mean."""
    texts = value["judged"]
    _require(str, {f"judged[{at}]": text for at, text in enumerate(texts)})
    found = tuple(measured(float(text)).value or 0.0 for text in texts)
    if found and (len(found) < 2 or mean != math.fsum(found) / len(found)):
        raise ValueError("not a row of evidence: `judged` has another mean than `value`")
    return found


def _spent(value: Mapping[str, Any]) -> Spent | None:
    if "spent" not in value:
        return None
    _require(int, value["spent"])
    return Spent(**value["spent"])


def parse(data: bytes, where: str = "") -> tuple[EvidenceRow, ...]:
    """The rows of a shard. Raises: CannotAsk EVIDENCE_INVALID, naming the line."""
    if data and not data.endswith(b"\n"):
        raise _invalid("the last line is cut off", where, data.count(b"\n") + 1)
    rows = []
    for number, line in enumerate(data.split(b"\n")[:-1], 1):
        try:
            rows.append(parse_row(line + b"\n"))
        except ValueError as error:
            raise _invalid(str(error), where, number) from error
    return tuple(rows)


def _invalid(what: str, where: str, line: int) -> CannotAsk:
    return CannotAsk(
        "EVIDENCE_INVALID",
        what,
        where=f"{where}:{line}" if where else f"line {line}",
        hint="evidence is never edited by hand: restore the file from git, or run `llmops eval --record` again",
    )


def shards(rows: Iterable[EvidenceRow], limit: int = LARGEST_SHARD) -> tuple[bytes, ...]:
    """The rows as files of at most `limit` bytes. Raises: CannotAsk EVIDENCE_ROW_TOO_LARGE."""
    return tuple(b"".join(packed) for packed in _packed(rows, limit))


def _packed(rows: Iterable[EvidenceRow], limit: int) -> Iterator[list[bytes]]:
    packed: list[bytes] = []
    size = 0
    for line in _lines(rows):
        if len(line) > limit:
            raise _too_large(load(line), len(line), limit)
        if size + len(line) > limit:
            yield packed
            packed, size = [], 0
        packed.append(line)
        size += len(line)
    if packed:
        yield packed


def _lines(rows: Iterable[EvidenceRow]) -> Iterator[bytes]:
    if isinstance(rows, RowsElsewhere):
        return rows.lines()
    return map(dump, sorted(rows, key=lambda row: row.identity))


def _too_large(row: EvidenceRow, size: int, limit: int) -> CannotAsk:
    return CannotAsk(
        "EVIDENCE_ROW_TOO_LARGE",
        f"case {row.case!r} gives {size} bytes of evidence, a file holds at most {limit}",
        hint="lower `max_tokens` in the prompt's parameters: an answer of this length is hardly meant",
    )
