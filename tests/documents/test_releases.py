from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from llmops.documents import releases
from llmops.documents.releases import Release
from llmops.errors import CannotAsk


def a_release(version: str = "1.2.0", role: str = "system", **behaviour: Any) -> Release:
    parts = {"messages": [{"role": role, "content": "Answer."}], "model": "smollm2", "parameters": {"temperature": 0.2}}
    return Release(
        behaviour={**parts, **behaviour},
        bars={"evalset": {"name": "loans", "digest": "0" * 64}},
        about={"name": "support", "version": version, "base": "1.1.0"},
    )


PATH = "releases/support/1.2.0.json"


@pytest.mark.parametrize(
    ("data", "path"),
    [
        (a_release().data + b" ", PATH),
        (a_release().data.replace(b"0.2", b"0.20"), PATH),
        (a_release().data.replace(b'"model"', b'"modal"', 1).replace(b"{\n", b"{ \n", 1), PATH),
        (a_release().data, "releases/support/1.3.0.json"),
        (b'{"behaviour": {}, "bars": {}}', PATH),
        (b"[]", PATH),
        (b"\xff", PATH),
        (b"[" * 100_000, PATH),
        (b"", PATH),
    ],
)
def test_bytes_that_lock_did_not_write_are_no_release(data: bytes, path: str) -> None:
    with pytest.raises(CannotAsk) as refusal:
        releases.parse(data, path)

    assert refusal.value.code == "RELEASE_INVALID"
    assert refusal.value.where == path


@pytest.mark.parametrize(
    "changes",
    [
        {"bars": {}},
        {"bars": {"evalset": None}},
        {"bars": {"evalset": {"name": 5, "digest": "0" * 64}}},
        {"behaviour": {"messages": []}},
        {"behaviour": {"model": "m", "messages": ["text"]}},
        {"behaviour": {"model": "m", "messages": [{"role": None}]}},
    ],
)
def test_a_frozen_file_that_lacks_what_records_need_is_no_release(changes: dict[str, Any]) -> None:
    data = replace(a_release(), **changes).data

    with pytest.raises(CannotAsk) as refusal:
        releases.parse(data, PATH)

    assert refusal.value.code == "RELEASE_INVALID"


def test_a_further_part_is_refused() -> None:
    data = a_release().data.replace(b'{\n  "about"', b'{\n  "aaa": 1,\n  "about"', 1)

    with pytest.raises(CannotAsk, match="not a release"):
        releases.parse(data, PATH)


def test_a_release_reads_back_as_written() -> None:
    release = a_release()

    assert releases.parse(release.data, PATH) == release


def test_the_digest_is_the_sha256_of_the_file() -> None:
    release = a_release()

    assert release.digest == hashlib.sha256(release.data).hexdigest()


def test_renumbering_changes_the_release_and_not_the_behaviour() -> None:
    old, new = a_release("1.2.0"), a_release("1.2.1")

    assert old.digest != new.digest
    assert old.behaviour_digest == new.behaviour_digest


def test_one_changed_word_changes_the_behaviour() -> None:
    assert a_release().behaviour_digest != a_release(model="gpt-4o").behaviour_digest


@pytest.mark.parametrize(("role", "is_system"), [("system", True), ("user", False)])
def test_the_class_is_computed_from_the_behaviour(role: str, is_system: bool) -> None:
    assert a_release(role=role, labels=["system"]).is_system is is_system


def test_a_release_tells_what_it_was_made_from_and_for() -> None:
    release = a_release()

    assert (release.name, release.version, release.base, release.model) == ("support", "1.2.0", "1.1.0", "smollm2")
    assert (release.evalset, release.evalset_digest) == ("loans", "0" * 64)
