"""A service answers, on a real loopback server, in every way that a service can go wrong."""

from __future__ import annotations

import json
import socket

import pytest

from llmops.adapters.targets import exchange, http
from llmops.adapters.targets.http import HttpTarget, Patience
from llmops.errors import CannotAsk, InputRefused
from tests.adapters.targets import servers
from tests.adapters.targets.questions import a_config, a_question
from tests.adapters.targets.servers import always, first, serving

TOKEN = "tok-Zq81+/SECRETTAIL9876543210"
SOON = Patience(attempts=3, first_pause_seconds=0.001, longest_pause_seconds=0.01)


async def answer(address: str, *, environ=None, case: str = "bulb", **fields):
    target = HttpTarget(a_config(address, **fields), environ=environ or {}, patience=SOON)
    try:
        return await target.answer(a_question(case))
    finally:
        await target.close()


async def refusal(reply, kind, **fields):
    async with serving(reply) as server:
        with pytest.raises(kind) as caught:
            await answer(server.address, **fields)
    assert type(caught.value) is kind
    return caught.value, server


@pytest.mark.parametrize("address", ["ftp://a/b", "http://", "http://user:word@a/b", "http://[::1", "localhost:80"])
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(CannotAsk) as caught:
        HttpTarget(a_config(address), environ={})
    assert caught.value.code == "TARGET_INVALID"
    assert "word" not in caught.value.what.replace("password", "")


@pytest.mark.parametrize("token", [None, "", "  ", "a\nb", "größe"])
def test_a_token_that_is_none_is_refused_before_anything_is_sent(token):
    environ = {} if token is None else {"APP_TOKEN": token}
    with pytest.raises(CannotAsk) as caught:
        HttpTarget(a_config("http://127.0.0.1:9/answer", key_env="APP_TOKEN"), environ=environ)
    assert caught.value.code == ("KEY_INVALID" if (token or "").strip() else "KEY_MISSING")
    assert "APP_TOKEN" in caught.value.what


@pytest.mark.parametrize("address", ["http://assistant.example/answer", "http://192.0.2.1:9/answer"])
def test_a_token_does_not_cross_the_world_unencrypted(address):
    with pytest.raises(CannotAsk) as caught:
        HttpTarget(a_config(address, key_env="APP_TOKEN"), environ={"APP_TOKEN": TOKEN})
    assert caught.value.code == "INSECURE_ADDRESS"


@pytest.mark.parametrize("status", [400, 409, 413, 418, 422])
async def test_what_the_service_refuses_is_this_cases_failure(status):
    error, server = await refusal(always(status, body=b"no such thing"), InputRefused)
    assert (error.code, error.where) == ("TARGET_FAILED", "case bulb")
    assert f"{status}: no such thing" in error.what
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [401, 403, 404, 405, 407])
async def test_what_no_case_can_help_ends_the_run(status):
    error, server = await refusal(always(status), CannotAsk)
    assert error.code == "TARGET_REFUSED"
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status):
    async with serving(always()) as other:
        error, _ = await refusal(always(status, Location=other.address), CannotAsk)
    assert error.code == "TARGET_REDIRECTS"
    assert other.asked == []


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_service_that_stays_away_ends_the_run(status):
    error, server = await refusal(always(status), CannotAsk)
    assert error.code == "TARGET_UNAVAILABLE"
    assert str(status) in error.what
    assert len(server.asked) == SOON.attempts


async def test_a_case_that_breaks_the_service_each_time_is_its_own_failure():
    error, server = await refusal(always(500), InputRefused)
    assert error.code == "TARGET_FAILED"
    assert len(server.asked) == SOON.attempts


async def test_nobody_listening_ends_the_run():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(CannotAsk) as caught:
            await answer(f"http://127.0.0.1:{free.getsockname()[1]}/answer")
    assert caught.value.code == "TARGET_UNAVAILABLE"


async def test_a_connection_that_breaks_is_tried_again():
    error, server = await refusal(servers.broken, CannotAsk)
    assert error.code == "TARGET_UNAVAILABLE"
    assert len(server.asked) == SOON.attempts


async def test_a_hung_question_costs_one_deadline():
    error, server = await refusal(servers.never, InputRefused, timeout_seconds=0.1)
    assert (error.code, error.where) == ("TARGET_TIMEOUT", "case bulb")
    assert len(server.asked) == 1


async def test_an_answer_without_end_is_cut_off(monkeypatch):
    monkeypatch.setattr(http, "LARGEST_REPLY_BYTES", 200_000)
    error, _ = await refusal(servers.forever, InputRefused)
    assert error.code == "TARGET_ANSWER_TOO_LARGE"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"40 watts",
        b"{",
        b'{"answer": NaN}',
        b"\xff",
        b"[" * 100_000,
        b'{"reply": "a"}',
        b"null",
        b"<html>",
        b"[1]",
    ],
)
async def test_what_is_no_answer_is_refused(body):
    error, _ = await refusal(always(body=body), InputRefused)
    assert (error.code, error.where) == ("TARGET_ANSWER", "case bulb")


@pytest.mark.parametrize("reply", [always(400, body=b"bad token s3cret-1"), always(body=b"s3cret-1 is no JSON")])
async def test_the_token_stands_in_no_message(reply):
    error, _ = await refusal(reply, InputRefused, key_env="APP_TOKEN", environ={"APP_TOKEN": "s3cret-1"})
    assert "s3cret-1" not in f"{error.what}{error.where}{error.hint}"
    assert "[key]" in error.what


async def test_an_answer_that_quotes_the_token_is_handed_out_without_it():
    said = {"answer": f"I am {TOKEN}", "contexts": [TOKEN], "tool_calls": [{"name": "f", "arguments": {"a": TOKEN}}]}
    escaped = "".join(f"\\u{ord(one):04x}" for one in TOKEN)
    for body in (json.dumps(said), json.dumps(said).replace(TOKEN, escaped)):
        async with serving(always(body=body.encode())) as server:
            found = await answer(server.address, key_env="APP_TOKEN", environ={"APP_TOKEN": TOKEN})
        assert (found.text, found.contexts) == ("I am [key]", ("[key]",))
        assert TOKEN not in f"{found}"


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"e": TOKEN}).replace("/", "\\/"),
        json.dumps({"e": TOKEN.replace("+", "%2B").replace("/", "%2F")}),
        " " * (1200 - len(TOKEN) + 1) + TOKEN,
        "x" * (300 - len(TOKEN) + 1) + TOKEN,
        f"{TOKEN[:8]}***{TOKEN[-4:]}",
        f"y{TOKEN[:-1]}",
    ],
    ids=["escaped", "percent", "cut at 1200", "cut at 300", "masked", "less one"],
)
@pytest.mark.parametrize("status", [200, 400])
async def test_no_part_of_the_token_stands_in_a_message(body, status):
    fields = {"key_env": "APP_TOKEN", "environ": {"APP_TOKEN": TOKEN}}
    error, _ = await refusal(always(status, body=body.encode()), InputRefused, **fields)
    assert not any(TOKEN[at : at + 8] in error.what for at in range(len(TOKEN) - 7))


@pytest.mark.parametrize("body", [{"ansver": TOKEN}, {TOKEN: 1}, {f"{TOKEN[:-1]}x": 1}, {"answer": [TOKEN]}], ids=str)
async def test_no_part_of_the_token_stands_in_what_is_said_of_an_answer(body):
    fields = {"key_env": "APP_TOKEN", "environ": {"APP_TOKEN": TOKEN}}
    error, _ = await refusal(always(body=json.dumps(body).encode()), InputRefused, **fields)
    assert error.code == "TARGET_ANSWER"
    assert not any(TOKEN[at : at + 8] in error.what for at in range(len(TOKEN) - 7))


async def test_a_password_in_netrc_is_not_sent(tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login user password word\nmachine localhost login user password word\n")
    monkeypatch.setenv("NETRC", str(netrc))
    async with serving(always()) as server:
        await answer(server.address)
    assert "authorization" not in server.headers[0]


async def test_the_token_is_sent_as_bearer():
    async with serving(always()) as server:
        await answer(server.address, key_env="APP_TOKEN", environ={"APP_TOKEN": "s3cret-1"})
        await answer(server.address)
    assert [headers.get("authorization") for headers in server.headers] == ["Bearer s3cret-1", None]


async def test_the_question_is_sent_and_the_answer_read():
    body = b'{"answer": "40 watts", "contexts": ["a"], "context_ids": ["lamp#bulb"], "cost_usd": 0.5, "trace": "x"}'
    async with serving(always(body=body)) as server:
        found = await answer(server.address)
        assert server.asked == [exchange.asked(a_question())]
        assert (found.text, found.contexts, found.context_ids) == ("40 watts", ("a",), ("lamp#bulb",))
        assert found.nano_usd == 500_000_000


@pytest.mark.parametrize("statuses", [(429,), (500, 503), (502,)])
async def test_what_passes_is_tried_again(statuses):
    async with serving(first(*statuses)) as server:
        assert (await answer(server.address)).text == "40 watts"
        assert len(server.asked) == len(statuses) + 1


async def test_the_service_says_how_long_to_wait(monkeypatch):
    waited = []

    async def sleep(seconds):
        waited.append(seconds)

    monkeypatch.setattr(http.asyncio, "sleep", sleep)
    patience = Patience(attempts=3, first_pause_seconds=0.001, longest_pause_seconds=5)
    async with serving(first(429, 503, retry_after="2")) as server:
        target = HttpTarget(a_config(server.address), environ={}, patience=patience)
        await target.answer(a_question())
        await target.close()
    assert [seconds for seconds in waited if seconds] == [2.0, 2.0]


async def test_the_identity_is_the_address():
    target = HttpTarget(a_config("https://assistant.example/answer"), environ={})
    assert target.identity == {"kind": "http", "address": "https://assistant.example/answer"}
    await target.close()
