from __future__ import annotations

import hashlib
import html
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.adapters.keys import HIDDEN, Secret, check_address, is_private, read_secret, secret_of
from llmops.documents.config import ModelConfig
from llmops.errors import CannotAsk

KEY = "sk-test-0123456789abcdef"
KEYS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=80)


def a_model(**changes):
    return ModelConfig(name="big", provider="openai", model="big-1", **changes)


@pytest.mark.parametrize("environ", [{}, {"BIG_KEY": ""}, {"BIG_KEY": " \n"}], ids=["unset", "empty", "blank"])
def test_a_variable_without_a_value_is_refused_by_name(environ):
    with pytest.raises(CannotAsk) as caught:
        secret_of(a_model(key_env="BIG_KEY"), environ)
    assert caught.value.code == "KEY_MISSING"
    assert "BIG_KEY" in caught.value.what


@pytest.mark.parametrize("key", ["sk-secret\nX-Other: 1", "sk-secret-ü", "sk-\x7fsecret", "Bearer sk-secret"])
def test_a_key_that_no_header_carries_is_refused_and_not_quoted(key):
    with pytest.raises(CannotAsk) as caught:
        read_secret("model 'big'", "BIG_KEY", {"BIG_KEY": key})
    assert caught.value.code == "KEY_INVALID"
    assert "secret" not in f"{caught.value.what}{caught.value.hint}"


def test_a_token_goes_before_a_key_and_a_key_stands_in_for_a_token_that_is_not_set():
    both = a_model(key_env="BIG_KEY", token_env="BIG_TOKEN")
    assert secret_of(both, {"BIG_KEY": "k", "BIG_TOKEN": "t"}) == Secret(value="t", is_token=True)
    assert secret_of(both, {"BIG_KEY": "k"}) == Secret(value="k")
    with pytest.raises(CannotAsk) as caught:
        secret_of(a_model(token_env="BIG_TOKEN"), {"BIG_KEY": "k"})
    assert "its token in BIG_TOKEN" in caught.value.what


def test_a_model_that_names_no_variable_has_no_key():
    assert secret_of(a_model(), {"OPENAI_API_KEY": KEY}) is None


@pytest.mark.parametrize(
    "address",
    [
        "http://models.example/v1",
        "http://8.8.8.8/v1",
        "http://172.32.0.1/v1",
        "http://169.254.169.254/v1",
        "http://134744072/v1",  # 8.8.8.8 as one number
        "http://0x08080808/v1",
        "http://127.1.evil.example/v1",
        "http://evil.example\\.local/v1",
        "http://evil。example/v1",
        "http://local.example/v1",
        "http://[2001:db8::1]/v1",
        "ftp://127.0.0.1/v1",
        "127.0.0.1/v1",
    ],
)
def test_a_key_does_not_cross_the_world_unencrypted(address):
    with pytest.raises(CannotAsk) as caught:
        check_address("model 'big'", address)
    assert caught.value.code == "INSECURE_ADDRESS"
    assert "https://" in caught.value.hint


@pytest.mark.parametrize(
    "address",
    [
        "https://models.example/v1",
        "http://127.0.0.1:8000/v1",
        "http://[::1]:8000/v1",
        "http://[fd00::1]/v1",
        "http://10.0.0.7/v1",
        "http://172.16.0.1/v1",
        "http://192.168.1.2/v1",
        "http://localhost:11434/v1",
        "http://vllm:8000/v1",
        "http://gpu-1.local/v1",
        "http://models.internal./v1",
        "http://vllm.team.svc.cluster.local/v1",
        "http://vllm.team.svc/v1",
    ],
)
def test_a_key_goes_to_https_this_machine_and_private_networks(address):
    check_address("model 'big'", address)


@given(st.ip_addresses(v=4))
def test_no_public_address_counts_as_private(address):
    assert not (is_private(str(address)) and address.is_global)


@given(key=KEYS, before=st.text(max_size=20), after=st.text(max_size=20))
def test_a_quoted_key_is_hidden_in_every_form(key, before, after):
    secret = Secret(value=key)
    digest = hashlib.sha256(key.encode()).hexdigest()
    for form in (key, json.dumps(key), html.escape(key), quote(key), quote(key, safe=""), digest):
        hidden = secret.hide(f"{before}{form}{after}")
        assert (HIDDEN in hidden, key in hidden, digest in hidden) == (True, False, False)


@pytest.mark.parametrize("masked", ["sk-test-****cdef", "sk-t...cdef", "sk-…cdef", "sk-test-0123**********"])
def test_a_masked_key_is_hidden_too(masked):
    assert Secret(value=KEY).hide(f"Incorrect API key provided: {masked}.") == f"Incorrect API key provided: {HIDDEN}"


@given(st.binary(max_size=200))
def test_bytes_without_the_key_stay_as_they_are(data):
    assert Secret(value="\x01never-in-there\x02").hide_bytes(data) == data


def test_a_placeholder_is_no_secret_and_words_stay_whole():
    assert Secret(value="ollama").hide("ollama answers") == "ollama answers"


def test_a_secret_does_not_show_itself():
    assert KEY not in f"{Secret(value=KEY)!r} {Secret(value=KEY)}"
