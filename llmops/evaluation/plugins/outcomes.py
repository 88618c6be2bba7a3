"""What a plug-in said, made into what a run can use: its description and its scores.

Rules, in order:

1. A value is a number from 0 to 1. NaN, infinities, numbers outside, texts: missing, with what came instead. Never 0.
2. A metric that says it is binary gives 0 or 1; anything between is missing too: its interval would be wrong.
3. A score that names no judge gets the label of the model that the metric may ask.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from llmops.evaluation.evidence import Score, measured, missing, not_applicable
from llmops.evaluation.metrics import Direction, Kind, MetricInfo, Need, applies
from llmops.evaluation.scoring.cases import Observation

LONGEST_REASON = 2_000
_KNOWN = ("method", "version", "direction", "kind", "needs")


def info_of(name: str, described: Any) -> MetricInfo:
    """The description of a metric under the name that llmops.yaml gives it. Raises: ValueError for what is none."""
    fields = {key: _field(described, key) for key in _KNOWN}
    method, version = fields["method"], fields["version"]
    if not isinstance(method, str) or not method.strip():
        raise ValueError("`info.method` is no text; it says in one sentence what is measured")
    if version is None:
        version = 1
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise ValueError(f"`info.version` is {version!r}, expected a whole number from 1")
    return MetricInfo(
        name=name,
        method=method.strip(),
        version=version,
        direction=_member(Direction, fields["direction"], Direction.HIGHER, "direction"),
        kind=_member(Kind, fields["kind"], Kind.CONTINUOUS, "kind"),
        needs=frozenset(_member(Need, need, None, "needs") for need in fields["needs"] or ()),
    )


def _field(described: Any, key: str) -> Any:
    return described.get(key) if isinstance(described, Mapping) else getattr(described, key, None)


def _member(kind: Any, value: Any, otherwise: Any, what: str) -> Any:
    if value is None and otherwise is not None:
        return otherwise
    try:
        return kind(value)
    except ValueError:
        raise ValueError(f"`info.{what}` is {value!r}, expected one of {', '.join(kind)}") from None


def before(info: MetricInfo, seen: Observation) -> Score | None:
    """The score of an answer that the metric need not look at: its case lacks what the metric says it needs."""
    if not applies(info, seen.case):
        return not_applicable("the case has no label for it")
    if Need.CONTEXTS in info.needs and not (seen.has_retrieval or seen.contexts):
        return missing("the prompt retrieves nothing, so there are no contexts")
    return None


def score_of(outcome: Any, kind: Kind, judge: str = "") -> Score:
    """The score in what a metric returned."""
    if isinstance(outcome, Score):
        return _checked(outcome, kind, judge)
    value, reason = outcome if isinstance(outcome, tuple) and len(outcome) == 2 else (outcome, "")
    if value is None:
        return missing(_text(reason) or "the metric returned nothing", judge)
    problem = _problem(value, kind)
    return missing(problem, judge) if problem else measured(float(value), _text(reason), judge)


def _checked(score: Score, kind: Kind, judge: str) -> Score:
    kept = replace(score, reason=_text(score.reason), judge=score.judge or judge, spent=None)
    if score.value is None:
        return kept
    problem = _problem(score.value, kind)
    return missing(problem, kept.judge) if problem else kept


def _problem(value: Any, kind: Kind) -> str:
    # numpy's numbers are no int or float, but they say that they are numbers.
    number = getattr(value, "item", lambda: value)() if type(value).__module__ == "numpy" else value
    if not isinstance(number, int | float):
        return f"the metric returned {_shown(value)}, expected a number from 0 to 1"
    if not 0 <= number <= 1:  # NaN and the infinities are outside too
        return f"the metric returned {_shown(number)}, which is not from 0 to 1"
    if kind is Kind.BINARY and number not in (0, 1):
        return f"the metric says that it is binary and returned {_shown(number)}, expected 0 or 1"
    return ""


def _shown(value: Any) -> str:
    is_shown = isinstance(value, float | str) or (isinstance(value, int) and value.bit_length() < 200)
    text = repr(value) if is_shown else f"a value of type {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:59]}…"


def _text(reason: Any) -> str:
    text = reason if isinstance(reason, str) else "" if reason is None else _spelled(reason)
    # Evidence admits whole characters only.
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= LONGEST_REASON else f"{text[: LONGEST_REASON - 1]}…"


def _spelled(value: Any) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001  # even an error's own text is somebody else's code
        return f"a value of type {type(value).__name__} without a text"


def failure(error: BaseException, judge: str = "") -> Score:
    """The missing score behind an error that a metric's own code raised."""
    words = _text(error).strip() or "without a message"
    return missing(f"the metric failed: {type(error).__name__}: {words}", judge)
