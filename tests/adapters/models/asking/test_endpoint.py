import asyncio
import gzip
import json
import socket
from dataclasses import replace

import pytest

from llmops.adapters.keys import Secret
from llmops.adapters.models import bodies, services
from llmops.adapters.models.asking.endpoint import Call, Endpoint, Manner, Place
from llmops.adapters.models.asking.lanes import Limits
from llmops.adapters.models.asking.patience import Patience
from llmops.adapters.models.asking.transport import LARGEST_REPLY_BYTES
from llmops.adapters.models.spending.ledger import Account, Books
from llmops.adapters.models.spending.purse import Purse
from llmops.documents.chat import Stage, ToolCall
from llmops.documents.config import ModelConfig
from llmops.errors import CannotAsk, InputRefused
from tests.adapters.models.endpoint_server import EndpointServer, Trouble, running, serving, sse

KEY = "sk-secret-123"
QUICK = Patience(attempts=3, limited=4, timeouts=2, first_contact=2, first_pause_seconds=0.001)


def a_body(text="Hello", **more):
    messages = [{"role": "user", "content": text}]
    return {"model": "big-1", "messages": messages, "temperature": 0, "made_up": True, **more}


def a_call(text="Hello", **more):
    body = a_body(text, **more)
    return Call(
        path="/chat/completions",
        body=body,
        stage=Stage.JUDGE,
        read=bodies.read_chat,
        filtered=bodies.filtered_answer,
    )


def an_endpoint(address, books, *, patience=QUICK, key=KEY, **manner):
    config = ModelConfig(name="big", provider="openai", model="big-1", base_url=address)
    place = Place(service=services.of(config), secret=Secret(value=key))
    account = Account(config, books, Purse(None))
    values = {"concurrency": 8, "timeout_seconds": 5.0, **manner}
    return Endpoint("big", (place,), Manner(**values), account=account, patience=patience)


async def ask(address, *texts, books=None, timeout=5.0, more=None, **options):
    endpoint = an_endpoint(address, books or Books(), timeout_seconds=timeout, **options)
    try:
        return await asyncio.gather(*(endpoint.ask(a_call(text, **(more or {}))) for text in texts or ("Hello",)))
    finally:
        await endpoint.close()


async def refusal(address, **options):
    with pytest.raises(CannotAsk) as caught:
        await ask(address, **options)
    return caught.value


async def test_a_request_that_the_endpoint_rejects_is_refused_at_once_in_its_own_words():
    body = json.dumps(
        {"error": {"message": f"the model does not exist for key {KEY}", "code": "model_not_found"}}
    ).encode()
    with serving(Trouble(status=404, body=body)) as server:
        error = await refusal(server.address)
    assert error.code == "MODEL_NOT_FOUND"
    assert "HTTP 404: the model does not exist" in error.what
    assert KEY not in f"{error.what}{error.where}{error.hint}"
    assert len(server.bodies) == 1


async def test_a_malformed_reply_that_quotes_the_key_does_not_show_it():
    with serving(*[Trouble(body=json.dumps({"echo": KEY}).encode())] * 3) as server:
        error = await refusal(server.address)
    assert error.code == "REPLY_MALFORMED"
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
    assert isinstance(error, InputRefused)
    assert error.code == "REPLY_TOO_LARGE"
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


@pytest.mark.parametrize("body", [b"{}", b'{"choices": [{"message": {"content": "x"}}]}', b""])
async def test_a_reply_that_stays_malformed_is_this_requests_failure_and_never_an_answer(body):
    with serving(*[Trouble(body=body)] * 3) as server:
        error = await refusal(server.address)
    assert isinstance(error, InputRefused)
    assert error.code == "REPLY_MALFORMED"
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
    books = Books()
    with serving(trouble) as server:
        (sent,) = await ask(server.address, timeout=0.3, books=books)
    assert sent.reading.text == "echo: Hello"
    spend = books.ledger.stages[Stage.JUDGE]
    assert (spend.sent, spend.retries, spend.input_tokens) == (2, 1, 11)


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


USAGE = {"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 7}}


def delta(index=0, finish=None, **pieces):
    return {"choices": [{"index": index, "delta": pieces, "finish_reason": finish}]}


STREAM = sse(delta(role="assistant", content=""), delta(content="Hel"), delta(content="lo", finish="stop"), USAGE)


async def test_a_stream_that_breaks_off_is_asked_again():
    with serving(Trouble(pieces=STREAM[:2])) as server:
        server.troubles.append(Trouble(pieces=STREAM))
        (sent,) = await ask(server.address, more={"stream": True})
    assert sent.reading.text == "Hello"
    assert len(server.bodies) == 2


async def test_a_stream_without_end_costs_its_deadlines_and_is_unavailable():
    endless = [Trouble(pieces=(b": still there\n\n",) * 200, pause=0.02)] * 2
    with serving(*endless) as server:
        error = await refusal(server.address, timeout=0.15, more={"stream": True})
    assert error.code == "MODEL_UNAVAILABLE"
    assert "no answer within 0.15 s" in error.what


async def test_a_stream_is_joined_and_its_first_token_timed():
    with serving(Trouble(pieces=STREAM, pause=0.05)) as server:
        (sent,) = await ask(server.address, more={"stream": True})
    assert sent.reading == bodies.Reading(text="Hello", input_tokens=11, output_tokens=7)
    assert sent.ttft_ms is not None
    assert 0 < sent.ttft_ms < sent.latency_ms
    assert server.bodies[0]["stream_options"] == {"include_usage": True}


async def test_an_error_within_a_stream_is_the_endpoints_complaint():
    pieces = sse(delta(content="Hel"), {"error": {"message": "the engine died", "code": 500}})
    with serving(*[Trouble(pieces=pieces)] * 3) as server:
        error = await refusal(server.address, more={"stream": True})
    assert error.code == "MODEL_UNAVAILABLE"
    assert "the engine died" in error.what


async def test_an_endpoint_that_does_not_stream_although_asked_to_is_read_all_the_same():
    with serving() as server:
        (sent,) = await ask(server.address, more={"stream": True})
    assert (sent.reading.text, sent.ttft_ms) == ("echo: Hello", None)


async def test_a_redirect_is_refused_and_the_key_does_not_follow():
    with serving() as other, serving() as server:
        target = f"{other.address}/chat/completions?token=abc"
        server.troubles = [Trouble(status=307, body=b"", headers={"Location": target})]
        error = await refusal(server.address)
        assert other.bodies == []
    assert error.code == "MODEL_ADDRESS"
    assert f"sends requests on to {other.address.removesuffix('/v1')};" in error.what
    assert "token=abc" not in error.what


async def test_a_page_in_place_of_an_api_is_a_wrong_address():
    with serving(
        *[Trouble(body=b"<!doctype html><html>Welcome</html>", headers={"Content-Type": "text/html"})] * 9
    ) as server:
        error = await refusal(server.address)
    assert error.code == "MODEL_ADDRESS"
    assert "base_url" in error.hint


@pytest.mark.parametrize("status", [401, 403])
async def test_a_wrong_key_says_so_and_where_to_look(status):
    body = json.dumps({"error": {"message": "Incorrect API key provided"}}).encode()
    with serving(Trouble(status=status, body=body)) as server:
        error = await refusal(server.address)
    assert error.code == "KEY_REFUSED"
    assert not isinstance(error, InputRefused)
    assert len(server.bodies) == 1


async def test_a_prompt_that_is_too_long_is_the_fault_of_this_request_alone():
    said = {"error": {"message": "maximum context length is 8192 tokens", "code": "context_length_exceeded"}}
    with serving(Trouble(status=400, body=json.dumps(said).encode())) as server:
        error = await refusal(server.address)
    assert isinstance(error, InputRefused)
    assert error.code == "INPUT_REFUSED"
    assert "8192" in error.what


async def test_a_content_filters_refusal_is_an_answer():
    said = {"error": {"message": f"The response was filtered for {KEY}", "code": "content_filter", "status": 400}}
    books = Books()
    with serving(Trouble(status=400, body=json.dumps(said).encode())) as server:
        (sent,) = await ask(server.address, books=books)
    assert (sent.reading.is_refusal, sent.reading.finish_reason) == (True, "content_filter")
    assert KEY not in sent.reading.text
    assert books.ledger.stages[Stage.JUDGE].retries == 0


async def test_what_an_endpoint_wants_written_otherwise_is_learned_once():
    said = {
        "error": {
            "message": "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead.",
            "code": "unsupported_parameter",
            "param": "max_tokens",
        }
    }
    books = Books()
    with serving(Trouble(status=400, body=json.dumps(said).encode())) as server:
        await ask(server.address, "one", "two", concurrency=1, more={"max_tokens": 5}, books=books)
    assert [("max_tokens" in body, "max_completion_tokens" in body) for body in server.bodies] == [
        (True, False),
        (False, True),
        (False, True),
    ]
    assert books.ledger.stages[Stage.JUDGE].retries == 1


async def test_a_host_that_nobody_knows_is_named():
    error = await refusal("https://no-such-host.invalid/v1")
    assert error.code == "MODEL_UNAVAILABLE"
    assert "no-such-host.invalid" in error.what


async def test_tls_with_a_certificate_that_nobody_trusts_is_refused_at_once(untrusted_tls):
    error = await refusal(untrusted_tls)
    assert error.code == "MODEL_REFUSED"
    assert "certificate" in error.what
    assert "SSL_CERT_FILE" in error.hint


async def test_where_the_endpoint_says_later_to_everyone_all_wait_and_nobody_hammers():
    limited = [Trouble(status=429, body=b"{}", headers={"Retry-After": "0.3"})] * 4
    with serving(*limited) as server:
        sent = await ask(server.address, *(str(at) for at in range(40)), concurrency=4)
    assert len(sent) == 40
    assert 44 <= len(server.bodies) <= 46
    at_once = [at - server.times[0] for at in server.times]
    assert len([at for at in at_once if at < 0.3]) <= 6


async def test_a_single_later_makes_one_wait_and_not_the_others():
    with serving(Trouble(status=429, body=b"{}", headers={"Retry-After": "0.5"})) as server:
        await ask(server.address, *(str(at) for at in range(12)), concurrency=4)
    early = [at for at in server.times if at - server.times[0] < 0.5]
    assert len(early) == 12
    assert len(server.bodies) == 13


async def test_a_slow_answer_is_hedged_and_the_first_good_one_counts():
    books = Books()
    with serving(Trouble(delay=1.0)) as server:
        (sent,) = await ask(server.address, books=books, hedge_after_seconds=0.05)
    assert sent.reading.text == "echo: Hello"
    spend = books.ledger.stages[Stage.JUDGE]
    assert (spend.sent, spend.hedges, spend.retries) == (2, 1, 0)
    assert spend.input_tokens == 22  # the loser is booked too


async def test_where_nothing_is_slow_nothing_is_hedged():
    books = Books()
    with serving() as server:
        await ask(server.address, "one", "two", books=books, hedge_after_seconds=5.0)
    assert books.ledger.stages[Stage.JUDGE].hedges == 0
    assert len(server.bodies) == 2


async def test_a_failed_hedge_does_not_spoil_the_first_request():
    with serving(Trouble(delay=0.2), Trouble(status=500, body=b"no")) as server:
        (sent,) = await ask(server.address, hedge_after_seconds=0.05)
    assert sent.reading.text == "echo: Hello"
    assert len(server.bodies) == 2


async def test_tool_calls_come_out_as_values():
    pieces = sse(
        delta(tool_calls=[{"index": 0, "id": "1", "function": {"name": "look_up", "arguments": '{"id"'}}]),
        delta(tool_calls=[{"index": 1, "id": "2", "function": {"name": "pay", "arguments": "{}"}}]),
        delta(tool_calls=[{"index": 0, "function": {"arguments": ": 4}"}}], finish="tool_calls"),
        USAGE,
    )
    with serving(Trouble(pieces=pieces)) as server:
        (sent,) = await ask(server.address, more={"stream": True})
    assert sent.reading.tool_calls == (
        ToolCall(name="look_up", arguments='{"id": 4}'),
        ToolCall(name="pay", arguments="{}"),
    )
    assert sent.reading.finish_reason == "tool_calls"


async def test_requests_a_minute_are_kept():
    with serving() as server:
        sent = await ask(
            server.address, *(str(at) for at in range(30)), concurrency=30, limits=Limits(requests_per_minute=600)
        )
    assert len(sent) == 30
    # The bucket holds two seconds' worth (20): the last ten come a tenth of a second apart.
    assert server.times[-1] - server.times[0] >= 0.9


async def test_a_malformed_key_header_is_not_quoted():
    with serving(Trouble(status=500, body=f"bad {KEY}".encode()), Trouble(status=500, body=KEY.encode())) as server:
        server.troubles.append(Trouble(status=500, body=KEY.encode()))
        error = await refusal(server.address)
    assert KEY not in f"{error.what}{error.hint}{error.where}"


PAGE = Trouble(body=b"<!doctype html><html>Sign in</html>", headers={"Content-Type": "text/html"})
ALWAYS = {
    "page": (PAGE, "MODEL_ADDRESS"),
    "gone": (Trouble(status=404, body=b"<html>nginx</html>"), "MODEL_ADDRESS"),
    "no such model": (Trouble(status=404, body=b'{"error": {"code": "model_not_found"}}'), "MODEL_NOT_FOUND"),
    "broken": (Trouble(status=500, body=b"oops"), "MODEL_UNAVAILABLE"),
    "hung": (Trouble(delay=0.5), "MODEL_UNAVAILABLE"),
    "endless": (Trouble(pieces=(b": still there\n\n",) * 200, pause=0.02), "MODEL_UNAVAILABLE"),
    "limited": (Trouble(status=429, body=b"{}", headers={"Retry-After": "3600"}), "MODEL_UNAVAILABLE"),
}
BAD = "the bad one"


class Choosy(EndpointServer):
    """One text meets the trouble each time, the others never do."""

    trouble = PAGE

    def begin(self, body, key):
        super().begin(body, key)
        return self.trouble if body["messages"][0]["content"] == BAD else Trouble(delay=0.02)


async def beside_others(trouble):
    with running(Choosy()) as server:
        server.trouble = trouble
        endpoint = an_endpoint(server.address, Books(), timeout_seconds=0.2)
        try:
            bad = asyncio.create_task(endpoint.ask(a_call(BAD)))
            while not server.bodies:
                await asyncio.sleep(0.001)
            others = await asyncio.gather(*(endpoint.ask(a_call(str(at))) for at in range(3)))
            results = await asyncio.gather(bad, return_exceptions=True)
        finally:
            await endpoint.close()
    assert len(others) == 3
    return results[0]


@pytest.mark.parametrize("name", ALWAYS)
async def test_a_request_that_is_given_up_while_others_are_answered_is_the_only_one_at_fault(name):
    trouble, code = ALWAYS[name]
    # Slow enough for the others to be answered while it is under way.
    error = await beside_others(trouble if trouble.delay or trouble.pieces else replace(trouble, delay=0.15))
    assert isinstance(error, InputRefused)
    assert error.code == code
    assert "answered meanwhile" in error.where
    assert "look at this case" in error.hint


@pytest.mark.parametrize("name", ALWAYS)
async def test_where_nobody_is_answered_meanwhile_the_endpoint_is_at_fault(name):
    trouble, code = ALWAYS[name]
    with serving() as server:
        endpoint = an_endpoint(server.address, Books(), timeout_seconds=0.2)
        try:
            await endpoint.ask(a_call("answered before"))
            server.troubles = [trouble] * 9
            with pytest.raises(CannotAsk) as caught:
                await endpoint.ask(a_call(BAD))
        finally:
            await endpoint.close()
    assert not isinstance(caught.value, InputRefused)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (401, b"{}", "KEY_REFUSED"),
        (403, b"{}", "KEY_REFUSED"),
        (402, b"{}", "MODEL_REFUSED"),
        (400, b'{"error": {"message": "no", "param": "temperature"}}', "MODEL_REFUSED"),
    ],
)
async def test_a_key_money_or_a_setting_is_refused_for_all_whoever_was_answered(status, body, code):
    error = await beside_others(Trouble(status=status, body=body, delay=0.15))
    assert not isinstance(error, InputRefused)
    assert error.code == code
