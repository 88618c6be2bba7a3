"""A target with its run's journal: what was answered is never asked again, until the run is complete."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from aiohttp import web

from llmops.adapters.targets.opening import open_target
from llmops.errors import CannotAsk, InputRefused
from tests.adapters.targets.questions import a_config, a_question
from tests.adapters.targets.servers import first, never, serving


def opened(tmp_path: Path, address: str, **fields):
    given = {"behaviour": "b" * 64, "evalset": "e" * 64, "environ": {}, **fields}
    config = {key: given.pop(key) for key in ("timeout_seconds", "concurrency") if key in given}
    return open_target(a_config(address, **config), root=tmp_path, cache_folder=tmp_path / "cache", **given)


def journals(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "cache" / "targets").glob("*"))


async def test_two_runs_of_the_same_at_once_are_refused(tmp_path):
    async with opened(tmp_path, "http://127.0.0.1:9/"):
        with pytest.raises(CannotAsk) as caught:
            opened(tmp_path, "http://127.0.0.1:9/")
        assert caught.value.code == "RUN_BUSY"
        async with opened(tmp_path, "http://127.0.0.1:9/", behaviour="c" * 64):
            pass


async def fails_after_one_answer(tmp_path: Path, address: str) -> None:
    async with opened(tmp_path, address) as target:
        await target.answer(a_question("one"))
        target.complete()
        raise RuntimeError("something later fails")


async def test_an_unfinished_run_goes_on_where_it_was(tmp_path):
    async with serving(first()) as server:
        with pytest.raises(RuntimeError):
            await fails_after_one_answer(tmp_path, server.address)
        async with opened(tmp_path, server.address) as target:
            assert target.resumed == 1
            assert (await target.answer(a_question("one"))).is_cached
            assert not (await target.answer(a_question("two"))).is_cached
        assert [asked["case"] for asked in server.asked] == ["one", "two"]


async def test_a_complete_run_asks_anew(tmp_path):
    async with serving(first()) as server:
        for _ in range(2):
            async with opened(tmp_path, server.address) as target:
                assert target.resumed == 0
                await target.answer(a_question())
                target.complete()
        assert len(server.asked) == 2
    assert journals(tmp_path) == []


@pytest.mark.parametrize("other", [{"behaviour": "c" * 64}, {"evalset": "f" * 64}])
async def test_another_run_has_its_own_journal(tmp_path, other):
    async with serving(first()) as server:
        async with opened(tmp_path, server.address) as target:
            await target.answer(a_question())
        async with opened(tmp_path, server.address, **other) as target:
            assert target.resumed == 0


async def test_answers_of_changed_code_are_dropped(tmp_path):
    (tmp_path / "changing.py").write_text("def answer(question): return 'old'", encoding="utf-8")
    async with opened(tmp_path, "python:changing:answer") as target:
        assert (await target.answer(a_question())).text == "old"
    (before,) = journals(tmp_path)
    del sys.modules["changing"]
    (tmp_path / "changing.py").write_text("def answer(question): return 'newer'", encoding="utf-8")
    async with opened(tmp_path, "python:changing:answer") as target:
        assert target.resumed == 0
        assert (await target.answer(a_question())).text == "newer"
    assert before not in journals(tmp_path)
    del sys.modules["changing"]


async def test_a_failure_is_not_kept(tmp_path):
    async with serving(never) as server:
        for _ in range(2):
            async with opened(tmp_path, server.address, timeout_seconds=0.05) as target:
                with pytest.raises(InputRefused):
                    await target.answer(a_question())
        assert len(server.asked) == 2


async def test_no_more_questions_are_under_way_than_configured(tmp_path):
    async def slowly(request, asked):
        await asyncio.sleep(0.02)
        return web.json_response("a")

    async with serving(slowly) as server:
        async with opened(tmp_path, server.address, concurrency=3) as target:
            await asyncio.gather(*(target.answer(a_question(f"c{n}")) for n in range(12)))
        assert server.most == 3


PROGRAM = """
import asyncio, os, sys
from pathlib import Path
from llmops.adapters.targets.opening import open_target
from tests.adapters.targets.questions import a_config, a_question

async def main():
    root = Path(sys.argv[1])
    config = a_config("python:killed:answer", concurrency=2)
    async with open_target(config, root=root, cache_folder=root / "cache", behaviour="b", evalset="e") as target:
        print(target.resumed, file=sys.__stdout__, flush=True)
        found = await asyncio.gather(*(target.answer(a_question(f"c{n:02}")) for n in range(20)))
        assert [each.text for each in found] == [f"c{n:02}" for n in range(20)]
        target.complete()
asyncio.run(main())
"""


@pytest.mark.parametrize("deadly", [1, 2, 7, 20])
def test_a_killed_run_repeats_only_what_was_under_way(tmp_path, deadly):
    source = """
        import os, signal, threading
        lock = threading.Lock()
        def answer(question):
            with lock:
                with open(os.environ["CALLS"], "a") as calls:
                    calls.write(question["case"] + "\\n")
                with open(os.environ["CALLS"]) as calls:
                    if len(calls.readlines()) == int(os.environ["DEADLY"]):
                        os.kill(os.getpid(), signal.SIGKILL)
            return question["case"]
        """
    (tmp_path / "killed.py").write_text(textwrap.dedent(source), encoding="utf-8")

    def run(at: int) -> subprocess.CompletedProcess[str]:
        environ = {**os.environ, "CALLS": str(tmp_path / "calls"), "DEADLY": str(at), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(
            [sys.executable, "-c", PROGRAM, str(tmp_path)],
            capture_output=True, text=True, check=False, env=environ, cwd=Path(__file__).parents[3],
        )  # fmt: skip

    assert run(deadly).returncode == -9
    second = run(0)
    assert second.returncode == 0, second.stderr
    calls = (tmp_path / "calls").read_text(encoding="utf-8").split()
    assert set(calls) == {f"c{n:02}" for n in range(20)}
    assert len(calls) <= 20 + 2
    assert int(second.stdout) >= deadly - 2
    assert journals(tmp_path) == []
