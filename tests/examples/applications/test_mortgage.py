"""What the applications share: the sections under the ids that the evalset knows, and which prompt is asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from examples.applications import mortgage
from llmops.retrieval import chunking
from llmops.runtime.errors import RecordsMissing
from llmops.runtime.evaluation import serving
from tests.runtime.checkouts import a_locked

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def of_this_repository(monkeypatch):
    monkeypatch.setenv("LLMOPS_ROOT_DIR", str(ROOT))
    monkeypatch.delenv("PROMPT_VERSION", raising=False)
    monkeypatch.delenv("PROMPT_ENVIRONMENT", raising=False)


def test_where_nothing_is_promoted_it_says_so():
    with pytest.raises(RecordsMissing):
        mortgage.prompt()


def test_the_sections_are_those_of_the_evalset():
    pages = [chunking.page_of(str(page), page.read_text(encoding="utf-8")) for page in mortgage.PAGES.glob("*.md")]
    passages = chunking.chunk(pages, chunking.Chunking(size=10_000))
    assert {each.id: each.text for each in mortgage.sections()} == {each.id: each.text for each in passages}


def test_every_relevant_section_is_there():
    cases = (ROOT / "evalsets/mortgage-assistant/cases.jsonl").read_text(encoding="utf-8").splitlines()
    relevant = {name for case in cases for name in json.loads(case).get("relevant", ())}
    assert relevant <= {each.id for each in mortgage.sections()}


@pytest.mark.parametrize("version", ["1.3.1", "working"])
def test_a_version_can_be_asked_for(monkeypatch, version):
    monkeypatch.setenv("PROMPT_VERSION", version)
    assert mortgage.prompt().name == "mortgage-assistant"


def test_under_evaluation_it_is_the_candidate():
    candidate = a_locked("9.0.0", prompt_name="mortgage-assistant")
    with serving(candidate):
        assert mortgage.prompt().digest == candidate.digest
