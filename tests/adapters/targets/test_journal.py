"""Answers are kept as they come, outlive a kill at any byte, and are dropped in the end."""

from __future__ import annotations

import errno
import os
import time

import pytest

from llmops.adapters.targets import journal as journals
from llmops.adapters.targets.journal import Journal
from llmops.documents.chat import ToolCall
from llmops.documents.targets import Answered
from llmops.errors import CannotAsk


def an_answer(digest: str, text: str = "40 watts, größer") -> Answered:
    return Answered(
        text=text,
        request_digest=digest,
        contexts=("a",),
        context_ids=("p#a",),
        tool_calls=(ToolCall(name="f", arguments="{}"),),
        nano_usd=5,
        latency_ms=9,
        ttft_ms=3,
    )


def filled(path, *digests):
    journal = Journal(path)
    for digest in digests:
        journal.put(an_answer(digest))
    journal.close()
    return path.read_bytes()


def test_a_second_run_of_the_same_is_told_to_wait(tmp_path):
    first = Journal(tmp_path / "run.jsonl")
    with pytest.raises(CannotAsk) as caught:
        Journal(tmp_path / "run.jsonl")
    assert caught.value.code == "RUN_BUSY"
    first.close()
    Journal(tmp_path / "run.jsonl").close()


def test_a_full_disk_is_named(tmp_path, monkeypatch):
    journal = Journal(tmp_path / "run.jsonl")

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(journals.os, "fsync", full)
    with pytest.raises(CannotAsk) as caught:
        journal.put(an_answer("a"))
    assert caught.value.code == "DISK_FULL"
    assert journal.get("a") is None


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CannotAsk) as caught:
        Journal(tmp_path / "file" / "run.jsonl")
    assert caught.value.code == "NOT_WRITABLE"


def test_what_was_kept_is_there_again_and_marked_as_such(tmp_path):
    filled(tmp_path / "run.jsonl", "a", "b")
    journal = Journal(tmp_path / "run.jsonl")
    assert len(journal) == 2
    kept = journal.get("b")
    assert kept is not None
    assert kept.is_cached
    assert (kept.text, kept.contexts, kept.tool_calls) == (
        "40 watts, größer",
        ("a",),
        (ToolCall(name="f", arguments="{}"),),
    )
    assert journal.get("c") is None


def test_a_journal_cut_off_at_any_byte_keeps_its_whole_lines(tmp_path):
    data = filled(tmp_path / "run.jsonl", "a", "b")
    first = data.index(b"\n") + 1
    for end in range(len(data)):
        path = tmp_path / "cut.jsonl"
        path.write_bytes(data[:end])
        journal = Journal(path)
        assert len(journal) == (1 if end >= first else 0)
        journal.put(an_answer("c"))
        journal.close()
        again = Journal(path)
        assert again.get("c") is not None
        assert len(again) == (2 if end >= first else 1)
        again.close()


def test_a_line_that_was_changed_is_asked_again(tmp_path):
    path = tmp_path / "run.jsonl"
    data = filled(path, "a", "b")
    path.write_bytes(data.replace(b"40 watts", b"50 watts", 1))
    assert len(Journal(path)) == 0


@pytest.mark.parametrize("junk", [b"\0" * 100, b"\xff\xfe\n", b"{}\n", b"00000000 \n", b"\n\n"])
def test_what_is_no_journal_is_an_empty_one(tmp_path, junk):
    path = tmp_path / "run.jsonl"
    path.write_bytes(junk)
    journal = Journal(path)
    assert len(journal) == 0
    journal.put(an_answer("a"))
    journal.close()
    assert len(Journal(path)) == 1


def test_a_complete_run_leaves_nothing(tmp_path):
    journal = Journal(tmp_path / "run.jsonl")
    journal.put(an_answer("a"))
    journal.drop()
    assert list(tmp_path.iterdir()) == []


def test_a_journal_of_yesterday_is_dropped(tmp_path):
    for name in ("run.jsonl", "other.jsonl", "notes.txt"):
        filled(tmp_path / name, "a")
        past = time.time() - journals.OLDEST_SECONDS - 60
        os.utime(tmp_path / name, (past, past))
    assert len(Journal(tmp_path / "run.jsonl")) == 0
    assert sorted(each.name for each in tmp_path.iterdir()) == ["notes.txt", "run.jsonl"]
