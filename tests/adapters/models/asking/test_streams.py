import contextlib
import json
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.adapters.models.asking.streams import LARGEST_LINE_BYTES, ErrorEvent, Joining
from llmops.adapters.models.bodies import MalformedReply, read_completion
from tests.adapters.models.endpoint_server import sse

NAMES = ("choices", "delta", "tool_calls", "function", "name", "arguments", "index")
NAMES += ("usage", "error", "content", "finish_reason")
USAGE = {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}


def delta(finish=None, index=0, **pieces):
    return {"choices": [{"index": index, "delta": pieces, "finish_reason": finish}]}


def joined(data, cuts=()):
    joining, at = Joining(), 0
    for cut in [*sorted(cuts), len(data)]:
        joining.feed(data[at:cut])
        at = max(at, cut)
    return read_completion(joining.value())


def a_stream(*events, done=True):
    return b"".join(sse(*events, done=done))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"data: {\n\n",
        b"data: [1]\n\n",
        b"data: " + b"[" * 100_000 + b"\n\n",
        a_stream(delta(content="Hel"), USAGE, done=False),
        a_stream(delta(content="Hel", finish="stop")),
        a_stream(delta(tool_calls=["x"]), USAGE),
        a_stream(delta(content="Hello", finish="stop"), USAGE)[:-60],
    ],
    ids=["nothing", "no json", "no object", "deep", "cut off", "no usage", "calls", "cut within"],
)
def test_a_stream_that_is_no_answer_is_malformed(data):
    with pytest.raises(MalformedReply):
        joined(data)


def test_an_error_within_the_stream_is_told_apart():
    with pytest.raises(ErrorEvent) as caught:
        joined(a_stream(delta(content="Hel"), {"error": {"message": "overloaded"}}))
    assert b"overloaded" in caught.value.data


@given(
    pieces=st.lists(st.text(max_size=8), min_size=1, max_size=8),
    line_end=st.sampled_from([b"\n", b"\r\n"]),
    data=st.data(),
)
def test_an_answer_is_the_same_however_it_is_cut(pieces, line_end, data):
    events = [delta(content=piece) for piece in pieces]
    sent = a_stream(*events, delta(finish="stop"), USAGE).replace(b"\n", line_end)
    cuts = data.draw(st.lists(st.integers(0, len(sent)), max_size=6))
    reading = joined(sent, cuts)
    assert reading.text == "".join(pieces)
    assert (reading.input_tokens, reading.output_tokens, reading.finish_reason) == (3, 2, "stop")


@given(st.binary(max_size=300))
def test_whatever_comes_is_an_answer_or_named(noise):
    for data in (noise, b"data: " + noise + b"\n\n", a_stream(delta(content="a")) + noise):
        try:
            joined(data)
        except (MalformedReply, ErrorEvent):
            continue


def test_comments_other_fields_and_other_choices_are_passed_over():
    sent = b": hello\n\nevent: x\nid: 4\n" + a_stream(
        {"choices": [], "prompt_filter_results": []}, delta(index=1, content="other"), delta(content="mine"), USAGE
    )
    assert joined(sent).text == "mine"


def test_a_stream_that_a_filter_stopped_is_a_refusal():
    reading = joined(a_stream(delta(finish="content_filter"), USAGE))
    assert (reading.text, reading.is_refusal, reading.finish_reason) == ("", True, "content_filter")


def test_a_refusal_and_tool_calls_are_joined():
    assert joined(a_stream(delta(refusal="I "), delta(refusal="cannot", finish="stop"), USAGE)).is_refusal
    call = delta(tool_calls=[{"index": 0, "function": {"name": "pay", "arguments": '{"a":'}}])
    rest = delta(tool_calls=[{"index": 0, "function": {"arguments": " 1}"}}], finish="tool_calls")
    (found,) = joined(a_stream(call, rest, USAGE)).tool_calls
    assert (found.name, json.loads(found.arguments)) == ("pay", {"a": 1})


def test_the_first_token_is_the_first_piece_with_content():
    joining = Joining()
    joining.feed(b"".join(sse(delta(role="assistant", content=""), done=False)))
    assert not joining.has_token
    joining.feed(b"".join(sse(delta(content="H"), done=False)))
    assert joining.has_token


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(JSON | st.builds(lambda each: {"choices": [{"delta": each}]}, JSON), max_size=4))
def test_whatever_stands_in_the_events_is_an_answer_or_named(events):
    with contextlib.suppress(MalformedReply, ErrorEvent):
        assert joined(a_stream(*events, USAGE)).finish_reason


@pytest.mark.parametrize("calls", [5, {"a": 1}, "ab", True, [5], [{"function": 5}]], ids=repr)
def test_tool_calls_that_are_no_list_of_objects_are_malformed(calls):
    with pytest.raises(MalformedReply):
        joined(a_stream(delta(tool_calls=calls), USAGE))


@pytest.mark.parametrize("chunks", [[b"a" * 16_000] * 100, [b"a" * (LARGEST_LINE_BYTES + 1) + b"\n"]])
def test_a_line_without_an_end_is_refused_before_the_stream_ends(chunks):
    joining = Joining()
    with pytest.raises(MalformedReply, match="a line of more than"):
        deque(map(joining.feed, chunks), maxlen=0)
