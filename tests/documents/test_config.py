from __future__ import annotations

from llmops.documents import config


def test_nothing_gives_defaults() -> None:
    settings = config.parse({})

    assert (settings.models, settings.judges, settings.governance) == ({}, {}, None)
    assert settings.judge_names == ("embedded-lexical",)


def test_an_unknown_model_has_neither_place_nor_price() -> None:
    settings = config.parse({"models": {"smollm2": {"provider": "embedded"}}})

    assert settings.model("gpt-4o") is None
    assert settings.prices_of("gpt-4o") is None


def test_the_embedded_model_has_its_window_and_costs_nothing() -> None:
    model = config.parse({"models": {"smollm2": {"provider": "embedded"}}}).model("smollm2")

    assert model == config.ModelConfig(
        name="smollm2", provider="embedded", model="smollm2", window=2048, prices=config.Prices(input=0.0, output=0.0)
    )


def test_an_endpoint_is_taken_as_written() -> None:
    written = {
        "provider": "openai",
        "model": "gpt-4o-2024-11-20",
        "base_url": "https://api.openai.com/v1",
        "key_env": "OPENAI_API_KEY",
        "prices": {"input": 2.5},
        "context_window": 128000,
        "timeout_seconds": 30,
        "concurrency": 4,
    }
    settings = config.parse({"models": {"gpt-4o": written}})

    assert settings.model("gpt-4o") == config.ModelConfig(
        name="gpt-4o",
        provider="openai",
        model="gpt-4o-2024-11-20",
        base_url="https://api.openai.com/v1",
        key_env="OPENAI_API_KEY",
        window=128000,
        prices=config.Prices(input=2.5, output=0.0),
        timeout_seconds=30,
        concurrency=4,
    )
    assert settings.prices_of("gpt-4o") == config.Prices(input=2.5, output=0.0)


def test_policy_is_handed_on_as_written_and_judges_are_named() -> None:
    value = {
        "governance": {"base_branch": "main"},
        "judges": {"lexical": {"kind": "embedded-lexical"}},
    }
    settings = config.parse(value)

    assert settings.governance == {"base_branch": "main"}
    assert settings.judge_names == ("embedded-lexical", "lexical")
