"""The long-lived object reader."""

from __future__ import annotations

import hashlib
import itertools
import os
import signal
from collections.abc import Iterator

import pytest

from llmops.adapters.git.objects import ObjectReader
from llmops.errors import CannotAsk
from tests.adapters.git.conftest import RealWorld


@pytest.fixture
def reader(world: RealWorld) -> Iterator[ObjectReader]:
    reader = ObjectReader(str(world.folder))
    yield reader
    reader.close()


def test_what_does_not_exist_is_none_and_does_not_shift_the_answers(reader: ObjectReader) -> None:
    found = reader.get_many(["HEAD:absent with blanks", "HEAD:src/app.py", "HEAD:no missing", "0" * 40])
    assert [one and one.data for one in found] == [None, b"pass\n", None, None]


def test_an_ambiguous_name_is_none(world: RealWorld, reader: ObjectReader) -> None:
    ids: dict[str, str] = {}
    for number in itertools.count():
        oid = hashlib.sha1(f"blob {len(str(number))}\0{number}".encode()).hexdigest()
        if oid[:4] in ids:
            break
        ids[oid[:4]] = str(number)
    assert world.git("hash-object", "-w", "--stdin", stdin=str(number)) == oid
    world.git("hash-object", "-w", "--stdin", stdin=ids[oid[:4]])
    twins = oid[:4]
    assert reader.get(twins) is None
    assert reader.get("HEAD:src/app.py") is not None


def test_kinds_are_told(reader: ObjectReader) -> None:
    kinds = [one.kind for one in reader.get_many(["HEAD", "HEAD:", "HEAD:src/app.py"]) if one]
    assert kinds == ["commit", "tree", "blob"]


def test_bytes_come_back_exactly_however_many_and_large(world: RealWorld, reader: ObjectReader) -> None:
    contents = [b"", b"\n", b"\0" * 9, b"x" * 300_000, "zwölf missing\n".encode(), *(b"%d" % n for n in range(500))]
    for number, data in enumerate(contents):
        world.write(f"many/{number}", data)
    world.stage("many")
    world.commit("many")
    found = reader.get_many([f"HEAD:many/{number}" for number in range(len(contents))])
    assert [one and one.data for one in found] == contents


def test_an_object_written_later_is_found(world: RealWorld, reader: ObjectReader) -> None:
    assert reader.get("HEAD:later") is None
    world.write("later", b"now\n")
    world.stage("later")
    later = world.commit("later")
    found = reader.get(f"{later}:later")
    assert found is not None
    assert found.data == b"now\n"


@pytest.mark.parametrize("is_gone", [False, True], ids=["dying", "gone"])
def test_a_reader_whose_process_died_says_so_and_starts_anew(reader: ObjectReader, is_gone: bool) -> None:
    reader.get("HEAD")
    process = reader._process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    if is_gone:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    with pytest.raises(CannotAsk) as refused:
        reader.get_many(["HEAD"] * 50)
    assert refused.value.code == "OBJECTS_UNREADABLE"
    assert reader.get("HEAD") is not None


def test_an_interrupted_answer_is_not_taken_for_the_next_one(
    reader: ObjectReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader.get("HEAD:prompts/a/prompt.yaml")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("llmops.adapters.git.objects.GitObject", interrupted)
    with pytest.raises(KeyboardInterrupt):
        reader.get_many(["HEAD:prompts/a/prompt.yaml", "HEAD:prompts/a/prompt.yaml"])
    monkeypatch.undo()
    found = reader.get("HEAD:src/app.py")
    assert found is not None
    assert found.data == b"pass\n"
