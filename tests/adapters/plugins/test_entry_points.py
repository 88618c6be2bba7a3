"""Metrics of packages that importlib finds for real."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from llmops.adapters.plugins import load
from llmops.documents.chat import ChatReply, ChatRequest, Stage, ToolCall
from llmops.documents.config import MetricConfig
from llmops.documents.trees import MemoryTree
from llmops.errors import CannotAsk, InputRefused
from llmops.evaluation.evidence import Absence, Score
from llmops.evaluation.metrics import Direction, Kind
from llmops.evaluation.plugins import RunMetric
from tests.adapters.plugins.packages import Packages
from tests.evaluation.plugins.builders import an_observation
from tests.fakes_models import FakeDoor

POLITE = """
    class Politeness:
        info = {"method": "share of the wanted words that the answer holds", "version": 2}

        def __init__(self, words):
            self.words = words

        def score(self, seen):
            held = [word for word in self.words if word in seen.answer.lower()]
            return len(held) / len(self.words), f"holds {len(held)} of {len(self.words)}"

    def metric(options):
        return Politeness(options["words"])
"""


def _config(source: str = "acme-metric", name: str = "politeness", **fields: Any) -> MetricConfig:
    return MetricConfig(name=name, kind="plugin", source=source, **fields)


def _load(config: MetricConfig, door: FakeDoor | None = None) -> RunMetric:
    (metric,) = load({config.name: config}, door=door or FakeDoor(), tree=MemoryTree())
    return metric


def _refused(config: MetricConfig, door: FakeDoor | None = None) -> CannotAsk:
    with pytest.raises(CannotAsk) as caught:
        _load(config, door)
    assert caught.value.where == f"llmops.yaml: metrics.{config.name}"
    return caught.value


def _returning(packages: Packages, body: str, *, info: str = '{"method": "a test"}', kind: str = "def") -> None:
    lines = "\n".join(f"            {line}" for line in body.splitlines())
    packages.install(
        "acme",
        f"""
    import asyncio, math, time

    class Metric:
        info = {info}

        {kind} score(self, seen):
{lines}

    def metric(options):
        return Metric()
""",
        acme_metric="metric",
    )


def test_a_metric_that_nobody_installed_is_refused_with_what_is_there(packages: Packages) -> None:
    packages.install("acme", POLITE, acme_metric="metric", acme_other="metric")
    error = _refused(_config("acme-metrics"))
    assert error.code == "PLUGIN_MISSING"
    assert "acme-metric, acme-other" in error.hint


def test_a_name_of_llmops_is_refused(packages: Packages) -> None:
    packages.install("acme", POLITE, acme_metric="metric")
    for name in ("faithfulness", "safety", "latency_ms"):
        assert _refused(_config(name=name, options={"words": ["please"]})).code == "PLUGIN_NAME"


def test_a_metric_that_two_packages_offer_is_refused(packages: Packages) -> None:
    packages.install("acme", POLITE, acme_metric="metric")
    packages.install("emca", POLITE, acme_metric="metric")
    error = _refused(_config(options={"words": ["please"]}))
    assert error.code == "PLUGIN_NAME"
    assert "acme, emca" in error.what


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import no_such_module_anywhere", "ModuleNotFoundError"),
        ("raise SystemExit(3)", "SystemExit"),
        ("metric = 3", "cannot be called"),
        ("def metric(options): raise KeyError('words')", "does not take these options: KeyError"),
        ("def metric(options): return object()", "has no `score`"),
        ("class metric:\n    def __init__(self, options): pass\n    def score(self, seen): return 1", "info"),
        (
            "class metric:\n    info = {'method': ''}\n    def __init__(self, options): pass\n"
            "    def score(self, seen): return 1",
            "`info.method` is no text",
        ),
        (
            "class metric:\n    info = {'method': 'x', 'direction': 'up'}\n    def __init__(self, options): pass\n"
            "    def score(self, seen): return 1",
            "`info.direction` is 'up', expected one of higher, lower",
        ),
    ],
)
def test_a_broken_plug_in_is_named_before_the_run(packages: Packages, code: str, says: str) -> None:
    packages.install("acme", code, acme_metric="metric")
    error = _refused(_config())
    assert error.code == "PLUGIN_BROKEN"
    assert says in error.what


@pytest.mark.parametrize(
    "option", [{"timeout_seconds": 0}, {"timeout_seconds": "9"}, {"concurrency": 0}, {"kind": "odd"}]
)
def test_an_option_of_ours_is_checked(packages: Packages, option: dict[str, Any]) -> None:
    packages.install("acme", POLITE, acme_metric="metric")
    assert _refused(_config(options={"words": ["a"], **option})).code == "PLUGIN_OPTIONS"


async def test_a_metric_scores_under_the_name_of_the_configuration(packages: Packages) -> None:
    packages.install("acme", POLITE, acme_metric="metric")
    metric = _load(_config(options={"words": ["please", "thank"], "kind": "steps", "direction": "lower"}))
    assert (metric.info.name, metric.info.version) == ("politeness", 2)
    assert (metric.info.kind, metric.info.direction) == (Kind.STEPS, Direction.LOWER)
    score = await metric.score(an_observation("Please come in."))
    assert score == Score(value=0.5, reason="holds 1 of 2")
    await metric.close()


def test_the_identity_follows_code_version_and_options(packages: Packages) -> None:
    words = {"words": ["please"]}
    packages.install("acme", POLITE, acme_metric="metric")
    first = _load(_config(options=words)).identity
    assert _load(_config(options=words)).identity == first
    assert _load(_config(options={"words": ["thanks"]})).identity != first
    packages.install("acme", POLITE.replace("lower()", "casefold()"), acme_metric="metric")
    edited = _load(_config(options=words)).identity
    assert edited != first


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("return math.nan", "nan, which is not from 0 to 1"),
        ("return math.inf", "inf, which is not from 0 to 1"),
        ("return 1.01", "1.01, which is not from 0 to 1"),
        ("return -0.1", "-0.1, which is not from 0 to 1"),
        ("return 10**400", "which is not from 0 to 1"),
        ("return 'good'", "'good', expected a number from 0 to 1"),
        ("return [1]", "a value of type list"),
        ("return None", "the metric returned nothing"),
        ("return (None, 'no words')", "no words"),
        ("pass", "the metric returned nothing"),
        ("raise ValueError('bad words')", "the metric failed: ValueError: bad words"),
        ("raise SystemExit(0)", "SystemExit"),
        ("raise StopIteration", "StopIteration"),
        ("raise asyncio.CancelledError", "the metric failed: CancelledError"),
        ("raise type('Odd', (Exception,), {'__str__': lambda self: 1})", "the metric failed: Odd: a value of type Odd"),
        ("raise TimeoutError('mine')", "the metric failed: TimeoutError: mine"),
        ("return 1 / 0", "ZeroDivisionError"),
        ("seen.answer = 'mine'", "the metric failed"),
        ("seen.variables['a'] = 1", "the metric failed: TypeError"),
    ],
)
@pytest.mark.parametrize("kind", ["def", "async def"])
async def test_what_is_no_score_is_missing(packages: Packages, body: str, says: str, kind: str) -> None:
    _returning(packages, body, kind=kind)
    score = await _load(_config()).score(an_observation())
    assert score.value is None
    assert score.absence is Absence.UNMEASURED
    assert says in score.reason


async def test_a_binary_metric_gives_0_or_1(packages: Packages) -> None:
    _returning(packages, "return 0.5 if 'half' in seen.answer else True", info='{"method": "x", "kind": "binary"}')
    metric = _load(_config())
    assert "binary" in (await metric.score(an_observation("half"))).reason
    assert (await metric.score(an_observation("whole"))).value == 1.0


async def test_a_score_object_is_taken_and_checked(packages: Packages) -> None:
    _returning(
        packages,
        "from llmops.evaluation.plugins import measured, not_applicable\n"
        "return not_applicable('nothing claimed') if not seen.contexts else measured(float(seen.contexts[0]))",
    )
    metric = _load(_config())
    assert (await metric.score(an_observation())).absence is Absence.NOT_APPLICABLE
    assert (await metric.score(an_observation(contexts=("0.25",)))).value == 0.25
    assert "not from 0 to 1" in (await metric.score(an_observation(contexts=("2",)))).reason


async def test_a_metric_sees_the_case(packages: Packages) -> None:
    _returning(
        packages,
        "assert (seen.case, seen.question, seen.ground_truth, seen.tags) == ('c1', 'what is it?', 'truth', ('t',))\n"
        "assert seen.variables['list'] == (1, 2) and seen.messages[0]['role'] == 'user'\n"
        "assert seen.tool_calls[0].name == 'look' and seen.cost_usd == 0.002 and seen.latency_ms == 7\n"
        "return 1",
    )
    seen = an_observation(
        case_ground_truth="truth",
        case_tags=("t",),
        case_variables={"list": [1, 2]},
        case_messages=({"role": "user", "content": "hi"},),
        tool_calls=(ToolCall(name="look"),),
        nano_usd=2_000_000,
        latency_ms=7,
    )
    assert (await _load(_config()).score(seen)).value == 1


async def test_a_case_without_what_the_metric_needs_is_not_scored(packages: Packages) -> None:
    _returning(packages, "return 1", info='{"method": "x", "needs": ["ground_truth", "contexts"]}')
    metric = _load(_config())
    assert (await metric.score(an_observation())).absence is Absence.NOT_APPLICABLE
    assert (await metric.score(an_observation(case_ground_truth="x"))).absence is Absence.UNMEASURED
    assert (await metric.score(an_observation(case_ground_truth="x", contexts=("y",)))).value == 1


@pytest.mark.parametrize(("kind", "wait"), [("def", "time.sleep(0.6)"), ("async def", "await asyncio.sleep(30)")])
async def test_a_metric_that_hangs_is_missing_and_others_go_on(packages: Packages, kind: str, wait: str) -> None:
    _returning(packages, f"if 'slow' in seen.answer:\n    {wait}\nreturn 1", kind=kind)
    metric = _load(_config(options={"timeout_seconds": 0.2}))
    slow, fast = await asyncio.gather(metric.score(an_observation("slow")), metric.score(an_observation("fast")))
    assert "took longer than 0.2 s" in slow.reason
    assert fast.value == 1


async def test_a_run_that_is_cancelled_is_cancelled(packages: Packages) -> None:
    _returning(packages, "await asyncio.sleep(30)", kind="async def")
    task = asyncio.create_task(_load(_config()).score(an_observation()))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_function_that_keeps_hanging_is_called_no_more(packages: Packages) -> None:
    _returning(packages, "time.sleep(3)")
    metric = _load(_config(options={"timeout_seconds": 0.05}))
    reasons = [(await metric.score(an_observation())).reason for _ in range(4)]
    assert "3 earlier calls are still running" in reasons[3]


ASKS = """
    import asyncio

    class Metric:
        info = {"method": "what the model says"}

        def __init__(self, options, ask):
            self.options, self.ask = options, ask

        async def score(self, seen):
            first, second = await asyncio.gather(
                self.ask(f"Grade {seen.answer}"), self.ask([{"role": "user", "content": "again"}])
            )
            return float(first), second

    class Swallows(Metric):
        async def score(self, seen):
            try:
                await self.ask("x")
            except Exception:
                return 1.0

    def metric(options, *, ask):
        return (Swallows if options.get("swallow") else Metric)(options, ask)
"""


async def test_a_metric_asks_its_model_as_a_judge_and_what_it_took_is_kept(packages: Packages) -> None:
    packages.install("acme", ASKS, acme_metric="metric")
    door = FakeDoor("0.75", nano_usd=40)
    metric = _load(_config(model="big"), door)
    score = await metric.score(an_observation("it"))
    assert (score.value, score.reason, score.judge) == (0.75, "0.75", "politeness by big")
    assert score.spent is not None
    assert (score.spent.calls, score.spent.nano_usd) == (2, 80)
    assert {request.stage for request in door.requests} == {Stage.JUDGE}
    assert {request.model for request in door.requests} == {"big"}


def test_a_model_is_named_exactly_where_it_is_asked(packages: Packages) -> None:
    packages.install("acme", ASKS, acme_metric="metric")
    assert _refused(_config()).code == "PLUGIN_MODEL"
    packages.install("emca", POLITE, emca_metric="metric")
    assert _refused(_config("emca-metric", model="big", options={"words": ["a"]})).code == "PLUGIN_MODEL"


def test_a_model_that_is_not_configured_is_refused_before_the_run(packages: Packages) -> None:
    packages.install("acme", ASKS, acme_metric="metric")
    with pytest.raises(CannotAsk) as caught:
        _load(_config(model="big"), FakeDoor(models=("small",)))
    assert caught.value.code == "MODEL_UNKNOWN"


class _Failing(FakeDoor):
    def __init__(self, error: CannotAsk) -> None:
        super().__init__()
        self._error = error

    async def chat(self, _request: ChatRequest) -> ChatReply:
        raise self._error


@pytest.mark.parametrize("swallow", [False, True])
async def test_a_model_that_cannot_be_asked_ends_the_run_whatever_the_metric_does(
    packages: Packages, swallow: bool
) -> None:
    packages.install("acme", ASKS, acme_metric="metric")
    metric = _load(_config(model="big", options={"swallow": swallow}), _Failing(CannotAsk("OFFLINE", "no network")))
    with pytest.raises(CannotAsk) as caught:
        await metric.score(an_observation())
    assert caught.value.code == "OFFLINE"


async def test_a_request_that_is_refused_costs_one_score(packages: Packages) -> None:
    packages.install("acme", ASKS, acme_metric="metric")
    door = _Failing(InputRefused("INPUT_REFUSED", "the context is too long"))
    score = await _load(_config(model="big"), door).score(an_observation())
    assert score.value is None
    assert "the context is too long" in score.reason


class _Slow(FakeDoor):
    async def chat(self, request: ChatRequest) -> ChatReply:
        await asyncio.sleep(0.3)
        return await super().chat(request)


async def test_waiting_for_the_model_does_not_count_against_the_metric(packages: Packages) -> None:
    packages.install("acme", ASKS, acme_metric="metric")
    metric = _load(_config(model="big", options={"timeout_seconds": 0.1}), _Slow("1"))
    assert (await metric.score(an_observation())).value == 1.0
