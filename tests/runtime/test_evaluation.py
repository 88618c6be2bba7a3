"""An application under evaluation is given the candidate, and nobody else is."""

from __future__ import annotations

import asyncio
import threading

import pytest

import llmops
from llmops.runtime.errors import PromptError, PromptNotFound
from llmops.runtime.evaluation import serving
from tests.runtime.checkouts import NAME, a_locked, lock, serve


@pytest.fixture
def served(root, monkeypatch):
    release = a_locked("1.0.0")
    lock(root, release)
    serve(root, release)
    monkeypatch.chdir(root)
    return release


CANDIDATE = a_locked("1.1.0", template="New.", variables=[])


def test_an_environment_gives_the_release_under_evaluation(served):
    assert llmops.get_prompt(NAME, environment="production").digest == served.digest
    with serving(CANDIDATE):
        assert llmops.get_prompt(NAME, environment="production").digest == CANDIDATE.digest
        assert llmops.get_prompt(NAME, environment="anything").digest == CANDIDATE.digest
    assert llmops.get_prompt(NAME, environment="production").digest == served.digest


def test_a_version_asked_for_by_name_is_that_version(served):
    with serving(CANDIDATE):
        assert llmops.get_prompt(NAME, version="1.0.0").digest == served.digest
        with pytest.raises(PromptNotFound):
            llmops.get_prompt(NAME, version="1.1.0")


def test_which_prompt_has_to_be_said_under_evaluation_too(served):
    with serving(CANDIDATE), pytest.raises(PromptError) as caught:
        llmops.get_prompt(NAME)
    assert caught.value.code == "WHICH_PROMPT"


def test_other_prompts_are_read_as_always(served):
    with serving(a_locked(prompt_name="triage")):
        assert llmops.get_prompt(NAME, environment="production").digest == served.digest


def test_evaluations_may_be_nested(served):
    with serving(CANDIDATE), serving(a_locked(prompt_name="triage")):
        assert llmops.get_prompt(NAME, environment="production").digest == CANDIDATE.digest
        assert llmops.get_prompt("triage", environment="production").name == "triage"


async def test_tasks_of_two_evaluations_do_not_see_each_other(served):
    other = a_locked("1.2.0", template="Newer.", variables=[])

    async def ask(release):
        with serving(release):
            await asyncio.sleep(0)
            inner = asyncio.create_task(asyncio.to_thread(llmops.get_prompt, NAME, environment="production"))
            return (await inner).version

    assert await asyncio.gather(ask(CANDIDATE), ask(other)) == ["1.1.0", "1.2.0"]


def test_a_thread_of_somebody_else_gets_what_serves(served):
    found = []
    with serving(CANDIDATE):
        thread = threading.Thread(target=lambda: found.append(llmops.get_prompt(NAME, environment="production")))
        thread.start()
        thread.join()

    assert [prompt.digest for prompt in found] == [served.digest]
