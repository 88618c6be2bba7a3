"""The scripted endpoint: equal requests hear and meet the same, whoever asks in whatever order."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest

from llmops.documents.evalsets import Case
from llmops.evaluation.evidence import Score
from llmops.evaluation.judging import replies as reading
from llmops.evaluation.judging.native import registry
from llmops.evaluation.judging.steps import Ask, Embed, Said, Steps, Vectors
from llmops.evaluation.scoring.cases import Observation
from tests.servers import replies, repository
from tests.servers.model_server import ModelServer, serving


def ask(server: ModelServer, number: int) -> tuple[int, str]:
    body = {"model": "m", "messages": [{"role": "user", "content": f"question {number}"}]}
    request = urllib.request.Request(f"{server.address}/chat/completions", json.dumps(body).encode())
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            return reply.status, json.load(reply)["choices"][0]["message"]["content"]
    except urllib.error.HTTPError as error:
        return error.code, ""


def test_equal_requests_meet_the_same_in_any_order() -> None:
    with serving(share_429=0.3, share_500=0.2) as server:
        forth = {number: ask(server, number) for number in range(60)}
        server.reset()
        back = {number: ask(server, number) for number in reversed(range(60))}
        assert forth == back
        assert {status for status, _ in forth.values()} == {200, 429, 500}
        assert (server.requests, server.unique) == (60, 60)


def test_a_second_attempt_is_drawn_anew() -> None:
    with serving(share_429=0.5) as server:
        first = [ask(server, number)[0] for number in range(40)]
        second = [ask(server, number)[0] for number in range(40)]
    assert first != second


@pytest.mark.parametrize("name", repository.METRICS)
def test_its_replies_satisfy_every_question_of_the_native_judge(name: str) -> None:
    (case,) = repository.cases(1)
    seen = Observation(
        case=Case(id=case["id"], question=case["question"], ground_truth=case["ground_truth"]),
        answer=replies.text_of({"messages": [{"content": "q"}]}, "mark"),
        contexts=tuple(case["contexts"]),
        has_retrieval=True,
    )
    assert scored(registry.METRICS[name].steps(seen)).value is not None


def scored(steps: Steps) -> Score:
    """The score that a metric ends with when the server's replies are read strictly."""
    batch = next(steps)
    while True:
        try:
            batch = steps.send(tuple(said(each) for each in batch))
        except StopIteration as end:
            return end.value


def said(asked: Ask | Embed) -> Said | Vectors:
    if isinstance(asked, Embed):
        return Vectors(rows=[replies.vector(text) for text in asked.texts])
    assert asked.schema is not None
    reply = Said(text=json.dumps(replies.filled(asked.schema, asked.schema, "mark")))
    assert reading.read(reply, asked.schema)
    return reply
