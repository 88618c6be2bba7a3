from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.adapters.models import prices
from llmops.documents.config import ModelConfig, Prices


def a_model(provider="openai", model="gpt-4o-mini", **more):
    return ModelConfig(name="big", provider=provider, model=model, **more)


@pytest.mark.parametrize(
    "config",
    [
        a_model("vllm"),
        a_model("ollama"),
        a_model("openai", "no-such-model"),
        a_model("openai", base_url="http://127.0.0.1:8000/v1"),
        a_model("azure", "no-such-model", base_url="https://x.openai.azure.com"),
        a_model("huggingface", "meta-llama/Llama-3.3-70B-Instruct"),
        a_model("huggingface", "meta-llama/Llama-3.3-70B-Instruct:together", base_url="https://mine.example/v1"),
        a_model("vllm", priced_as="nobody/no-such-model"),
    ],
    ids=lambda config: f"{config.provider} {config.model} {config.base_url}{config.priced_as}",
)
def test_a_price_that_nobody_knows_is_none_and_not_0(config):
    assert prices.of(config) is None


def test_what_is_written_counts_before_what_is_published():
    own = Prices(input=1.0, output=2.0)
    assert prices.of(a_model(prices=own)) == own
    assert prices.of(a_model("vllm", prices=own, priced_as="gpt-4o-mini")) == own


def test_the_embedded_model_costs_nothing():
    assert prices.of(a_model("embedded")) == Prices()


@pytest.mark.parametrize(
    "config",
    [
        a_model(),
        a_model(base_url="https://api.openai.com/v1"),
        a_model("azure", base_url="https://x.openai.azure.com"),
        a_model("litellm", "openai/gpt-4o-mini", base_url="http://127.0.0.1:4000/v1"),
        a_model("vllm", "ours", priced_as="gpt-4o-mini"),
        a_model("azure", "ours", priced_as="openai/gpt-4o-mini"),
    ],
    ids=lambda config: f"{config.provider} {config.model} {config.priced_as}",
)
def test_a_published_price_is_that_of_the_package(config):
    import genai_prices

    found = prices.of(config)
    usage = genai_prices.Usage(input_tokens=1_000_000, output_tokens=100_000, cache_read_tokens=400_000)
    provider = config.provider if config.provider != "vllm" else "openai"
    expected = genai_prices.calc_price(usage, "gpt-4o-mini", provider_id=provider)
    nano = prices.nano_usd(found, input_tokens=1_000_000, output_tokens=100_000, cached_tokens=400_000)
    assert nano == round(expected.total_price * 10**9)


def test_a_price_of_an_embedding_model_has_no_output():
    found = prices.of(a_model(model="text-embedding-3-small"))
    assert (found.input > 0, found.output) == (True, 0.0)


def test_of_a_price_in_steps_the_first_counts():
    found = prices.of(a_model("vllm", priced_as="google/gemini-2.5-pro"))
    assert 0 < found.cached_input < found.input < found.output


def test_nothing_is_imported_for_a_price_that_is_written():
    code = (
        "import sys; from llmops.adapters.models import prices; "
        "from llmops.documents.config import ModelConfig, Prices;"
        "m = dict(name='a', provider='openai', model='b');"
        "prices.of(ModelConfig(**m, prices=Prices())); prices.of(ModelConfig(**{**m, 'provider': 'embedded'}));"
        "sys.exit('genai_prices' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_nothing_is_fetched():
    code = (
        "import socket; from llmops.adapters.models import prices; from llmops.documents.config import ModelConfig\n"
        "def refuse(*a, **k): raise AssertionError('a connection')\n"
        "socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse\n"
        "assert prices.of(ModelConfig(name='a', provider='openai', model='gpt-4o-mini'))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("own", "tokens", "expected"),
    [
        (Prices(input=2.5, output=10.0), (1000, 100, 0), 3_500_000),
        (Prices(input=2.5, output=10.0), (1000, 100, 400), 3_500_000),
        (Prices(input=2.5, output=10.0, cached_input=1.25), (1000, 100, 400), 3_000_000),
        (Prices(input=2.5, output=10.0, cached_input=0.0), (1000, 0, 5000), 0),
    ],
)
def test_money_is_counted_in_nano_dollars(own, tokens, expected):
    sent, answered, cached = tokens
    assert prices.nano_usd(own, input_tokens=sent, output_tokens=answered, cached_tokens=cached) == expected


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**7), st.floats(0, 100), st.floats(0, 100))
def test_a_discount_for_cached_tokens_never_makes_a_call_dearer(sent, answered, cached, price, discount):
    counts = {"input_tokens": sent, "output_tokens": answered, "cached_tokens": cached}
    full = prices.nano_usd(Prices(input=price, output=1.0), **counts)
    assert 0 <= prices.nano_usd(Prices(input=price, output=1.0, cached_input=min(price, discount)), **counts) <= full
