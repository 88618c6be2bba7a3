"""Scores by plain rules against the case's labels and the prompt's output schema. All are pass (1) or fail (0)."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from llmops.documents.scanning import fitting
from llmops.evaluation.evidence import Score, measured, missing

_FENCE = re.compile(r"\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*", re.DOTALL | re.IGNORECASE)


def exact_match(answer: str, ground_truth: str, schema: Mapping[str, Any] | None = None) -> Score:
    """1 where the answer equals the ground truth: as JSON where there is an output schema, else as normalised text."""
    if schema is None:
        return _passes(normalised(answer) == normalised(ground_truth), f"expected “{ground_truth}”")
    try:
        expected = _json(ground_truth)
    except ValueError as error:
        return missing(f"the ground truth is no JSON though the prompt has an output schema: {error}")
    try:
        found = _json(answer)
    except ValueError as error:
        return measured(0, f"the answer is no JSON: {error}")
    # Compared as canonical text: in Python True == 1, in JSON it is not.
    try:
        return _passes(_spelled(found) == _spelled(expected), f"expected {_spelled(expected)}")
    except RecursionError:
        return missing("the answer or the ground truth is nested too deeply to be compared")


def normalised(text: str) -> str:
    """The text as `exact_match` compares it: case, width, white space and final punctuation folded."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"\s+", " ", folded).strip().rstrip(".!")


def contains(answer: str, strings: Sequence[str]) -> Score:
    """1 where the answer holds every string, whatever its case and white space."""
    absent = [string for string in strings if not holds(answer, string)]
    return _passes(not absent, f"lacks {', '.join(f'“{string}”' for string in absent)}")


def excludes(answer: str, strings: Sequence[str]) -> Score:
    """1 where the answer holds none of the strings, whatever its case and white space."""
    present = [string for string in strings if holds(answer, string)]
    return _passes(not present, f"holds {', '.join(f'“{string}”' for string in present)}")


def holds(answer: str, string: str) -> bool:
    """True where `string` stands in the answer and, where it begins or ends with a word or number, stands free: `5%`
    is not in `25%`."""
    wanted = re.sub(r"\s+", " ", unicodedata.normalize("NFKC", string).casefold()).strip()
    text = re.sub(r"\s+", " ", unicodedata.normalize("NFKC", answer).casefold())
    before = r"(?<!\w)(?<!\d[.,])" if wanted[:1].isalnum() else ""
    after = r"(?!\w)(?![.,]\d)" if wanted[-1:].isalnum() else ""
    return re.search(f"{before}{re.escape(wanted)}{after}", text) is not None


def json_valid(answer: str, schema: Mapping[str, Any] | None) -> Score:
    """1 where the answer is one JSON value (a code fence around it is let pass) that fits the schema. Missing where the
    check itself fails."""
    if schema is None:
        return missing("the prompt has no output schema")
    try:
        value = _json(answer)
    except ValueError as error:
        return measured(0, f"the answer is no JSON: {error}")
    try:
        problem = fitting.problem(value, schema)
    except fitting.Unchecked as error:
        return missing(str(error))
    return _passes(not problem, problem)


def _json(text: str) -> Any:
    fenced = _FENCE.fullmatch(text)
    try:
        return json.loads(fenced[1] if fenced else text, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON number")


def _spelled(value: Any) -> str:
    return json.dumps(_numbers_folded(value), sort_keys=True, ensure_ascii=False)


def _numbers_folded(value: Any) -> Any:
    """1.0 and 1 are one JSON number."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _numbers_folded(item) for key, item in value.items()}
    return [_numbers_folded(item) for item in value] if isinstance(value, list) else value


def _passes(passed: bool, otherwise: str) -> Score:
    return measured(1) if passed else measured(0, otherwise)
