"""eval --until-decided through the real command line, against a scripted endpoint that counts what it is asked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator

import pytest
import yaml

from tests.cli.conftest import Cli, Done
from tests.servers import repository
from tests.servers.model_server import BROKEN, Act, Asked, ModelServer, serving
from tests.servers.repository import EVALSET, PROMPT

CASES = 300
NAME = f"{PROMPT}@1.0.0"
RUN = ("eval", NAME, "--until-decided", "--env", "dev")


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with serving() as found:
        yield found


def right(share: float) -> Callable[[Asked], Act | None]:
    """Answers of which this share is right, by the question."""

    def mischief(asked: Asked) -> Act:
        drawn = int.from_bytes(hashlib.sha256(asked.said.encode()).digest()[:4]) / 2**32
        return Act(text="It costs 40 dollars." if drawn < share else "It costs something.")

    return mischief


def begin(
    cli: Cli, server: ModelServer, bars: str = "contains: {min: 0.85}", cases: int = CASES, **fields: object
) -> None:
    """A locked release whose answers have to name dollars, and the policy of a person alone, whose environment `dev`
    takes an early yes and `demo` takes none."""
    cli.git("init", "-q", "-b", "main")
    assert cli("init", "--profile", "solo").code == 0
    rows = [{**case, "contains": ["dollars"], **fields} for case in repository.cases(cases)]
    settings = yaml.safe_load((cli.folder / "llmops.yaml").read_text())
    config = {**settings, **repository.configuration(server.address, concurrency=16)}
    repository.write(cli.folder, rows, config)
    cli.write({f"prompts/{PROMPT}/thresholds.yaml": f"judge: strict\nrelease:\n  {bars}\n".encode()})
    cli.git("add", "-A")
    done = cli("lock", PROMPT)
    assert done.code == 0, done.err
    cli.git("commit", "-q", "-m", "first")
    assert cli("policy", "apply").code == 0


def result(done: Done) -> dict[str, object]:
    found: dict[str, object] = done.json["result"]
    return found


def test_it_asks_the_judge_and_the_target_of_the_bars(nowhere: Cli, server: ModelServer) -> None:
    begin(nowhere, server)
    for more in (("--judge", "embedded-lexical"), ("--target", "answers"), ("--runner", "ray")):
        done = nowhere(*RUN, *more, "--json")
        assert (done.code, done.json["error"]["code"]) == (2, "USAGE")
    assert nowhere("eval", NAME, "--env", "dev").code == 2
    assert server.requests == 0


@pytest.mark.parametrize(("share", "verdict", "code"), [(0.97, "PASS", 0), (0.5, "FAIL", 1)])
def test_it_stops_early_and_the_gate_agrees(
    nowhere: Cli, server: ModelServer, share: float, verdict: str, code: int
) -> None:
    server.mischief = right(share)
    begin(nowhere, server)
    done = nowhere(*RUN, "--record", "--json")
    assert done.code == 0, done.err
    found = done.json["result"]
    assert (found["decision"]["verdict"], found["of"]) == (verdict, CASES)
    assert found["cases"] < CASES / 2
    # Every case costs one request: what was saved was not sent.
    assert server.requests == found["cases"]
    assert found["saved_requests"] == CASES - found["cases"]
    assert found["saved_nano_usd"] > 0
    recorded = json.loads(nowhere("audit", "log", "--json").out)
    assert recorded["result"]
    gated = nowhere("gate", NAME, "--env", "dev", "--json")
    assert gated.code == code, gated.out
    decision = gated.json["result"]["decision"]
    assert (decision["verdict"], decision["rows"]) == (verdict, found["decision"]["rows"])
    assert server.requests == found["cases"]


def test_an_environment_that_takes_no_early_yes_has_every_case_run(nowhere: Cli, server: ModelServer) -> None:
    server.mischief = right(0.97)
    begin(nowhere, server, cases=60)
    assert nowhere(*RUN, "--record").code == 0
    assert server.requests < 60
    gated = nowhere("gate", NAME, "--env", "demo", "--json")
    assert gated.code == 4, gated.out
    assert [reason["code"] for reason in gated.json["result"]["decision"]["reasons"]] == ["EARLY_PASS_DENIED"]
    done = nowhere(*RUN[:-1], "demo", "--record")
    assert (done.code, server.requests) == (0, 60), done.err
    assert "demo takes no early yes" in done.err
    assert "PASS for demo after 60 of 60 cases, " in done.out
    assert "of them recorded before" in done.out
    assert nowhere("gate", NAME, "--env", "demo").code == 0


def test_an_environment_that_takes_no_early_yes_still_stops_for_a_no(nowhere: Cli, server: ModelServer) -> None:
    server.mischief = right(0.3)
    begin(nowhere, server)
    done = nowhere(*RUN[:-1], "demo", "--json")
    assert (done.code, done.json["result"]["decision"]["verdict"]) == (0, "FAIL")
    assert server.requests < CASES / 2


def test_it_says_what_was_decided_and_saved(nowhere: Cli, server: ModelServer) -> None:
    server.mischief = right(0.97)
    begin(nowhere, server)
    done = nowhere(*RUN)
    assert done.code == 0, done.err
    assert "PASS for dev after" in done.out
    assert f"about {CASES - server.requests} requests and $" in done.out


def test_an_open_question_takes_every_case(nowhere: Cli, server: ModelServer) -> None:
    server.mischief = right(0.85)
    begin(nowhere, server, "contains: {min: 0.85, decide_on: interval}", cases=60)
    done = nowhere(*RUN, "--record", "--json")
    assert done.code == 4, done.out
    assert (done.json["result"]["cases"], done.json["result"]["saved_requests"]) == (60, 0)
    assert nowhere("gate", NAME, "--env", "dev").code == 4


def test_a_bar_that_needs_every_case_is_named(nowhere: Cli, server: ModelServer) -> None:
    begin(nowhere, server, "contains: {min: 0.85}\n  latency_p95_ms: {max: 60000}", cases=60)
    done = nowhere(*RUN, "--json")
    assert done.code == 0, done.out
    assert done.json["result"]["forced_by"] == ["latency_p95_ms.max"]
    assert server.requests == 60
    assert "latency_p95_ms.max passes on all 60 cases only" in done.err


def test_a_case_that_must_pass_and_fails_ends_it_in_the_first_batch(nowhere: Cli, server: ModelServer) -> None:
    server.mischief = right(0.0)
    begin(nowhere, server, "contains: {min: 0.01}", must_pass=True, cases=40)
    done = nowhere(*RUN, "--json")
    assert (done.code, done.json["result"]["decision"]["verdict"]) == (0, "FAIL")
    assert "MUST_PASS_FAILED" in [reason["code"] for reason in done.json["result"]["decision"]["reasons"]]


def test_a_fault_ends_it_and_the_same_command_resumes(nowhere: Cli, server: ModelServer) -> None:
    begin(nowhere, server, cases=120)
    answer = right(0.9)
    server.mischief = lambda asked: Act(status=401, data=BROKEN.data) if server.unique > 30 else answer(asked)
    done = nowhere(*RUN, "--record", "--json")
    assert done.code == 2, done.out
    assert "answers are kept" in done.json["error"]["hint"]
    before = server.statuses[200]
    server.mischief = answer
    server.reset()
    done = nowhere(*RUN, "--record", "--json")
    assert done.code in (0, 4), done.out
    # What was answered before is not asked again.
    assert server.requests == done.json["result"]["cases"] - before


def test_a_second_run_of_what_is_recorded_asks_nothing(nowhere: Cli, server: ModelServer) -> None:
    server.mischief = right(0.97)
    begin(nowhere, server)
    one = nowhere(*RUN, "--record", "--json").json["result"]
    server.reset()
    records = nowhere("audit", "log", "--json").json["result"]
    two = nowhere(*RUN, "--record", "--json").json["result"]
    assert server.requests == 0
    assert two["decision"] == one["decision"]
    assert (two["cases"], two["recorded"], two["evaluated"]) == (0, one["cases"], None)
    assert nowhere("audit", "log", "--json").json["result"] == records
    assert "already decided by recorded evidence" in nowhere(*RUN).out


def test_nobody_is_bothered_with_the_evalset_it_did_not_run(nowhere: Cli, server: ModelServer) -> None:
    server.mischief = right(0.97)
    begin(nowhere, server)
    found = nowhere(*RUN, "--record", "--json").json["result"]
    rows = {row["case"] for row in found["evaluated"]["rows"]}
    assert len(rows) == found["cases"]
    assert found["evaluated"]["evalset"] == EVALSET
