"""What names a built index."""

from __future__ import annotations

import pytest

from llmops.documents.freezing import freeze
from llmops.retrieval import manifest
from llmops.retrieval.passages import Passage

PASSAGES = (Passage(id="a#b", text="One."), Passage(id="c#d", text="Two."))


def config(**fields):
    return freeze.retrieval_of({"sources": ["knowledge"], **fields})


CHOOSING = (
    {"sources": ["elsewhere"]},
    {"retrieval": {"top_k": 9}},
    {"retrieval": {"score_threshold": 0.5}},
    {"context": {"max_tokens": 9}},
    {"index": {"name": "nice"}},
)
SHAPING = (
    {"loader": "html"},
    {"chunking": {"size": 9}},
    {"chunking": {"overlap": 9}},
    {"chunking": {"strategy": "fixed"}},
    {"embedding": {"model": "other"}},
    {"index": {"backend": "other"}},
    {"retrieval": {"strategy": "sparse"}},
    {"pii": {"action": "redact"}},
)


@pytest.mark.parametrize("fields", CHOOSING, ids=str)
def test_fields_that_choose_among_passages_share_an_index(fields):
    assert manifest.config_digest(config(**fields)) == manifest.config_digest(config())


@pytest.mark.parametrize("fields", SHAPING, ids=str)
def test_fields_that_shape_an_index_name_another(fields):
    assert manifest.config_digest(config(**fields)) != manifest.config_digest(config())


OTHER_KNOWLEDGE = (
    PASSAGES[::-1],
    PASSAGES[:1],
    (*PASSAGES, PASSAGES[0]),
    (Passage(id="a#x", text="One."), PASSAGES[1]),
    (Passage(id="a#b", text="One!"), PASSAGES[1]),
    (),
)


@pytest.mark.parametrize("passages", OTHER_KNOWLEDGE)
def test_other_knowledge_has_another_digest(passages):
    assert manifest.knowledge_digest(passages) != manifest.knowledge_digest(PASSAGES)


def test_scores_are_no_knowledge():
    scored = tuple(Passage(id=each.id, text=each.text, score=0.5) for each in PASSAGES)
    assert manifest.knowledge_digest(scored) == manifest.knowledge_digest(PASSAGES)


def test_index_is_named_by_config_and_knowledge_together():
    made = manifest.manifest(config(), PASSAGES)
    assert (made.config, made.knowledge) == (manifest.config_digest(config()), manifest.knowledge_digest(PASSAGES))
    assert made.passages == 2
    others = (manifest.manifest(config(loader="html"), PASSAGES), manifest.manifest(config(), PASSAGES[:1]))
    assert len({made.index, *(other.index for other in others)}) == 3
