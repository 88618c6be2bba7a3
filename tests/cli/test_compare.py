"""compare through the real command line: two versions, two models, one endpoint, one table, records that why cites."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests import worlds
from tests.adapters.models.endpoint_server import EndpointServer, Trouble, completion, running
from tests.cli.conftest import Cli
from tests.worlds import CASES, PROMPT

FILE = "experiments/versions.yaml"
N = len(CASES)
MATRIX: dict[str, Any] = {
    "prompt": PROMPT,
    "versions": ["1.0.0", "1.1.0"],
    "models": ["fake", "cheap"],
    "metrics": {"show": ["groundedness", "contains"], "front": ["groundedness", "cost_usd"]},
}


class Scripted(EndpointServer):
    """`fake-1` copies the page, at ten times the price of `cheap-1`, which invents."""

    def begin(self, body: dict[str, Any], key: str) -> Trouble:
        super().begin(body, key)
        text = "Whales sing in the deep ocean all winter long."
        if body["model"] == "fake-1":
            text = body["messages"][0]["content"].partition("[1] ")[2].strip()
        said = json.loads(completion(body))
        said["choices"][0]["message"]["content"] = text
        return Trouble(body=json.dumps(said).encode())


@pytest.fixture
def endpoint() -> Iterator[EndpointServer]:
    with running(Scripted()) as server:
        yield server


def configure(cli: Cli, address: str, **experiment: Any) -> None:
    """Point the models at the endpoint, and stage the experiment."""
    model = {"provider": "openai", "base_url": address}
    value = {
        "governance": worlds.alone(),
        "models": {
            "fake": {**model, "model": "fake-1", "prices": {"input": 10, "output": 10}},
            "cheap": {**model, "model": "cheap-1", "prices": {"input": 1, "output": 1}},
        },
    }
    files = {"llmops.yaml": json.dumps(value).encode(), FILE: yaml.safe_dump({**MATRIX, **experiment}).encode()}
    cli.commit(files, "an experiment")


def test_two_versions_and_two_models_are_asked_once_and_compared(cli: Cli, endpoint: EndpointServer) -> None:
    configure(cli, endpoint.address)
    assert cli("validate", FILE).code == 0
    planned = cli("compare", FILE, "--dry-run", "--json")
    assert planned.code == 0, planned.err
    assert planned.json["result"]["requests"] == {"low": 4 * N, "high": 4 * N}
    assert endpoint.bodies == []

    done = cli("compare", FILE, "--json")
    assert done.code == 0, done.err
    assert len(endpoint.bodies) == 4 * N
    table = done.json["result"]["comparison"]
    figures = {arm["label"]: arm for arm in table["arms"]}
    assert list(figures) == ["1.0.0 / fake", "1.0.0 / cheap", "1.1.0 / fake", "1.1.0 / cheap"]
    assert {label: arm["standing"] for label, arm in figures.items()} == dict.fromkeys(figures, "front")
    good, poor = (figures[f"1.0.0 / {model}"]["readings"][0] for model in ("fake", "cheap"))
    assert good["figure"] == 1
    assert poor["figure"] < 0.1
    assert poor["difference"]["figure"] == pytest.approx(poor["figure"] - 1)

    again = cli("compare", FILE)
    assert again.code == 0
    assert len(endpoint.bodies) == 4 * N
    assert f"answers 0 asked, {4 * N} kept" in again.out
    assert all(len(line) <= 80 for line in again.out.splitlines())


def test_what_is_recorded_is_verified_and_cited(cli: Cli, endpoint: EndpointServer) -> None:
    configure(cli, endpoint.address)
    before = cli.snapshot()
    assert cli("compare", FILE).code == 0
    assert cli.snapshot() == before

    done = cli("compare", FILE, "--record")
    assert done.code == 0, done.err
    assert done.out.count("recorded audit/records/") == 3
    assert cli("audit", "verify").code == 0
    log = cli("audit", "log").out
    assert log.count(" experiment ") == 1
    assert f"{PROMPT} versions on lamp" in log
    why = cli("why", PROMPT, "--env", "dev")
    assert why.code == 0
    assert "versions on lamp" in why.out


def test_an_arm_that_cannot_be_asked_is_named_beside_the_others_and_exit_is_2(
    cli: Cli, endpoint: EndpointServer
) -> None:
    configure(cli, endpoint.address, models=["fake", "cheep"], versions=["1.0.0"])
    assert "did you mean 'cheap'?" in cli("validate", FILE).out
    before = cli.snapshot()
    done = cli("compare", FILE, "--record")
    assert done.code == 2
    assert "1.0.0 / fake" in done.out
    assert "1.0.0 / cheep: " in done.out
    assert "[MODEL_UNKNOWN]" in done.out
    assert cli.snapshot() == before
    assert cli("compare", FILE, "--dry-run").code == 2


def test_a_cap_that_cannot_be_enough_asks_nothing(cli: Cli, endpoint: EndpointServer) -> None:
    configure(cli, endpoint.address)
    done = cli("compare", FILE, "--max-cost", "0.000001")
    assert done.code == 2
    assert "[MAX_COST]" in done.err
    assert endpoint.bodies == []


def test_offline_asks_no_address(cli: Cli, endpoint: EndpointServer) -> None:
    configure(cli, endpoint.address)
    done = cli("compare", FILE, "--offline")
    assert done.code == 2
    assert "[NO_ARM]" in done.err
    assert "[OFFLINE]" in done.err
    assert endpoint.bodies == []


def test_to_be_recorded_an_experiment_is_staged(cli: Cli, endpoint: EndpointServer) -> None:
    configure(cli, endpoint.address)
    cli.git("rm", "-q", "--cached", FILE)
    done = cli("compare", FILE, "--record")
    assert done.code == 2
    assert "[EXPERIMENT_MISSING]" in done.err
    assert f"git add {FILE}" in done.err
    assert endpoint.bodies == []


def test_working_files_are_compared_and_never_recorded(cli: Cli, endpoint: EndpointServer) -> None:
    configure(cli, endpoint.address, versions=["1.0.0", "working"], models=["fake"])
    assert cli("compare", FILE, "--record").code == 2
    assert endpoint.bodies == []
    assert cli("compare", FILE).code == 0
