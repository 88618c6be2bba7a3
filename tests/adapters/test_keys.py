from __future__ import annotations

import base64
import hashlib
import html
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.adapters.keys import HIDDEN, Secret, check_address, is_private, origin, read_secret, secret_of
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


def test_a_key_that_ends_as_an_escape_begins_is_hidden_whole():
    assert Secret(value="0" * 29 + "u").hide_in_answer("<" + "0" * 29 + "\\u0075>") == f"<{HIDDEN}>"


@given(st.binary(max_size=200))
def test_bytes_without_the_key_stay_as_they_are(data):
    assert Secret(value="\x01never-in-there\x02").hide_bytes(data) == data


def test_a_placeholder_is_no_secret_and_words_stay_whole():
    assert Secret(value="ollama").hide("ollama answers") == "ollama answers"


def test_a_secret_does_not_show_itself():
    assert KEY not in f"{Secret(value=KEY)!r} {Secret(value=KEY)}"


def escaped_somehow(key: str, data) -> str:
    """Every character in a way of its own."""
    ways = (
        str,
        lambda one: json.dumps(one)[1:-1],
        lambda one: f"\\u{ord(one):04x}",
        lambda one: f"\\\\u{ord(one):04X}",
        lambda one: f"%{ord(one):02x}",
        lambda one: f"%25{ord(one):02X}",
        lambda one: f"&#{ord(one)};",
        lambda one: f"&#x{ord(one):X};",
        html.escape,
        lambda one: html.escape(html.escape(one)),
    )
    return "".join(data.draw(st.sampled_from(ways))(one) for one in key)


# One that ends as an escape begins is hidden too, and leaves the rest of the escape.
PLAIN_KEYS = st.from_regex(r"[!-\[\]-~]{8,60}", fullmatch=True).filter(lambda key: key[-1] not in "&%")


@given(key=PLAIN_KEYS, data=st.data())
def test_a_key_whose_characters_are_escaped_in_any_mixture_is_hidden(key, data):
    written = escaped_somehow(key, data)
    assert Secret(value=key).hide_in_answer(f"<{written}>") == f"<{HIDDEN}>"
    assert Secret(value=key).hide_bytes(f"<{written}>".encode()) == f"<{HIDDEN}>".encode()


@given(key=KEYS, text=st.text(max_size=60), data=st.data())
def test_no_json_of_a_text_with_the_key_holds_it_when_read(key, text, data):
    at = data.draw(st.integers(0, len(text)))
    said = json.dumps(text[:at] + key + text[at:], ensure_ascii=data.draw(st.booleans()))
    for written in (said, "".join(f"\\u{ord(one):04x}" for one in key).join('""')):
        read = Secret(value=key).hide_in_answer(json.loads(written))
        assert key not in read
        assert key not in Secret(value=key).hide_bytes(written.encode("utf-8", "surrogatepass")).decode(
            "utf-8", "replace"
        )


@given(key=KEYS, before=st.binary(max_size=7), after=st.binary(max_size=7))
def test_a_key_within_base64_or_hexadecimal_digits_is_hidden(key, before, after):
    whole = before + key.encode() + after
    for written in (base64.b64encode(whole), base64.urlsafe_b64encode(whole), base64.b64encode(whole).rstrip(b"=")):
        hidden = Secret(value=key).hide_bytes(written)
        assert HIDDEN.encode() in hidden
        assert len(hidden) <= len(written) - len(key) * 4 // 3 + 4 + len(HIDDEN)
    for written in (key.encode().hex(), key.encode().hex().upper()):
        assert Secret(value=key).hide(f"<{written}>") == f"<{HIDDEN}>"


@given(cut=st.integers(8, len(KEY)), start=st.integers(0, 3))
def test_a_message_shows_no_piece_of_a_key(cut, start):
    said = Secret(value=KEY).hide(f"at http://x.example/a{KEY[start:cut]}/b")
    assert not any(KEY[at : at + 8] in said for at in range(len(KEY) - 7))


@given(before=st.integers(0, 90))
def test_an_excerpt_ends_before_what_may_be_a_cut_key(before):
    for said in (f"{'y' * before}{KEY}", f"{'y' * before}{KEY[:7]}", f"{'y' * before}{KEY[:4]}"):
        shown = Secret(value=KEY).excerpt(said, 80)
        assert not any(KEY[at : at + 4] in shown for at in range(len(KEY) - 3))
        assert len(shown) <= 80


def test_an_address_that_somebody_else_wrote_is_shown_without_what_may_quote_a_key():
    assert origin(f"https://user:{KEY}@x.example:8/{KEY[:-1]}?k={KEY}#{KEY}") == "https://x.example:8"
    assert (origin(f"/{KEY}"), origin(f"http://[{KEY}")) == ("", "an address that is none")
