"""The door for text that somebody else wrote, target by target."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.errors import Answer, CannotAsk, Refusal
from llmops.render import envelope, show


@given(st.text())
def test_json_text_reads_back_as_the_same_value(text: str) -> None:
    dumped = json.dumps({"text": text}, ensure_ascii=False)
    tame = show.json_text(dumped)
    assert json.loads(tame) == {"text": text}
    assert show.terminal(tame) == tame


@given(st.text())
def test_terminal_is_idempotent_and_keeps_what_is_harmless(text: str) -> None:
    once = show.terminal(text)
    assert show.terminal(once) == once


@pytest.mark.parametrize("text", ["plain", "Zoë, 日本 → ½", "two\nlines\tand a tab"])
def test_harmless_text_is_shown_as_it_is(text: str) -> None:
    assert show.terminal(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [("\x1b[2J", "\\x1b[2J"), ("\u202eabc", "\\u202eabc"), ("a\rb", "a\\rb"), ("\x9b31m", "\\x9b31m")],
)
def test_hostile_text_is_spelled_out(text: str, shown: str) -> None:
    assert show.terminal(text) == shown


@given(st.text(), st.integers(2, 40))
def test_one_line_is_one_line_of_at_most_its_limit(text: str, limit: int) -> None:
    line = show.one_line(text, limit)
    assert "\n" not in line
    assert len(line) <= limit


def test_the_envelope_has_all_keys_and_plain_values() -> None:
    said = json.loads(
        envelope.render(
            command="status",
            exit_code=1,
            result={"at": datetime(2026, 3, 2, tzinfo=UTC), "answer": Answer.NO, "set": {"b", "a"}, "bytes": b"x"},
            error=Refusal("CODE", "what", where="here", hint="do", details=("one",)),
        )
    )
    assert list(said) == ["schema", "command", "ok", "exit_code", "result", "findings", "error"]
    assert said["result"] == {"at": "2026-03-02T00:00:00+00:00", "answer": "no", "set": ["a", "b"], "bytes": "x"}
    assert said["error"] == {"code": "CODE", "what": "what", "where": "here", "hint": "do", "details": ["one"]}


def test_an_envelope_without_an_error_says_null() -> None:
    said = json.loads(envelope.render(command="x", exit_code=0))
    assert (said["ok"], said["error"], said["findings"]) == (True, None, [])
    assert json.loads(envelope.render(command="x", exit_code=2, error=CannotAsk("A", "b")))["error"]["details"] == []


def test_no_character_that_is_spelled_out_counts_as_printable() -> None:
    hostile = [chr(code) for code in range(sys.maxunicode + 1) if show.terminal(f"\n{chr(code)}") != f"\n{chr(code)}"]
    assert len(hostile) > 200
    assert [char for char in hostile if char.isprintable()] == []
