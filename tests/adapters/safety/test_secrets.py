import random
import socket
from importlib import metadata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.adapters.safety.secrets import detect_secrets_finder
from llmops.errors import CannotAsk
from llmops.evaluation.scoring.safety import safety


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*_):
        raise AssertionError("a finder asked the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def made_up(length: int, alphabet: str = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789") -> str:
    return "".join(random.Random(7).choices(alphabet, k=length))


def test_without_the_package_it_says_what_to_install(monkeypatch):
    def absent(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", absent)
    with pytest.raises(CannotAsk) as caught:
        detect_secrets_finder()
    assert caught.value.code == "EXTRA_MISSING"
    assert "pip install detect-secrets" in caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "Set your password: it must have twelve characters. Never tell your password.",
        "The digest is 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'.",
        "api_key = 'YOUR_API_KEY_HERE_1234567890'",
        "token: 550e8400-e29b-41d4-a716-446655440000",
        "secret = '{{ secret_from_vault_2 }}'",
        "The server answers at 8.8.8.8.",
        "APCalculusAB and APPhysicsMechanics are courses.",
        "",
    ],
)
def test_prose_digests_and_placeholders_are_no_secrets(text):
    assert detect_secrets_finder()(text) == ()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"secret_token = '{made_up(40)}'", "base64-high-entropy-string"),
        (f"api_key: '{made_up(48, '0123456789abcdef')}'", "hex-high-entropy-string"),
        ("AC" + made_up(32, "0123456789abcdef"), "twilio-api-key"),
        (made_up(32, "0123456789abcdef") + "-us12", "mailchimp-access-key"),
        ("ghp_" + made_up(36), "github-token"),
    ],
)
def test_secrets_are_found_where_they_stand(text, kind):
    whole = f"first line\r\nsecond: {text}\n"
    hits = detect_secrets_finder()(whole)
    assert [hit.kind for hit in hits] == [kind]
    assert whole[hits[0].start : hits[0].end] == hits[0].text


def test_the_safety_rule_names_what_only_the_finder_sees():
    answer = f"secret_token = '{made_up(40)}'"
    assert safety(answer).value == 1
    score = safety(answer, finders=(detect_secrets_finder(),))
    assert score.value == 0
    assert score.reason.startswith("secret: base64-high-entropy-string ")
    assert made_up(40) not in score.reason


def test_what_both_find_is_named_once():
    score = safety("ghp_" + made_up(36), finders=(detect_secrets_finder(),))
    assert score.reason.count("secret:") == 1


@given(st.text(max_size=200))
def test_any_text_can_be_searched(text):
    assert all(text[hit.start : hit.end] == hit.text for hit in detect_secrets_finder()(text))
