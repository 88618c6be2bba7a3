"""A function of the user's own answers, in every way that a function can go wrong."""

from __future__ import annotations

import asyncio
import contextvars
import hashlib
import sys
import textwrap
import threading
from contextlib import contextmanager
from itertools import count

import pytest

from llmops.adapters.targets import sources
from llmops.adapters.targets.python import PythonTarget
from llmops.errors import CannotAsk, InputRefused
from tests.adapters.targets.questions import a_config, a_question

_NUMBERS = count(1)


@pytest.fixture
def application(tmp_path, monkeypatch):
    """Writes a module of a fresh name into a repository and opens it as a target."""
    opened = []

    def build(source: str, function: str = "answer", **fields):
        name = f"application_{next(_NUMBERS)}"
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(source), encoding="utf-8")
        within = {"within": fields.pop("within")} if "within" in fields else {}
        target = PythonTarget(a_config(f"python:{name}:{function}", **fields), root=tmp_path, **within)
        opened.append(target)
        return target

    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield build
    for target in opened:
        asyncio.run(target.close())


async def refusal(target, kind=InputRefused, **fields):
    with pytest.raises(kind) as caught:
        await target.answer(a_question(**fields))
    assert type(caught.value) is kind
    return caught.value


@pytest.mark.parametrize(
    "address", ["python:app", "python::f", "python:a b:f", "python:app:f.g", "app:f", "python:.a:f"]
)
def test_an_address_that_is_none_is_refused(tmp_path, address):
    with pytest.raises(CannotAsk) as caught:
        PythonTarget(a_config(address), root=tmp_path)
    assert caught.value.code == "TARGET_INVALID"


def test_a_key_for_a_function_is_refused(application):
    with pytest.raises(CannotAsk) as caught:
        application("def answer(question): return 'a'", key_env="APP_KEY")
    assert caught.value.code == "TARGET_INVALID"
    assert "key_env" in caught.value.what


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("import a_library_that_nobody_has", "ModuleNotFoundError: No module named 'a_library_that_nobody_has'"),
        ("def answer(question:\n    pass", "SyntaxError"),
        ("x = 1\nraise RuntimeError('no database')", "RuntimeError: no database"),
        ("def reply(question): return 'a'", "has no answer"),
        ("answer = 'a'", "is no function"),
    ],
)
def test_what_cannot_be_imported_ends_the_run_before_it_begins(application, tmp_path, source, what):
    with pytest.raises(CannotAsk) as caught:
        application(source)
    assert type(caught.value) is CannotAsk
    assert caught.value.code == "TARGET_IMPORT"
    assert what in caught.value.what
    assert caught.value.hint
    assert str(tmp_path) not in sys.path


def test_the_line_of_a_failing_import_is_named(application):
    with pytest.raises(CannotAsk) as caught:
        application("x = 1\nraise RuntimeError('no database')")
    assert f"(application_{next(_NUMBERS) - 1}.py:2)" in caught.value.what


def test_a_function_of_nearly_that_name_is_named(application):
    with pytest.raises(CannotAsk) as caught:
        application("def answers(question): return 'a'")
    assert caught.value.hint == "did you mean answers?"


@pytest.mark.parametrize("head", ["def answer(question):", "async def answer(question):"])
async def test_what_the_function_raises_is_this_cases_failure(application, head):
    target = application(f"{head}\n    return look(question)\n\ndef look(question):\n    return {{}}['page']\n")
    error = await refusal(target)
    assert error.code == "TARGET_FAILED"
    assert error.where == "case bulb"
    assert "KeyError: 'page'" in error.what
    assert f"({target.identity['address'].split(':')[1]}.py:5)" in error.what


async def test_a_failure_deep_in_a_library_is_named_by_the_users_line(application):
    error = await refusal(application("import json\ndef answer(question):\n    return json.loads('{')"))
    assert ".py:3)" in error.what
    assert error.what.startswith("python:application_")


@pytest.mark.parametrize(
    "raised", ["StopIteration('x')", "StopAsyncIteration()", "asyncio.CancelledError()", "TimeoutError()"]
)
@pytest.mark.parametrize("head", ["def answer(question):", "async def answer(question):"])
async def test_exceptions_that_mean_something_to_event_loops_are_failures_too(application, head, raised):
    error = await refusal(application(f"import asyncio\n{head}\n    raise {raised}"))
    assert error.code == "TARGET_FAILED"


@pytest.mark.parametrize("head", ["def answer(question):", "async def answer(question):"])
def test_an_exit_goes_through(application, head):
    target = application(f"{head}\n    raise SystemExit(7)")
    with pytest.raises(SystemExit):
        asyncio.run(target.answer(a_question()))


@pytest.mark.parametrize("value", ["None", "7", "[]", "{'reply': 'a'}", "object()"])
async def test_what_is_no_answer_is_refused(application, value):
    error = await refusal(application(f"def answer(question): return {value}"))
    assert error.code == "TARGET_ANSWER"


async def test_a_function_that_does_not_return_costs_one_deadline_and_holds_up_nobody(application):
    target = application(
        """
        import threading
        gate = threading.Event()
        def answer(question):
            if question["case"] == "slow":
                gate.wait(60)
            return question["case"]
        """,
        timeout_seconds=0.2,
    )
    error = await refusal(target, case="slow")
    assert (error.code, error.where) == ("TARGET_TIMEOUT", "case slow")
    assert (await target.answer(a_question("fast"))).text == "fast"
    sys.modules[target.identity["address"].split(":")[1]].gate.set()


async def test_a_coroutine_that_does_not_return_is_cancelled(application):
    target = application(
        """
        import asyncio
        seen = []
        async def answer(question):
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                seen.append(question["case"])
                raise
        """,
        timeout_seconds=0.05,
    )
    assert (await refusal(target)).code == "TARGET_TIMEOUT"
    await asyncio.sleep(0)
    assert sys.modules[target.identity["address"].split(":")[1]].seen == ["bulb"]


async def test_when_too_many_calls_hang_the_run_ends(application, monkeypatch):
    monkeypatch.setattr("llmops.adapters.targets.python.MOST_HANGING", 2)
    target = application(
        "import threading\ngate = threading.Event()\ndef answer(question): gate.wait(60)", timeout_seconds=0.05
    )
    found = await asyncio.gather(*(target.answer(a_question(f"c{n}")) for n in range(3)), return_exceptions=True)
    found.append(await refusal(target, CannotAsk, case="c9"))
    assert found[-1].code == "TARGET_HANGING"
    assert {error.code for error in found} == {"TARGET_TIMEOUT", "TARGET_HANGING"}
    sys.modules[target.identity["address"].split(":")[1]].gate.set()


@pytest.mark.parametrize(
    "source",
    [
        "def answer(question): return question['question']",
        "async def answer(question): return question['question']",
        "class App:\n    def __call__(self, question): return question['question']\nanswer = App()",
        "class App:\n    async def __call__(self, question): return question['question']\nanswer = App()",
        "async def inner(question): return question['question']\ndef answer(question): return inner(question)",
        "import functools\ndef f(a, question): return question['question']\nanswer = functools.partial(f, 1)",
    ],
)
async def test_any_callable_answers(application, source):
    answer = await application(source).answer(a_question())
    assert answer.text == "Which bulb?"
    assert answer.latency_ms >= 0


async def test_a_function_does_not_run_on_the_event_loops_thread(application):
    answer = await application("import threading\ndef answer(question): return str(threading.get_ident())").answer(
        a_question()
    )
    assert answer.text != str(threading.get_ident())


@pytest.mark.parametrize("head", ["def answer(question):", "async def answer(question):"])
async def test_every_call_runs_within_and_nothing_else_does(application, head):
    serving = contextvars.ContextVar("serving", default="nothing")

    @contextmanager
    def within():
        token = serving.set("the candidate")
        yield
        serving.reset(token)

    target = application(f"{head}\n    return seen.get()", within=within)
    sys.modules[target.identity["address"].split(":")[1]].seen = serving

    answers = await asyncio.gather(*(target.answer(a_question(f"c{n}")) for n in range(3)))

    assert {answer.text for answer in answers} == {"the candidate"}
    assert serving.get() == "nothing"


async def test_the_identity_is_the_address_and_the_source(application, tmp_path):
    target = application("def answer(question): return 'a'")
    name = target.identity["address"].split(":")[1]
    source = hashlib.sha256((tmp_path / f"{name}.py").read_bytes()).hexdigest()
    assert target.identity == {"kind": "python", "address": f"python:{name}:answer", "source": source}


def test_another_module_that_changed_is_another_fingerprint(application, tmp_path):
    (tmp_path / "a_part_of_it.py").write_text("TEXT = 'a'", encoding="utf-8")
    target = application("import a_part_of_it\ndef answer(question): return a_part_of_it.TEXT")
    before = target.fingerprint
    assert target.fingerprint == before
    (tmp_path / "a_part_of_it.py").write_text("TEXT = 'b'", encoding="utf-8")
    assert target.fingerprint != before
    del sys.modules["a_part_of_it"]


async def test_the_path_is_left_as_it_was(application, tmp_path):
    target = application("def answer(question): return 'a'")
    assert sys.path[-1] == str(tmp_path)
    await target.close()
    assert str(tmp_path) not in sys.path


async def test_what_is_printed_goes_to_standard_error(application, capsys):
    target = application("print('loaded')\ndef answer(question):\n    print('asked')\n    return 'a'")
    await target.answer(a_question())
    await target.close()
    print("the command's own")
    out, err = capsys.readouterr()
    assert out == "the command's own\n"
    assert ("loaded" in err, "asked" in err) == (True, True)


async def test_a_file_in_the_root_takes_no_librarys_place(application, tmp_path, monkeypatch):
    library = tmp_path / "installed"
    library.mkdir()
    (library / "a_library.py").write_text("NAME = 'installed'")
    (tmp_path / "a_library.py").write_text("NAME = 'root'")
    monkeypatch.syspath_prepend(str(library))
    target = application("import a_library\ndef answer(question): return a_library.NAME")
    assert (await target.answer(a_question())).text == "installed"
    monkeypatch.delitem(sys.modules, "a_library")


async def test_the_targets_own_module_is_the_repositorys(tmp_path, monkeypatch):
    library = tmp_path / "installed"
    library.mkdir()
    (library / "app_of_mine.py").write_text("def answer(question): return 'installed'")
    (tmp_path / "app_of_mine.py").write_text("def answer(question): return 'root'")
    monkeypatch.syspath_prepend(str(library))
    target = PythonTarget(a_config("python:app_of_mine:answer"), root=tmp_path)
    assert (await target.answer(a_question())).text == "root"
    await target.close()
    monkeypatch.delitem(sys.modules, "app_of_mine")


def test_a_name_that_is_in_use_is_not_replaced(tmp_path):
    (tmp_path / "json.py").write_text("def answer(question): return 'root'")
    with pytest.raises(CannotAsk) as caught:
        PythonTarget(a_config("python:json:answer"), root=tmp_path)
    assert (caught.value.code, "another json is in use" in caught.value.what) == ("TARGET_IMPORT", True)


@pytest.mark.parametrize("changed", ["app/__init__.py", "app/assistant.py", ""])
def test_with_a_trusted_ref_the_code_is_that_refs(tmp_path, changed):
    (tmp_path / "app").mkdir()
    for path in ("app/__init__.py", "app/assistant.py"):
        (tmp_path / path).write_text("x = 1")
    trusted = {"app/__init__.py": b"x = 1", "app/assistant.py": b"x = 1", changed: b"x = 2"}
    config = a_config("python:app.assistant:answer")
    if not changed:
        sources.require_trusted(config, root=tmp_path, read=trusted.get)
        return
    for read in (trusted.get, {}.get):
        with pytest.raises(CannotAsk) as caught:
            sources.require_trusted(config, root=tmp_path, read=read)
        assert caught.value.code == "UNTRUSTED_ENDPOINT"
