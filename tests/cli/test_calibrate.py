"""calibrate on the real command line: labels over a pipe and at a terminal, and what it answers."""

from __future__ import annotations

import io
import json
import os
import pty
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Cli, environment
from tests.worlds import PROMPT

SAMPLE = ("calibrate", "sample", PROMPT, "--metric", "groundedness", "--annotator", "ann")
LABELS = Path("evalsets/lamp/labels.jsonl")


def labelled(cli: Cli) -> list[dict[str, object]]:
    path = cli.folder / LABELS
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def says(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_where_nobody_is_there_it_says_what_to_do(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, "")
    done = cli(*SAMPLE)
    assert done.code == 2
    assert "[NO_TERMINAL]" in done.err
    assert "--no-loop" in done.err
    assert not (cli.folder / LABELS).exists()


def test_without_labels_the_next_step_is_named(cli: Cli) -> None:
    done = cli("calibrate", PROMPT, "--metric", "groundedness")
    assert done.code == 2
    assert "[LABELS_MISSING]" in done.err
    assert "calibrate sample" in done.err


def test_labels_come_over_a_pipe_and_the_same_command_goes_on(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, "p\nwhat?\nf\n")
    first = cli(*SAMPLE)
    assert first.code == 0
    assert "2 of 3 answers labelled by groundedness" in first.out
    says(monkeypatch, "pass\n")
    second = cli(*SAMPLE, "--json")
    assert second.json["command"] == "calibrate sample"
    assert (second.json["result"]["before"], second.json["result"]["labelled"]) == (2, 1)
    assert [line["label"] for line in labelled(cli)] == [1, 0, 1]
    assert {line["annotator"] for line in labelled(cli)} == {"ann"}


def test_a_blank_line_over_a_pipe_is_no_end(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, "p\n\n  \nf\n")
    assert cli(*SAMPLE).code == 0
    assert [line["label"] for line in labelled(cli)] == [1, 0]


def test_both_spellings_say_the_same_and_too_few_labels_are_no(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, "p\nf\np\n")
    assert cli(*SAMPLE).code == 0
    short = cli("calibrate", PROMPT, "--metric", "groundedness", "--json")
    long = cli("calibrate", "run", "--metric", "groundedness", PROMPT, "--json")
    assert short == long
    assert short.json["command"] == "calibrate"
    assert short.code == 1
    assert short.json["result"]["problem"]["code"] == "CALIBRATION_TOO_SMALL"
    text = cli("calibrate", "--metric", "groundedness", PROMPT)
    assert text.code == 1
    assert "NOT CALIBRATED" in text.out
    assert "judge passes" in text.out


def test_what_cannot_calibrate_is_not_recorded(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, "p\nf\np\n")
    cli(*SAMPLE)
    before = cli.git("rev-parse", "HEAD")
    done = cli("calibrate", PROMPT, "--metric", "groundedness", "--record")
    assert done.code == 1
    assert "[CALIBRATION_TOO_SMALL]" in done.err
    assert cli.git("rev-parse", "HEAD") == before


def test_a_label_of_another_answer_is_named_with_its_line(cli: Cli) -> None:
    line = {"case": "bulb", "metric": "groundedness", "label": 1, "annotator": "ann", "answer": "0" * 64}
    cli.write({str(LABELS): (json.dumps(line) + "\n").encode()})
    done = cli("calibrate", PROMPT, "--metric", "groundedness")
    assert done.code == 1
    assert f"{LABELS}:1" in done.err
    assert "label-unknown-answer" in done.err


@pytest.mark.parametrize("command", [("run",), ("sample", "--no-loop")])
def test_a_line_out_of_range_is_refused_before_anything_is_read(cli: Cli, command: tuple[str, ...]) -> None:
    done = cli("calibrate", *command, "nobody", "--metric", "groundedness", "--pass-at", "1.5")
    assert done.code == 2
    assert "[USAGE]" in done.err
    assert "--pass-at is 1.5" in done.err


def test_what_is_said_to_go_on_has_every_option_that_was_given(cli: Cli) -> None:
    options = ("--count", "2", "--pass-at", "0.5", "--labels", "my labels.jsonl")
    done = cli(*SAMPLE, *options, "--no-loop")
    said = " ".join(done.out.split())
    assert "--count 2 --annotator ann --pass-at 0.5 --labels 'my labels.jsonl'" in said


def test_the_list_asks_nobody(cli: Cli) -> None:
    done = cli(*SAMPLE, "--no-loop", "--json")
    assert done.code == 0
    assert sorted(done.json["result"]["cases"]) == ["bulb", "cord", "switch"]
    assert not (cli.folder / LABELS).exists()


def test_the_list_leaves_the_file_as_it_is(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, "p\n")
    cli(*SAMPLE)
    path = cli.folder / LABELS
    half = path.read_bytes() + b'{"case": "bu'
    path.write_bytes(half)
    done = cli(*SAMPLE, "--no-loop", "--json")
    assert (done.code, done.json["result"]["before"]) == (0, 1)
    assert path.read_bytes() == half


def at_a_terminal(cli: Cli, keys: list[bytes], early: bytes = b"") -> tuple[int, bytes]:
    """Run the loop in a terminal of its own, pressing a key whenever a question (or the keys' line) stands there, and
    `early` before there is any."""
    child, mine = pty.fork()
    if child == 0:
        os.chdir(cli.folder)
        os.execve(sys.executable, [sys.executable, "-m", "llmops", *SAMPLE], {**environment(cli.home), "TERM": "dumb"})
    os.write(mine, early)
    seen, waiting = b"", list(keys)
    while part := _read(mine):
        seen += part
        if waiting and seen.count(b"q quit") > len(keys) - len(waiting):
            os.write(mine, waiting.pop(0))
    os.close(mine)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), seen


def _read(handle: int) -> bytes:
    try:
        return os.read(handle, 4096)
    except OSError:
        return b""  # how a terminal says that nobody is left


def test_at_a_terminal_a_key_is_enough(cli: Cli) -> None:
    code, seen = at_a_terminal(cli, [b"p", b"f", b"q"])
    assert code == 0
    assert b"2 of 3 answers labelled" in seen
    assert [line["label"] for line in labelled(cli)] == [1, 0]


def test_an_interrupt_keeps_what_was_labelled(cli: Cli) -> None:
    code, seen = at_a_terminal(cli, [b"p", b"\x03"])
    assert code == 130
    assert b"INTERRUPTED" in seen
    assert len(labelled(cli)) == 1


@pytest.mark.parametrize("sent", [b"\x1b[F", b"\x1bOP", b"perhaps this falls", b"pass"])
def test_keys_that_nobody_pressed_label_nothing(cli: Cli, sent: bytes) -> None:
    code, seen = at_a_terminal(cli, [sent, b"f", b"q"])
    assert code == 0
    assert b"1 of 3 answers labelled" in seen
    assert [line["label"] for line in labelled(cli)] == [0]


def test_what_was_typed_before_a_question_answers_none(cli: Cli) -> None:
    code, _ = at_a_terminal(cli, [b"q"], early=b"ppp\n")
    assert code == 0
    assert labelled(cli) == []


def test_the_end_of_input_at_a_terminal_leaves(cli: Cli) -> None:
    code, seen = at_a_terminal(cli, [b"p", b"\x04"])
    assert code == 0
    assert b"1 of 3 answers labelled" in seen
