"""The adapter against a small library of DeepEval's interface: what its documentation says a metric and a model are."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from llmops.adapters.plugins import load
from llmops.adapters.plugins.deepeval.model import strict
from llmops.documents.chat import ChatRequest, Stage, ToolCall
from llmops.documents.config import MetricConfig
from llmops.documents.trees import MemoryTree
from llmops.errors import CannotAsk
from llmops.evaluation.evidence import Absence
from llmops.evaluation.metrics import Direction
from llmops.evaluation.plugins import RunMetric
from tests.evaluation.plugins.builders import an_observation
from tests.fakes_models import FakeDoor

LIBRARY = {
    "__init__.py": "import os\nTELEMETRY = os.environ.get('DEEPEVAL_TELEMETRY_OPT_OUT')\n",
    "models/__init__.py": "",
    "models/base_model.py": """
class DeepEvalBaseLLM:
    def __init__(self, model=None):
        self.name = model
        self.model = self.load_model()
""",
    "test_case.py": """
import enum

class SingleTurnParams(enum.Enum):
    INPUT = "input"
    ACTUAL_OUTPUT = "actual_output"
    EXPECTED_OUTPUT = "expected_output"

class ToolCall:
    def __init__(self, name, input_parameters=None):
        self.name, self.input_parameters = name, input_parameters

class LLMTestCase:
    def __init__(self, input, actual_output, expected_output=None, context=None, retrieval_context=None,
                 tools_called=None, expected_tools=None):
        self.__dict__.update(locals())
""",
    "metrics.py": """
import deepeval
from deepeval.test_case import SingleTurnParams

class Verdict:
    def __init__(self, verdict):
        self.verdict = verdict

    @classmethod
    def model_json_schema(cls):
        return {"type": "object", "properties": {"verdict": {"type": "string"}}, "required": ["verdict"]}

    @classmethod
    def model_validate(cls, value):
        if not isinstance(value["verdict"], str):
            raise ValueError("no text")
        return cls(value["verdict"])

class Rule:
    _required_params = [SingleTurnParams.EXPECTED_OUTPUT]
    score = reason = error = None

    def __init__(self, threshold=0.5, evaluation_params=None):
        self.threshold = threshold

    async def a_measure(self, test_case, _show_indicator=True):
        assert _show_indicator is False
        assert deepeval.TELEMETRY == "YES"
        self.score = float(test_case.actual_output == test_case.expected_output)
        self.reason = f"tools {[(t.name, t.input_parameters) for t in test_case.tools_called or []]}"

    def is_successful(self):
        return self.score >= self.threshold

class Harm(Rule):
    _required_params = []

    async def a_measure(self, test_case):
        if test_case.actual_output == "error":
            self.error = "it broke"
        elif test_case.actual_output == "skip":
            self.skipped, self.reason = True, "not for this"
        elif test_case.actual_output == "nan":
            self.score = float("nan")
        else:
            return 0.25

    def is_successful(self):
        return self.score <= self.threshold

class Asking(Rule):
    _required_params = []

    def __init__(self, threshold=0.5, model=None, eval_mode=None):
        assert eval_mode == "llm" and model.get_model_name() == "big"
        self.threshold, self.model = threshold, model

    async def a_measure(self, test_case, _show_indicator=True):
        found = await self.model.a_generate("judge " + test_case.actual_output, schema=Verdict)
        self.reason = await self.model.a_generate("why?")
        self.score = 1.0 if found.verdict == "yes" else 0.0

class Blocking(Asking):
    async def a_measure(self, test_case):
        self.model.generate("now")
""",
}


@pytest.fixture(autouse=True)
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `deepeval` on the path, in place of any other."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for name in [name for name in sys.modules if name.partition(".")[0] == "deepeval"]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("DEEPEVAL_TELEMETRY_OPT_OUT", "DEEPEVAL_DISABLE_DOTENV", "DEEPEVAL_FILE_SYSTEM"):
        monkeypatch.setenv(name, "")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name, code in LIBRARY.items():
        path = tmp_path / "deepeval" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code)
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "deepeval"]:
        del sys.modules[name]


def _load(source: str, door: FakeDoor | None = None, **fields: Any) -> RunMetric:
    config = MetricConfig(name="theirs", kind="deepeval", source=f"deepeval.metrics:{source}", **fields)
    (metric,) = load({config.name: config}, door=door or FakeDoor(), tree=MemoryTree())
    return metric


def _refused(source: str, **fields: Any) -> CannotAsk:
    with pytest.raises(CannotAsk) as caught:
        _load(source, **fields)
    return caught.value


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmops.adapters.plugins.deepeval.library.find_spec", lambda _name: None)
    error = _refused("Rule")
    assert (error.code, error.hint) == ("EXTRA_MISSING", "run `pip install deepeval`")


@pytest.mark.parametrize(
    ("source", "fields", "code"),
    [
        ("Nothing", {}, "PLUGIN_BROKEN"),
        ("SingleTurnParams", {}, "PLUGIN_BROKEN"),
        ("", {}, "PLUGIN_MISSING"),
        ("Rule", {"options": {"unheard": 1}}, "PLUGIN_OPTIONS"),
        ("Rule", {"options": {"evaluation_params": ["unheard"]}}, "PLUGIN_OPTIONS"),
        ("Rule", {"model": "big"}, "PLUGIN_MODEL"),
        ("Asking", {}, "PLUGIN_MODEL"),
        ("Asking", {"model": "big", "options": {"model": "their-default"}}, "PLUGIN_MODEL"),
    ],
)
def test_what_cannot_be_run_is_refused_before_the_run(source: str, fields: dict[str, Any], code: str) -> None:
    assert _refused(source, **fields).code == code


def test_a_module_that_is_not_there_is_refused() -> None:
    config = MetricConfig(name="theirs", kind="deepeval", source="no_such_module_anywhere:Metric")
    with pytest.raises(CannotAsk) as caught:
        load({"theirs": config}, door=FakeDoor(), tree=MemoryTree())
    assert caught.value.code == "PLUGIN_MISSING"


async def test_a_test_case_is_made_of_the_observation() -> None:
    metric = _load("Rule", options={"evaluation_params": ["actual_output"], "threshold": 1})
    calls = (ToolCall(name="look", arguments='{"at": 1}'), ToolCall(name="odd", arguments="not json"))
    score = await metric.score(an_observation("x", case_ground_truth="x", tool_calls=calls))
    assert score.value == 1.0
    assert score.reason == "tools [('look', {'at': 1}), ('odd', {'arguments': 'not json'})]"
    assert (await metric.score(an_observation("y", case_ground_truth="x"))).value == 0.0


async def test_a_case_without_what_the_metric_requires_is_not_scored() -> None:
    assert (await _load("Rule").score(an_observation("x"))).absence is Absence.NOT_APPLICABLE


def test_which_way_is_better_is_asked_of_the_metric() -> None:
    assert _load("Rule").info.direction is Direction.HIGHER
    assert _load("Harm").info.direction is Direction.LOWER
    assert _load("Harm", options={"direction": "higher"}).info.direction is Direction.HIGHER


@pytest.mark.parametrize(
    ("answer", "says"),
    [("error", "it broke"), ("skip", "skipped: not for this"), ("nan", "nan, which is not from 0 to 1")],
)
async def test_a_metric_without_a_score_is_missing(answer: str, says: str) -> None:
    score = await _load("Harm").score(an_observation(answer))
    assert score.value is None
    assert says in score.reason


async def test_a_score_that_is_only_returned_counts() -> None:
    assert (await _load("Harm").score(an_observation("fine"))).value == 0.25


async def test_its_questions_go_through_the_door_with_their_shape() -> None:
    def answer(request: ChatRequest) -> str:
        return "because" if request.response_schema is None else 'Sure: {"verdict": "yes"}'

    door = FakeDoor(answer)
    score = await _load("Asking", door, model="big").score(an_observation("it"))
    assert (score.value, score.reason, score.judge) == (1.0, "because", "theirs by big")
    assert score.spent is not None
    assert score.spent.calls == 2
    assert door.requests[0].stage is Stage.JUDGE
    assert door.requests[0].response_schema == {
        "type": "object",
        "properties": {"verdict": {"type": "string"}},
        "required": ["verdict"],
        "additionalProperties": False,
    }


async def test_a_reply_of_another_shape_is_asked_for_once_more_and_then_missing() -> None:
    door = FakeDoor(json.dumps({"verdict": 7}))
    score = await _load("Asking", door, model="big").score(an_observation("it"))
    assert score.value is None
    assert "the model's reply cannot be used" in score.reason
    assert [request.repeat for request in door.requests] == [0, 1]


async def test_a_metric_that_would_block_the_run_is_missing() -> None:
    score = await _load("Blocking", model="big").score(an_observation("it"))
    assert "asynchronously only" in score.reason


def test_a_strict_shape_requires_every_key_at_every_depth() -> None:
    inner = {"type": "object", "properties": {"b": {"type": "string", "default": ""}}}
    assert strict({"$defs": {"Inner": inner}, "anyOf": [inner, {"type": "null"}]}) == {
        "$defs": {"Inner": _strict_inner()},
        "anyOf": [_strict_inner(), {"type": "null"}],
    }


def _strict_inner() -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"b": {"type": "string"}},
        "required": ["b"],
        "additionalProperties": False,
    }
