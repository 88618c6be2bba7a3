"""Evaluations on a real cluster, started on this machine: what comes back is what one process gives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from llmops.cli.context import Context
from llmops.cli.options import Runner, asking
from llmops.cli.session import Globals
from llmops.errors import CannotAsk
from llmops.evaluation import evidence
from llmops.usecases.evaluate import evaluating, sharding
from llmops.usecases.results.evaluating import Evaluated
from tests.ray import tasks
from tests.servers import repository
from tests.servers.model_server import Act, ModelServer, serving

pytestmark = pytest.mark.ray
CASES = 11
METRICS = ("faithfulness", "context_recall")


@pytest.fixture(autouse=True)
def _workers_find_us(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.setattr(sharding, "SHARD", 4)


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with serving() as found:
        yield found


@pytest.fixture
def folder(tmp_path: Path, server: ModelServer) -> Path:
    config = repository.configuration(server.address, concurrency=4)
    return repository.write(tmp_path / "here", repository.cases(CASES), config, METRICS)


def evaluate(folder: Path, **how: object) -> Evaluated:
    world = Context(Globals(folder=str(folder)))
    options = asking(**{"offline": False, **how})  # type: ignore[arg-type]
    return evaluating.evaluate(world.tools(options), world.subject(repository.PROMPT))


def test_a_replay_on_a_cluster_gives_the_bytes_of_the_run(folder: Path, server: ModelServer, tmp_path: Path) -> None:
    cassette = tmp_path / "replies"
    local = evaluate(folder, save_replies=cassette)
    asked = server.requests
    replayed = evaluate(folder, replay=cassette, runner=Runner.RAY)
    assert server.requests == asked
    assert evidence.shards(replayed.rows) == evidence.shards(local.rows)
    assert (replayed.summary, replayed.scorers) == (local.summary, local.scorers)
    assert (replayed.generator, replayed.judge_identity) == (local.generator, local.judge_identity)


def test_a_cluster_asks_once_for_each_request_and_keeps_to_the_limit(folder: Path, server: ModelServer) -> None:
    server.latency = 0.02
    found = evaluate(folder, runner=Runner.RAY)
    assert (len(found.rows), found.is_measured) == (CASES, True)
    assert server.requests == server.unique == found.model_calls
    assert server.most_at_once <= 2 * 4, "a limit of four for each of the two models, all tasks together"
    assert evaluate(folder).model_calls == 0, "one process finds every answer in the cache"


def test_a_case_that_is_refused_is_named_as_by_one_process(folder: Path, server: ModelServer) -> None:
    told = b'{"error": {"message": "too long", "code": "context_length_exceeded"}}'
    server.mischief = lambda asked: Act(status=400, data=told) if "plan 7-1 " in asked.said else None
    with pytest.raises(CannotAsk) as one:
        evaluate(folder)
    with pytest.raises(CannotAsk) as many:
        evaluate(folder, runner=Runner.RAY)
    assert many.value.code == one.value.code == "INCOMPLETE"
    assert (many.value.what, many.value.details) == (one.value.what, one.value.details)


def test_an_endpoint_that_is_down_ends_the_run(folder: Path, server: ModelServer) -> None:
    server.mischief = lambda _asked: Act(status=401, data=b'{"error": {"message": "no", "code": "invalid_api_key"}}')
    with pytest.raises(CannotAsk) as error:
        evaluate(folder, runner=Runner.RAY)
    assert error.value.code == "KEY_REFUSED"


def test_a_cap_holds_for_all_tasks_together(folder: Path) -> None:
    path = folder / "llmops.yaml"
    path.write_text(path.read_text().replace('"scripted-1",', '"scripted-1", "max_output_tokens": 300,'))
    whole = evaluate(folder).ledger.nano_usd
    (folder / ".llmops/cache/models.sqlite").unlink()
    cap = 0.6 * whole / 1e9
    with pytest.raises(CannotAsk) as error:
        evaluate(folder, runner=Runner.RAY, max_cost=cap)
    assert error.value.code == "MAX_COST"


def test_a_process_that_ends_is_told() -> None:
    from llmops.adapters.ray import cluster

    with cluster.opened(tasks.answer, lambda count: f"job of {count}", lambda _processors: 2) as opened:
        opened.submit(0, 0)
        opened.submit(1, 1)
        found = dict((opened.finished(), opened.finished()))
    assert found == {0: "job of 2 0", 1: None}
