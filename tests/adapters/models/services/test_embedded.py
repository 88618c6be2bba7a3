"""The embedded server complains as its service reads it: the real one."""

from __future__ import annotations

import http.client
import json
from urllib.parse import urlsplit

import pytest

from llmops.adapters.keys import Secret
from llmops.adapters.models import services
from llmops.adapters.models.services import Kind
from llmops.documents.config import ModelConfig

pytestmark = pytest.mark.embedded


@pytest.fixture(scope="module")
def running():
    from llmops.adapters.models.embedded import llama, weights

    server = llama.start(weights.locate(weights.GENERATOR), servers=1)
    yield server.addresses[0]
    server.close()


def ask(address, text="Say hello.", *, key=None, path="/chat/completions", **more):
    config = ModelConfig(name="small", provider="embedded", model="small", base_url=address.base_url)
    service = services.of(config)
    url = urlsplit(service.url(path))
    headers = {"Content-Type": "application/json", **service.headers(Secret(value=key or address.key))}
    body = {"model": "small", "messages": [{"role": "user", "content": text}], "max_tokens": 4, **more}
    connection = http.client.HTTPConnection(url.netloc, timeout=120)
    try:
        connection.request("POST", url.path, json.dumps(service.adapt(body)), headers)
        response = connection.getresponse()
        return service, response.status, dict(response.headers), response.read()
    finally:
        connection.close()


def complaint(*arguments, **options):
    service, status, headers, data = ask(*arguments, **options)
    assert status != 200
    return service.read_error(status, data, headers)


def test_a_wrong_key_is_refused_and_not_quoted(running):
    found = complaint(running, key="another-key-0123")
    assert (found.kind, "another-key" in found.words) == (Kind.KEY, False)


def test_a_prompt_beyond_the_window_is_this_requests_fault(running):
    found = complaint(running, "word " * 3000)
    assert (found.kind, "2048" in found.words) == (Kind.INPUT, True)


def test_a_path_that_nobody_knows_is_the_addresss_fault(running):
    assert complaint(running, path="/nowhere").kind is Kind.ADDRESS


def test_what_the_server_does_not_do_it_will_not_do_the_next_time(running):
    assert complaint(running, path="/embeddings", input="x").kind is Kind.REFUSED


def test_a_message_without_a_role_is_not_asked_again(running):
    assert complaint(running, messages=[{"content": "x"}]).kind is Kind.INPUT


def test_it_answers_whole_and_in_pieces_with_usage(running):
    _, status, _, data = ask(running, temperature=0, seed=0)
    whole = json.loads(data)
    _, _, _, stream = ask(running, temperature=0, seed=0, stream=True, stream_options={"include_usage": True})
    events = [json.loads(line[6:]) for line in stream.decode().splitlines() if line.startswith("data: {")]
    text = "".join(event["choices"][0]["delta"].get("content") or "" for event in events if event["choices"])
    assert (status, text) == (200, whole["choices"][0]["message"]["content"])
    assert [event["usage"]["completion_tokens"] for event in events if event.get("usage")][-1] == 4
    assert not any(services.holds_error(event) for event in [whole, *events])
