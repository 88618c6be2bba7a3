"""The file of labels: a kill loses at most the line being written, and two writers never meet."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from llmops.adapters.notebook import FileNotebook, kept
from llmops.errors import CannotAsk

LINE = b'{"case": "a"}\n'


def test_a_second_writer_is_told_to_wait(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    with FileNotebook(path), pytest.raises(CannotAsk) as caught, FileNotebook(path):
        pass
    assert caught.value.code == "LABELS_BUSY"


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CannotAsk) as caught, FileNotebook(tmp_path / "file" / "labels.jsonl"):
        pass
    assert "file" in caught.value.where


def test_a_line_that_somebody_else_wrote_is_not_taken_back(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    with FileNotebook(path) as notebook:
        notebook.append(LINE)
        path.write_bytes(LINE + b'{"case": "b"}\n')
        with pytest.raises(CannotAsk) as caught:
            notebook.drop(LINE)
    assert caught.value.code == "LABELS_MOVED"
    assert path.read_bytes() == LINE + b'{"case": "b"}\n'


def test_lines_are_kept_and_taken_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "labels.jsonl"
    with FileNotebook(path) as notebook:
        assert notebook.read() == b""
        notebook.append(LINE)
        notebook.append(LINE)
        notebook.drop(LINE)
        assert path.read_bytes() == notebook.read() == LINE


def test_a_notebook_that_stayed_empty_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    with FileNotebook(path):
        assert path.exists()
    assert not path.exists()


def test_half_a_line_at_the_end_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_bytes(LINE + b'{"case": "b", "met')
    with FileNotebook(path) as notebook:
        assert notebook.read() == LINE
        notebook.append(LINE)
    assert path.read_bytes() == 2 * LINE


def test_a_whole_last_line_without_its_line_feed_stays(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_bytes(LINE + LINE.rstrip())
    with FileNotebook(path) as notebook:
        assert notebook.read() == LINE + LINE.rstrip()
        notebook.append(LINE)
        assert path.read_bytes() == 3 * LINE
        notebook.drop(LINE)
    assert path.read_bytes() == 2 * LINE


def test_a_last_line_that_is_longer_than_any_label_is_never_cut(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    data = b'{"a": ' + b"[" * 100_000
    path.write_bytes(data)
    with pytest.raises(CannotAsk) as refused:
        FileNotebook(path).__enter__()
    assert refused.value.code == "LABELS_INVALID"
    assert path.read_bytes() == data


def test_who_only_reads_changes_nothing_and_waits_for_nobody(tmp_path: Path) -> None:
    path = tmp_path / "new" / "labels.jsonl"
    assert kept(path) == b""
    assert not path.parent.exists()
    with FileNotebook(path) as notebook:
        notebook.append(LINE)
        path.write_bytes(LINE + b'{"case": "b", "met')
        assert kept(path) == LINE
        assert path.read_bytes() == LINE + b'{"case": "b", "met'


def test_who_only_reads_is_told_of_what_is_no_plain_file(tmp_path: Path) -> None:
    with pytest.raises(CannotAsk) as refused:
        kept(tmp_path)
    assert refused.value.code == "NOT_A_FILE"


WRITER = """
import sys
from pathlib import Path
from llmops.adapters.notebook import FileNotebook
with FileNotebook(Path(sys.argv[1])) as notebook:
    number = 0
    while True:
        notebook.append(b'{"number": %d}\\n' % number)
        number += 1
        print(number, flush=True)
"""


def test_what_was_said_to_be_kept_outlives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        said = [int(writer.stdout.readline()) for _ in range(25)]
        os.kill(writer.pid, signal.SIGKILL)
    with FileNotebook(path) as notebook:
        lines = notebook.read().splitlines()
    assert len(lines) >= said[-1]
    assert lines == [b'{"number": %d}' % number for number in range(len(lines))]


def test_what_is_no_plain_file_is_refused_and_stays(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(CannotAsk) as refused:
        FileNotebook(pipe).__enter__()
    assert refused.value.code == "NOT_A_FILE"
    assert pipe.is_fifo()


def test_an_empty_file_that_was_there_before_stays(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    path.touch()
    with FileNotebook(path):
        pass
    assert path.exists()


def test_a_file_that_holds_something_else_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "README"
    path.write_bytes(b"# Title\nno line feed at the end")
    with pytest.raises(CannotAsk) as refused:
        FileNotebook(path).__enter__()
    assert refused.value.code == "LABELS_INVALID"
    assert path.read_bytes() == b"# Title\nno line feed at the end"
