from __future__ import annotations

from dataclasses import fields, replace

import pytest

from llmops.documents.config import MetricConfig, ModelConfig, Prices, Settings, TargetConfig
from llmops.documents.trusted import check_trust, differences
from llmops.errors import CannotAsk

KEYS = {"BIG_KEY"}


def a_model(**changes):
    values = {"provider": "openai", "model": "big-1", "base_url": "https://models.example/v1", "key_env": "BIG_KEY"}
    return ModelConfig(name="big", **{**values, **changes})


def settings(*models, targets=(), metrics=()):
    return Settings(
        models={model.name: model for model in models},
        targets={target.name: target for target in targets},
        metrics={metric.name: metric for metric in metrics},
    )


def refusal(working, trusted, names=KEYS):
    with pytest.raises(CannotAsk) as caught:
        check_trust(working, trusted, names)
    assert caught.value.code == "UNTRUSTED_ENDPOINT"
    return caught.value.what


def test_a_key_does_not_go_to_another_address_and_the_message_names_both():
    what = refusal(settings(a_model(base_url="https://evil.example/v1")), settings(a_model()))
    assert "models.big.base_url is https://evil.example/v1, trusted is https://models.example/v1" in what


@pytest.mark.parametrize(
    "change",
    [
        {"base_url": ""},
        {"base_url": "http://models.example/v1"},
        {"provider": "azure"},
        {"token_env": "OTHER_TOKEN"},
        {"deployment": "other"},
        {"api_version": "2020-01-01"},
    ],
    ids=str,
)
def test_whatever_says_who_is_told_has_to_be_the_trusted_one(change):
    (field,) = change
    assert f"models.big.{field}" in refusal(settings(a_model(**change)), settings(a_model()))


def test_another_key_for_a_trusted_address_is_refused():
    what = refusal(settings(a_model(key_env="PROD_KEY")), settings(a_model()), {"PROD_KEY"})
    assert "models.big.key_env is PROD_KEY, trusted is BIG_KEY" in what


def test_a_new_model_with_a_key_is_refused():
    assert "nothing of that name" in refusal(settings(a_model()), settings())


def test_a_renamed_model_with_a_key_is_refused():
    renamed = replace(a_model(base_url="https://evil.example/v1"), name="big2")
    assert "models.big2" in refusal(settings(a_model(), renamed), settings(a_model()))


def test_every_difference_is_reported_at_once():
    working = settings(
        a_model(base_url="https://evil.example/v1"),
        targets=[TargetConfig(name="app", address="python:evil:run")],
        metrics=[MetricConfig(name="tone", kind="plugin", source="evil")],
    )
    trusted = settings(
        a_model(),
        targets=[TargetConfig(name="app", address="python:app:answer")],
        metrics=[MetricConfig(name="tone", kind="plugin", source="tone")],
    )
    what = refusal(working, trusted)
    assert [place in what for place in ("models.big", "targets.app", "metrics.tone")] == [True] * 3


@pytest.mark.parametrize(
    ("target", "names"),
    [
        (TargetConfig(name="app", address="https://evil.example/ask", key_env="BIG_KEY"), KEYS),
        (TargetConfig(name="app", address="python:evil:run"), frozenset()),
    ],
    ids=["given a key", "code"],
)
def test_a_target_with_a_key_and_one_that_is_code_have_the_trusted_address(target, names):
    trusted = settings(targets=[replace(target, address="python:app:answer")])
    assert f"targets.app.address is {target.address}" in refusal(settings(targets=[target]), trusted, names)


@pytest.mark.parametrize("kind", ["plugin", "promptfoo", "deepeval"])
def test_a_metric_has_the_trusted_source_and_options_with_and_without_secrets(kind):
    trusted = MetricConfig(name="tone", kind=kind, source="tone", options={"depth": 1})
    for change in ({"source": "evil"}, {"options": {"depth": 1, "shell": "id"}}):
        what = refusal(settings(metrics=[replace(trusted, **change)]), settings(metrics=[trusted]), frozenset())
        assert f"metrics.tone.{next(iter(change))}" in what


def test_without_a_trusted_configuration_everything_is_trusted():
    check_trust(settings(a_model(base_url="https://new.example/v1")), None, KEYS)


def test_the_trusted_configuration_itself_is_trusted():
    own = settings(a_model(), targets=[TargetConfig(name="app", address="python:app:answer")])
    assert differences(own, own, KEYS) == ()


def test_a_model_without_a_secret_may_be_anywhere():
    keyless = a_model(key_env="", base_url="http://127.0.0.1:8000/v1")
    check_trust(settings(keyless), settings(a_model()), KEYS)
    check_trust(settings(a_model(base_url="https://new.example/v1")), settings(a_model()), frozenset())


def test_how_much_is_asked_is_free():
    changed = a_model(
        model="big-2",
        concurrency=64,
        timeout_seconds=5.0,
        prices=Prices(input=1.0),
        priced_as="gpt-4o",
        window=4096,
        requests_per_minute=10,
        tokens_per_minute=10,
        stream=True,
        hedge_after_seconds=1.0,
    )
    check_trust(settings(changed), settings(a_model()), KEYS)


def test_every_field_of_a_model_is_either_compared_or_known_to_be_free():
    free = {"name", "model", "concurrency", "timeout_seconds", "prices", "priced_as", "window"}
    free |= {"requests_per_minute", "tokens_per_minute", "max_output_tokens", "stream", "hedge_after_seconds"}
    compared = {"provider", "base_url", "key_env", "token_env", "deployment", "api_version"}
    assert {field.name for field in fields(ModelConfig)} == free | compared
