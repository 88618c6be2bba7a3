"""Whoever was given a key quotes it in an answer, a stream, a complaint: nobody reads it here."""

from __future__ import annotations

import base64
import json

import pytest

from tests.adapters.models.asking.test_endpoint import ask, delta, refusal
from tests.adapters.models.endpoint_server import Trouble, serving, sse

KEY = "sk-proj-Zq81&<x>y+/TAIL9876543210"
USAGE = {"prompt_tokens": 1, "completion_tokens": 1}
ESCAPED = "".join(f"\\u{ord(one):04x}" for one in KEY)
GO = KEY.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def completion(message, finish_reason="stop"):
    return json.dumps({"choices": [{"message": message, "finish_reason": finish_reason}], "usage": USAGE})


def is_shown(text):
    return any(KEY[at : at + 8] in text for at in range(len(KEY) - 7))


async def reading(body, **more):
    with serving(Trouble(status=200, body=body.encode(), **more)) as server:
        (sent,) = await ask(server.address, key=KEY)
    return sent.reading


@pytest.mark.parametrize("written", [ESCAPED, GO, KEY, KEY.replace("/", "\\/")], ids=["all", "go", "plain", "slash"])
async def test_a_key_that_is_escaped_in_the_reply_is_hidden_in_all_that_was_read(written):
    said = await reading(completion({"content": "I am K"}).replace("K", written))
    assert said.text == "I am [key]"
    call = {"function": {"name": "K", "arguments": json.dumps({"a": "K"}).replace("K", "Q")}}
    body = completion({"content": None, "tool_calls": [call]}, finish_reason="K")
    said = await reading(body.replace("K", written).replace("Q", written.replace("\\", "\\\\")))
    assert (said.tool_calls[0].name, said.finish_reason) == ("[key]", "[key]")
    assert json.loads(said.tool_calls[0].arguments) == {"a": "[key]"}
    said = await reading(completion({"content": None, "refusal": "no, K"}).replace("K", written))
    assert (said.text, said.is_refusal) == ("no, [key]", True)


@pytest.mark.parametrize(
    "encoded",
    [base64.b64encode(KEY.encode()).decode(), base64.urlsafe_b64encode(KEY.encode()).decode(), KEY.encode().hex()],
    ids=["base64", "urlsafe", "hex"],
)
async def test_an_encoded_key_is_hidden_in_an_answer(encoded):
    assert encoded[4:-4] not in (await reading(completion({"content": f"it is {encoded}"}))).text


async def test_a_key_in_pieces_of_a_stream_is_hidden():
    events = [*(delta(content=one) for one in KEY), delta(finish="stop"), {"choices": [], "usage": USAGE}]
    chunks = b"".join(sse(*events))
    said = await reading(chunks.decode(), headers={"Content-Type": "text/event-stream"})
    assert said.text == "[key]"


@pytest.mark.parametrize("before", [0, 40, 80 - len(KEY) + 1, 79])
@pytest.mark.parametrize("event", ["{before}{key}", '["{before}{key}"]'])
async def test_an_event_that_is_none_shows_no_cut_key(before, event):
    body = f"data: {event.format(before='y' * before, key=KEY)}\n\n".encode()
    with serving(*[Trouble(status=200, body=body, headers={"Content-Type": "text/event-stream"})] * 9) as server:
        error = await refusal(server.address, key=KEY)
    assert error.code == "REPLY_MALFORMED"
    assert not is_shown(error.what)
    assert not error.what.rstrip("')").endswith("sk-p")


@pytest.mark.parametrize("before", [300 - len(KEY) + 1, 19_990])
async def test_a_complaint_that_is_cut_shows_no_cut_key(before):
    body = json.dumps({"error": {"message": f"bad{' ' * before}{KEY}"}}).encode()
    with serving(*[Trouble(status=400, body=body)] * 9) as server:
        error = await refusal(server.address, key=KEY)
    assert not is_shown(error.what)


@pytest.mark.parametrize("path", [KEY[:-1], "".join(f"%{ord(one):02x}" for one in KEY), f"a?k={KEY}"])
async def test_a_redirect_is_named_by_its_host_alone(path):
    trouble = Trouble(status=307, body=b"", headers={"Location": f"http://x.test/{path}"})
    with serving(trouble) as server:
        error = await refusal(server.address, key=KEY)
    assert "sends requests on to http://x.test;" in error.what
    assert not is_shown(error.what)
