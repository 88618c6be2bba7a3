"""Four applications, their real libraries, a real (scripted) endpoint: what is sent is the release under evaluation."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from llmops.adapters.targets.opening import open_target
from llmops.documents import releases
from llmops.documents.targets import Answered, Question
from llmops.errors import InputRefused
from llmops.runtime.evaluation import serving
from llmops.runtime.prompt import prompt_of
from tests.adapters.targets.questions import a_config, a_question
from tests.examples.applications.models import AModel, a_model

ROOT = Path(__file__).parents[3]
APPLICATIONS = ("langgraph", "llamaindex", "haystack", "dspy")
ASKED = "How many days is an appraisal valid?"
SECTION = "appraisal#appraisal-age-and-transfers"

pytestmark = [pytest.mark.frameworks, pytest.mark.parametrize("application", APPLICATIONS)]


def candidate() -> releases.Release:
    """A release that is in no checkout: who sends it got it from the evaluation."""
    path = releases.path_of("mortgage-assistant", "1.3.1")
    shipped = releases.parse((ROOT / path).read_bytes(), path)
    first, *others = shipped.behaviour["messages"]
    messages = [{**first, "content": f"{first['content']} You are the candidate."}, *others]
    behaviour = {**shipped.behaviour, "messages": messages, "parameters": {"temperature": 0.25, "max_tokens": 77}}
    return replace(shipped, behaviour=behaviour, about={**shipped.about, "version": "9.0.0"})


@pytest.fixture
def model(monkeypatch, tmp_path) -> Iterator[AModel]:
    """Says which question it was asked; refuses what mentions a forbidden word."""

    def reply(body):
        question = body["messages"][-1]["content"].rpartition("Question: ")[2].partition("\n")[0]
        if "forbidden" in question:
            raise ValueError("this endpoint does not like the question")
        return f"You asked: {question}"

    monkeypatch.setenv("DSPY_CACHEDIR", str(tmp_path / "dspy"))
    monkeypatch.delenv("PROMPT_VERSION", raising=False)
    with a_model(reply) as running:
        monkeypatch.setenv("OPENAI_BASE_URL", running.address)
        monkeypatch.setenv("OPENAI_API_KEY", "made-for-this-test")
        yield running


async def evaluated(application: str, tmp_path: Path, *questions: Question) -> list[Answered]:
    """The answers of the application as an evaluation of the candidate gets them."""
    release = candidate()
    async with open_target(
        a_config(f"python:examples.applications.{application}_app:answer"),
        root=ROOT,
        cache_folder=tmp_path / "cache",
        behaviour=release.behaviour_digest,
        evalset="e" * 64,
        within=partial(serving, release),
    ) as target:
        return list(await asyncio.gather(*(target.answer(question) for question in questions)))


async def test_what_the_endpoint_refuses_is_that_cases_failure(application, model, tmp_path):
    with pytest.raises(InputRefused) as caught:
        await evaluated(application, tmp_path, a_question("bad", text="Is it forbidden?"))
    assert caught.value.code == "TARGET_FAILED"
    assert caught.value.where == "case bad"


async def test_what_is_sent_is_the_release_under_evaluation(application, model, tmp_path):
    (answer,) = await evaluated(application, tmp_path, a_question(text=ASKED))

    (sent,) = model.requests
    given = [{"id": name, "text": text} for name, text in zip(answer.context_ids, answer.contexts or (), strict=True)]
    assert sent["messages"] == prompt_of(candidate()).render(question=ASKED, contexts=given)
    assert {name: sent[name] for name in ("model", "temperature", "max_tokens")} == {
        "model": "smollm2-135m",
        "temperature": 0.25,
        "max_tokens": 77,
    }
    assert set(sent) <= {"model", "messages", "temperature", "max_tokens", "stream", "n"}


async def test_the_answer_comes_with_what_it_was_made_from(application, model, tmp_path):
    (answer,) = await evaluated(application, tmp_path, a_question(text=ASKED))

    assert answer.text == f"You asked: {ASKED}"
    assert answer.context_ids[0] == SECTION
    assert len(answer.context_ids) == len(answer.contexts or ()) == 2
    assert "120 days" in (answer.contexts or ("",))[0]
    assert (answer.input_tokens, answer.output_tokens) == (31, 9)


async def test_questions_at_once_do_not_mix(application, model, tmp_path):
    cases = (ROOT / "evalsets/mortgage-assistant/cases.jsonl").read_text(encoding="utf-8").splitlines()[:12]
    texts = [json.loads(case)["question"] for case in cases]

    found = await evaluated(application, tmp_path, *(a_question(f"c{n}", text=text) for n, text in enumerate(texts)))

    assert [each.text for each in found] == [f"You asked: {text}" for text in texts]
    assert len(model.requests) == 12
