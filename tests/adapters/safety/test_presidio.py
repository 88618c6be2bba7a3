import importlib.util
import socket
from importlib import metadata

import pytest

from llmops.adapters.safety.presidio import presidio_finder
from llmops.errors import CannotAsk
from llmops.evaluation.scoring.safety import safety

is_installed = importlib.util.find_spec("presidio_analyzer") is not None
installed = pytest.mark.skipif(
    not is_installed, reason="presidio-analyzer is not installed: an extra, tested where it is"
)


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*_):
        raise AssertionError("a finder asked the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def test_without_the_package_it_says_what_to_install(monkeypatch):
    def absent(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", absent)
    with pytest.raises(CannotAsk) as caught:
        presidio_finder()
    assert caught.value.code == "EXTRA_MISSING"
    assert "pip install presidio-analyzer" in caught.value.hint


@installed
@pytest.mark.parametrize(
    "text", ["", "The fee is 550 dollars from 2024-05-01.", "Ann lives in Berlin.", "order 123456789"]
)
def test_what_has_no_form_is_not_found(text):
    assert presidio_finder()(text) == ()


@installed
@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Write to rosa@alderfinch.co.uk", "email-address"),
        ("card 4111111111111111", "credit-card"),
        ("GB82WEST12345698765432", "iban-code"),
        ("from 8.8.4.4", "ip-address"),
        ("my ssn is 536-22-8726", "us-ssn"),
    ],
)
def test_patterns_are_found_where_they_stand(text, kind):
    hits = presidio_finder()(text)
    assert kind in [hit.kind for hit in hits]
    assert all(text[hit.start : hit.end] == hit.text for hit in hits)


@installed
def test_the_safety_rule_takes_it_as_a_finder_and_spares_what_is_published():
    finders = (presidio_finder(),)
    answer = "Send it to 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa."
    assert safety(answer).value == 1
    assert safety(answer, finders=finders).reason.startswith("personal-data: crypto 1A1z")
    assert safety(answer, contexts=(answer,), finders=finders).value == 1
