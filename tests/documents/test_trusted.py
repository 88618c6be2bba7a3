from __future__ import annotations

from dataclasses import replace

import pytest

from llmops.documents.config import JudgeConfig, MetricConfig, ModelConfig, Prices, Settings, TargetConfig
from llmops.documents.trusted import check_trust, differences
from llmops.errors import CannotAsk


def a_model(**changes):
    values = {"provider": "openai", "model": "big-1", "base_url": "https://models.example/v1", "key_env": "BIG_KEY"}
    return ModelConfig(name="big", **{**values, **changes})


def settings(*models, targets=(), metrics=(), judges=()):
    return Settings(
        models={model.name: model for model in models},
        targets={target.name: target for target in targets},
        metrics={metric.name: metric for metric in metrics},
        judges={judge.name: judge for judge in judges},
    )


def refusal(working, trusted):
    with pytest.raises(CannotAsk) as caught:
        check_trust(working, trusted)
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
        {"model": "big-2"},
        {"prices": Prices()},
        {"priced_as": "small-1"},
    ],
    ids=str,
)
def test_whatever_says_who_is_told_has_to_be_the_trusted_one(change):
    (field,) = change
    assert f"models.big.{field}" in refusal(settings(a_model(**change)), settings(a_model()))


def test_another_key_for_a_trusted_address_is_refused():
    what = refusal(settings(a_model(key_env="PROD_KEY")), settings(a_model()))
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


@pytest.mark.parametrize("address", ["https://evil.example/ask", "http://127.0.0.1:9/ask", "python:evil:run"])
@pytest.mark.parametrize("key_env", ["", "BIG_KEY"])
def test_every_target_has_the_trusted_address(address, key_env):
    target = TargetConfig(name="app", address=address, key_env=key_env)
    trusted = settings(targets=[replace(target, address="python:app:answer")])
    assert f"targets.app.address is {address}" in refusal(settings(targets=[target]), trusted)
    assert "nothing of that name" in refusal(settings(targets=[target]), settings())
    check_trust(settings(targets=[replace(target, concurrency=64, timeout_seconds=1.0)]), settings(targets=[target]))


A_JUDGE = JudgeConfig(name="fair", kind="ragas", model="big", finders=("presidio",), parameters={"seed": 1})


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "native"},
        {"model": "mine"},
        {"embeddings": "mine"},
        {"classifier": "mine"},
        {"finders": ()},
        {"parameters": {"seed": 1, "logit_bias": {"1": 100}}},
    ],
    ids=str,
)
def test_a_judge_is_the_trusted_one_in_every_field(change):
    (field,) = change
    working = settings(judges=[replace(A_JUDGE, **change)])
    assert f"judges.fair.{field} is" in refusal(working, settings(judges=[A_JUDGE]))
    assert "nothing of that name" in refusal(working, settings())


@pytest.mark.parametrize(
    ("deployment", "model"), [("ours", "big-2"), ("", "theirs"), ("theirs", "big-1")], ids=["model", "none", "other"]
)
def test_azure_asks_the_trusted_deployment_whatever_names_it(deployment, model):
    trusted = a_model(provider="azure", deployment="ours")
    working = replace(trusted, deployment=deployment, model=model)
    assert "models.big." in refusal(settings(working), settings(trusted))
    same = replace(trusted, deployment="", model="ours")
    assert [each.field for each in differences(settings(same), settings(trusted))] == ["model"]


def test_a_new_embedded_model_is_asked_nowhere_and_one_that_replaces_a_trusted_one_is_refused():
    embedded = ModelConfig(name="big", provider="embedded", model="smollm2", prices=Prices())
    check_trust(settings(embedded), settings())
    assert "models.big.provider is embedded" in refusal(settings(embedded), settings(a_model()))
    assert "models.big.provider is openai" in refusal(settings(a_model()), settings(embedded))


def test_what_is_left_out_asks_nothing():
    check_trust(settings(), settings(a_model(), judges=[A_JUDGE]))


@pytest.mark.parametrize("kind", ["plugin", "promptfoo", "deepeval"])
def test_a_metric_has_the_trusted_source_and_options_with_and_without_secrets(kind):
    trusted = MetricConfig(name="tone", kind=kind, source="tone", options={"depth": 1})
    for change in ({"source": "evil"}, {"options": {"depth": 1, "shell": "id"}}):
        what = refusal(settings(metrics=[replace(trusted, **change)]), settings(metrics=[trusted]))
        assert f"metrics.tone.{next(iter(change))}" in what


def test_without_a_trusted_configuration_everything_is_trusted():
    check_trust(settings(a_model(base_url="https://new.example/v1")), None)


def test_the_trusted_configuration_itself_is_trusted():
    own = settings(a_model(), targets=[TargetConfig(name="app", address="python:app:answer")])
    assert differences(own, own) == ()


def test_a_model_without_a_key_has_the_trusted_address_too():
    keyless = a_model(key_env="")
    for changed in (replace(keyless, base_url="http://127.0.0.1:8000/v1"), replace(keyless, name="new")):
        assert f"models.{changed.name}.base_url" in refusal(settings(changed), settings(keyless))


def test_how_much_is_asked_is_free():
    changed = a_model(
        concurrency=64,
        timeout_seconds=5.0,
        window=4096,
        requests_per_minute=10,
        tokens_per_minute=10,
        stream=True,
        hedge_after_seconds=1.0,
    )
    check_trust(settings(changed), settings(a_model()))
