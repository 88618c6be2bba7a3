import asyncio
import email.utils
import gzip
import json
import socket

import pytest

from llmops.adapters.models.embedded.llama import Address
from llmops.adapters.models.endpoints import LARGEST_REPLY_BYTES, Counts, Endpoint, Patience, retry_after
from llmops.errors import CannotAsk
from tests.adapters.models.endpoint_server import Trouble, serving

KEY = "sk-secret-123"
QUICK = Patience(attempts=3, timeouts=2, first_pause_seconds=0.001)


def a_body(text="Hello"):
    return {"model": "big-1", "messages": [{"role": "user", "content": text}], "temperature": 0, "made_up": True}


async def ask(address, *texts, concurrency=8, timeout=5.0, counts=None):
    counts = counts or Counts()
    endpoint = Endpoint(
        "big",
        (Address(base_url=address, key=KEY),),
        concurrency=concurrency,
        timeout_seconds=timeout,
        is_local=True,
        counts=counts,
        patience=QUICK,
    )
    try:
        return await asyncio.gather(*(endpoint.chat(a_body(text)) for text in texts or ("Hello",)))
    finally:
        await endpoint.close()


async def refusal(address, **options):
    with pytest.raises(CannotAsk) as caught:
        await ask(address, **options)
    return caught.value


async def test_a_request_that_the_endpoint_rejects_is_refused_at_once_in_its_own_words():
    body = json.dumps({"error": {"message": f"no such model for key {KEY}", "type": "invalid"}}).encode()
    with serving(Trouble(status=404, body=body)) as server:
        error = await refusal(server.address)
    assert error.code == "MODEL_REFUSED"
    assert "HTTP 404: no such model" in error.what
    assert KEY not in f"{error.what}{error.where}{error.hint}"
    assert len(server.bodies) == 1


async def test_a_malformed_reply_that_quotes_the_key_does_not_show_it():
    with serving(*[Trouble(body=json.dumps({"error": KEY}).encode())] * 3) as server:
        error = await refusal(server.address)
    assert error.code == "MODEL_UNAVAILABLE"
    assert KEY not in error.what
    assert "[key]" in error.what


async def test_an_answer_that_quotes_the_key_is_handed_out_without_it():
    with serving() as server:
        (sent,) = await ask(server.address, f"say {KEY}")
    assert sent.reading.text == "echo: say [key]"


@pytest.mark.parametrize("is_packed", [False, True])
async def test_a_reply_that_is_too_large_is_refused_at_once(is_packed):
    body, headers = b" " * (LARGEST_REPLY_BYTES + 1), {}
    if is_packed:
        body, headers = gzip.compress(body), {"Content-Encoding": "gzip"}
    with serving(Trouble(body=body, headers=headers)) as server:
        error = await refusal(server.address)
    assert error.code == "MODEL_REFUSED"
    assert "more than 1,000,000 bytes" in error.what
    assert len(server.bodies) == 1


async def test_an_endpoint_that_stays_down_is_unavailable_after_all_attempts():
    with serving(*[Trouble(status=503, body=b"maintenance")] * 9) as server:
        error = await refusal(server.address)
    assert error.code == "MODEL_UNAVAILABLE"
    assert "after 3 attempts: HTTP 503: maintenance" in error.what
    assert len(server.bodies) == 3


async def test_a_hung_endpoint_costs_two_deadlines_at_most():
    with serving(*[Trouble(delay=0.5)] * 9) as server:
        error = await refusal(server.address, timeout=0.05)
    assert error.code == "MODEL_UNAVAILABLE"
    assert "no answer within 0.05 s" in error.what
    assert len(server.bodies) == 2


async def test_no_endpoint_at_all_is_unavailable():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    error = await refusal(f"http://127.0.0.1:{port}/v1")
    assert error.code == "MODEL_UNAVAILABLE"
    assert "no connection" in error.what


@pytest.mark.parametrize("body", [b"<html>sorry</html>", b"{}", b'{"choices": [{"message": {"content": "x"}}]}', b""])
async def test_a_reply_that_stays_malformed_is_unavailable_and_never_an_answer(body):
    with serving(*[Trouble(body=body)] * 3) as server:
        error = await refusal(server.address)
    assert error.code == "MODEL_UNAVAILABLE"
    assert "without choices, message or usage" in error.what


async def test_an_endpoint_that_asks_for_an_hour_is_not_waited_for():
    with serving(Trouble(status=429, body=b"quota", headers={"Retry-After": "3600"})) as server:
        error = await refusal(server.address)
    assert error.code == "MODEL_UNAVAILABLE"
    assert len(server.bodies) == 1
    assert "asks to wait 3600 s" in error.what


@pytest.mark.parametrize(
    "trouble",
    [
        Trouble(status=429, body=b"slow down", headers={"Retry-After": "0"}),
        Trouble(status=500, body=b"oops"),
        Trouble(status=502, body=b"<html>bad gateway</html>"),
        Trouble(status=408, body=b""),
        Trouble(body=b"not json"),
        Trouble(breaks=True),
        Trouble(delay=0.6),
    ],
    ids=["429", "500", "502", "408", "malformed", "broken", "hung"],
)
async def test_a_passing_trouble_is_got_over(trouble):
    counts = Counts()
    with serving(trouble) as server:
        (sent,) = await ask(server.address, timeout=0.3, counts=counts)
    assert sent.reading.text == "echo: Hello"
    assert (counts.sent, counts.retries) == (2, 1)


async def test_the_whole_body_and_the_key_reach_the_endpoint():
    with serving() as server:
        (sent,) = await ask(server.address)
    assert server.bodies == [a_body()]
    assert server.keys == [f"Bearer {KEY}"]
    assert (sent.reading.input_tokens, sent.reading.output_tokens) == (11, 7)


async def test_concurrency_counts_requests():
    with serving(delay=0.03) as server:
        replies = await ask(server.address, *(str(number) for number in range(12)), concurrency=3)
    assert [reply.reading.text for reply in replies] == [f"echo: {number}" for number in range(12)]
    assert server.most_at_once <= 3


async def test_latency_is_that_of_the_attempt_that_succeeded():
    with serving(Trouble(status=500, body=b"", delay=0.3)) as server:
        (sent,) = await ask(server.address)
    assert sent.latency_ms < 300


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7.0), ("0.5", 0.5), ("-3", 0.0), ("", None), ("soon", None), (email.utils.formatdate(1_000_060), 60.0)],
)
def test_retry_after_is_a_number_or_a_date(value, seconds):
    assert retry_after({"retry-after": value}, now=1_000_000) == seconds


def test_without_the_header_nothing_is_asked_for():
    assert retry_after({}, now=0) is None
