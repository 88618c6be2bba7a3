"""The same contract for every service, over real HTTP: what is sent arrives, what comes back is understood."""

from __future__ import annotations

import http.client
import json
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmops.adapters.keys import Secret, secret_of
from llmops.adapters.models import identities, services
from llmops.adapters.models.services import Kind
from tests.adapters.models.services.profiles import PROFILES
from tests.adapters.models.services.servers import Situation, serving

KEY = "sk-test-0123456789abcdef"
EXPECTED = {
    Situation.WRONG_KEY: Kind.KEY,
    Situation.WRONG_MODEL: Kind.MODEL,
    Situation.WRONG_PATH: Kind.ADDRESS,
    Situation.TOO_LONG: Kind.INPUT,
    Situation.LIMITED: Kind.LIMITED,
    Situation.OVERLOADED: Kind.AGAIN,
    Situation.INVALID: Kind.INPUT,
    Situation.FILTERED: Kind.CONTENT_FILTER,
}
CASES = [(name, situation) for name, profile in PROFILES.items() for situation in EXPECTED if situation in profile.says]


@pytest.fixture(params=PROFILES.values(), ids=PROFILES.keys())
def profile(request):
    return request.param


def ask(config, text="Hello", *, key=KEY, **more):
    """Status, headers and bytes of one chat completion, and the service that was asked."""
    service = services.of(config)
    body = {"model": config.model, "messages": [{"role": "user", "content": text}], "temperature": 0, **more}
    parts = urlsplit(service.url("/chat/completions"))
    headers = {"Content-Type": "application/json", **service.headers(secret_of(config, {"BIG_KEY": key}))}
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    try:
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request("POST", target, json.dumps(service.adapt(body)), headers)
        response = connection.getresponse()
        return service, response.status, dict(response.headers), response.read()
    finally:
        connection.close()


def complaint(profile, situation, *, key=KEY):
    with serving(profile, KEY) as server:
        config = profile.model_config(server.address)
        if situation is Situation.WRONG_KEY:
            key += "-wrong"
        if situation is Situation.WRONG_MODEL:
            config = profile.model_config(
                server.address, model="x", **({"deployment": "x"} if profile.provider == "azure" else {})
            )
        if situation is Situation.WRONG_PATH:
            config = profile.model_config(server.address + "/elsewhere")
        service, status, headers, data = ask(config, situation, key=key)
    return service.read_error(status, data, headers, now=0.0)


@pytest.mark.parametrize(("name", "situation"), CASES, ids=[f"{name}-{situation.name}" for name, situation in CASES])
def test_a_complaint_is_understood(name, situation):
    found = complaint(PROFILES[name], situation)
    assert (found.kind, bool(found.words)) == (EXPECTED[situation], True)
    assert bool(found.hint) is (found.kind in (Kind.KEY, Kind.MODEL, Kind.ADDRESS, Kind.INPUT))


def test_what_the_service_asks_to_wait_is_read(profile):
    assert complaint(profile, Situation.LIMITED).seconds == 1.5
    assert complaint(profile, Situation.OVERLOADED).seconds == 2.0


def test_an_error_within_a_stream_is_trouble(profile):
    with serving(profile, KEY) as server:
        service, status, _, data = ask(profile.model_config(server.address), Situation.IN_STREAM, stream=True)
    events = [json.loads(line[6:]) for line in data.decode().splitlines() if line.startswith("data: {")]
    (error,) = [event for event in events if services.holds_error(event)]
    assert status == 200
    assert service.read_error(200, json.dumps(error).encode()).kind is Kind.AGAIN


def test_a_question_is_answered_where_the_service_listens(profile):
    with serving(profile, KEY) as server:
        _, status, _, data = ask(profile.model_config(server.address), "Hello", seed=7)
        (path,), (body,) = server.paths, server.bodies
    assert (status, json.loads(data)["choices"][0]["message"]["content"]) == (200, "echo: Hello")
    assert path == profile.base + profile.path
    assert {"temperature": 0, "seed": 7}.items() <= body.items()
    assert not services.holds_error(json.loads(data))


def test_a_schema_and_tools_arrive_as_they_stand(profile):
    tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
    form = {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": {"type": "object"}}}
    with serving(profile, KEY) as server:
        ask(profile.model_config(server.address), tools=tools, response_format=form)
        (body,) = server.bodies
    assert (body["tools"], body["response_format"]) == (tools, form)


def test_embeddings_are_asked_beside_chat(profile):
    service = services.of(profile.model_config("https://models.example"))
    assert service.url("/embeddings") == service.url("/chat/completions").replace("/chat/completions", "/embeddings")


def test_without_a_key_no_header_is_sent(profile):
    assert services.of(profile.model_config("http://models.example", key_env="")).headers(None) == {}


def test_an_unencrypted_key_is_not_sent_to_the_world(profile):
    from llmops.errors import CannotAsk

    with pytest.raises(CannotAsk) as caught:
        services.of(profile.model_config("http://models.example")).headers(Secret(value=KEY))
    assert caught.value.code == "INSECURE_ADDRESS"
    assert KEY not in f"{caught.value.what}{caught.value.hint}"


# Printable ASCII, as a header carries it; quotes and backslashes are escaped in JSON, slashes and more in addresses.
# The beginning keeps it from being a word that stands in a hint anyway.
ANY_KEY = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=6, max_size=60).map("~&".__add__)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=ANY_KEY)
def test_a_key_that_the_server_quotes_is_in_no_message_and_no_identity(profile, key):
    with serving(profile, "another-key-0123") as server:
        config = profile.model_config(server.address)
        service, status, headers, data = ask(config, key=key)
    secret = Secret(value=key)
    found = service.read_error(status, secret.hide_bytes(data), headers)
    assert found.kind is Kind.KEY
    assert key not in secret.hide(found.words)
    assert key not in found.hint
    assert key not in f"{identities.identity(config)}{secret!r}{config}"
