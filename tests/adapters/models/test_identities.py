from __future__ import annotations

from dataclasses import replace

import pytest

from llmops.adapters.models.identities import embedding_identity, identity
from llmops.documents.config import ModelConfig, Prices
from llmops.errors import CannotAsk

AZURE = ModelConfig(
    name="big",
    provider="azure",
    model="gpt-4o",
    base_url="https://us.openai.azure.com/openai/v1/",
    deployment="ours",
    api_version="2024-10-21",
)


@pytest.mark.parametrize("provider", ["azure", "vllm", "litellm"])
def test_a_service_without_an_address_of_its_own_has_none_without_base_url(provider):
    with pytest.raises(CannotAsk) as caught:
        identity(ModelConfig(name="big", provider=provider, model="m"))
    assert caught.value.code == "MODEL_ADDRESS"
    assert "base_url: http" in caught.value.hint


@pytest.mark.parametrize(
    "address", ["ftp://host/v1", "http:///v1", "http://[::1", "http://h:99999/v1", "models.example"]
)
def test_what_is_no_address_has_no_identity(address):
    with pytest.raises(CannotAsk) as caught:
        identity(ModelConfig(name="big", provider="openai", model="m", base_url=address))
    assert caught.value.code == "MODEL_ADDRESS"


@pytest.mark.parametrize(
    ("provider", "endpoint"),
    [
        ("openai", "https://api.openai.com/v1"),
        ("ollama", "http://127.0.0.1:11434/v1"),
        ("huggingface", "https://router.huggingface.co/v1"),
    ],
)
def test_a_service_with_an_address_of_its_own_is_named_by_it(provider, endpoint):
    model = ModelConfig(name="big", provider=provider, model="m")
    assert identity(model) == {"provider": provider, "model": "m", "endpoint": endpoint}


def test_azure_is_named_by_deployment_and_version():
    assert identity(AZURE) == {
        "provider": "azure",
        "model": "gpt-4o",
        "endpoint": "https://us.openai.azure.com",
        "deployment": "ours",
        "api_version": "2024-10-21",
    }
    assert identity(replace(AZURE, deployment=""))["deployment"] == "gpt-4o"


@pytest.mark.parametrize(
    "change", [{"deployment": "x"}, {"api_version": ""}, {"base_url": "https://eu.x"}, {"model": "x"}]
)
def test_what_may_change_answers_changes_the_identity(change):
    assert identity(replace(AZURE, **change)) != identity(AZURE)


def test_what_does_not_change_answers_does_not():
    other = replace(
        AZURE, name="b", key_env="K", token_env="T", prices=Prices(), concurrency=1, timeout_seconds=1.0, window=9
    )
    assert identity(other) == identity(AZURE)


def test_the_embedding_model_of_an_endpoint_is_named_as_it_is_and_else_the_encoder():
    assert embedding_identity(AZURE) == identity(AZURE)
    embedded = embedding_identity(ModelConfig(name="e", provider="embedded", model="e"))
    assert embedded == embedding_identity()
    assert embedded["model"] == "all-MiniLM-L6-v2"
