"""DeepEval's own names, looked up on first use. It is not among our dependencies, and it runs without its telemetry.

Everything that is read or set before its import is set here: no report of usage, no `.env` file read, no file written.
"""

from __future__ import annotations

import os
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

_SET = {
    "DEEPEVAL_TELEMETRY_OPT_OUT": "YES",
    "DEEPEVAL_DISABLE_DOTENV": "1",
    "DEEPEVAL_FILE_SYSTEM": "READ_ONLY",
}


def is_installed() -> bool:
    """True where DeepEval can be imported."""
    return find_spec("deepeval") is not None


def module(name: str) -> ModuleType:
    """A module of DeepEval, or one that uses it. Raises: what its import raises."""
    os.environ.update(_SET)
    return import_module(name)


def test_case(fields: dict[str, Any], calls: dict[str, list[tuple[str, Any]]]) -> Any:
    """An `LLMTestCase`; `calls` are tool calls by field, as name and arguments."""
    cases = module("deepeval.test_case")
    tools = {
        name: [cases.ToolCall(name=tool, input_parameters=arguments) for tool, arguments in listed]
        for name, listed in calls.items()
    }
    return cases.LLMTestCase(**fields, **tools)


def parameters(names: list[Any]) -> list[Any]:
    """Members of the enumeration of a test case's fields, which is called otherwise in older versions."""
    cases = module("deepeval.test_case")
    kind = getattr(cases, "SingleTurnParams", None) or cases.LLMTestCaseParams
    return [kind(name) for name in names]


def base_model() -> Any:
    """The class that every model of one's own inherits from."""
    return module("deepeval.models.base_model").DeepEvalBaseLLM
