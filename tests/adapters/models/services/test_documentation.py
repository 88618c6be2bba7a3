"""docs/models.md shows what works: every example is valid, and every service is in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from llmops.adapters.models import services
from llmops.adapters.models.asking import failures
from llmops.adapters.models.identities import identity
from llmops.documents import config
from llmops.documents.project import read_document
from llmops.documents.trees import MemoryTree

PAGE = Path(__file__).parents[4] / "docs" / "models.md"
TEXT = PAGE.read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def settings_of(example: str) -> config.Settings:
    document = read_document(MemoryTree({"llmops.yaml": example.encode()}), "llmops", "llmops.yaml")
    assert document is not None
    assert document.findings == ()
    return config.parse(document.value)


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.split("\n")[1].strip() for example in EXAMPLES])
def test_an_example_is_valid_and_its_models_have_an_address(example):
    models = settings_of(example).models
    assert models
    for model in models.values():
        assert identity(model)["provider"] == model.provider
        if model.provider != "embedded":
            assert (
                services.of(model).url("/chat/completions").endswith(("/chat/completions", "?api-version=2024-10-21"))
            )


def test_an_example_that_is_broken_would_be_found():
    with pytest.raises(AssertionError):
        settings_of("models:\n  a:\n    provider: openai\n    key_env: sk-not-a-name\n")


def test_every_service_has_an_example():
    shown = {model.provider for example in EXAMPLES for model in settings_of(example).models.values()}
    assert shown == set(config.PROVIDERS)


def test_every_field_of_a_model_is_explained():
    fields = {name for name in config.ModelConfig.__slots__ if name not in ("name", "window")}
    assert {name for name in fields if name not in TEXT} == set()


def test_defaults_are_the_real_ones():
    model = config.ModelConfig(name="a", provider="openai", model="a")
    assert f"`concurrency` ({model.concurrency})" in TEXT
    assert f"`timeout_seconds` ({model.timeout_seconds:g})" in TEXT


def test_every_code_that_a_complaint_ends_in_is_explained():
    for kind in services.Kind:
        if kind in (services.Kind.MEND, services.Kind.CONTENT_FILTER):
            continue
        trouble = failures.complained(400, services.Complaint(kind=kind, words="no")).trouble
        assert failures.last_word(trouble, where="a", attempts=1).code in TEXT
