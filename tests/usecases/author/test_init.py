"""init: writes a repository that validates, and touches nothing that is there."""

from __future__ import annotations

import pytest

from llmops.errors import CannotAsk, Refusal
from llmops.usecases.author import init, validate
from llmops.usecases.release import policy
from tests.fakes import FakeRepository, FakeSigner

REQUEST = init.Request(profile="solo")


def run(repository: FakeRepository, request: init.Request = REQUEST) -> object:
    return init.run(repository, request, find_signer=lambda: FakeSigner("ada"))


def test_what_init_writes_validates_and_is_a_policy() -> None:
    repository = FakeRepository()
    run(repository)
    assert validate.run(repository.work_tree(), ()).findings == ()
    assert policy.check(repository.work_tree()).policy.person("ada") is not None


def test_init_needs_no_commit_and_makes_none() -> None:
    repository = FakeRepository()
    run(repository)
    assert (repository.refs, repository.index) == ({}, {})


def test_a_file_that_is_there_stops_everything_before_a_key_is_made() -> None:
    repository = FakeRepository()
    repository.write("llmops.yaml", b"mine\n")

    def never() -> FakeSigner:
        raise AssertionError("no key is made by a command that is refused")

    with pytest.raises(Refusal) as caught:
        init.run(repository, REQUEST, find_signer=never)
    assert (caught.value.code, caught.value.details) == ("FILES_EXIST", ("llmops.yaml",))
    assert repository.folder == {"llmops.yaml": b"mine\n"}


def test_gitignore_is_kept_and_added_to() -> None:
    repository = FakeRepository()
    repository.write(".gitignore", b"*.pyc")
    run(repository)
    lines = repository.folder[".gitignore"].decode().splitlines()
    assert lines[0] == "*.pyc"
    assert "/.llmops/" in lines


def test_nobody_is_no_policy() -> None:
    repository = FakeRepository(settings={})
    with pytest.raises(CannotAsk) as caught:
        run(repository)
    assert caught.value.code == "NO_IDENTITY"
    assert repository.folder == {}


def test_a_dry_run_lists_and_writes_nothing() -> None:
    repository = FakeRepository()
    assert "llmops.yaml" in run(repository, init.Request(profile="solo", is_dry_run=True)).files
    assert repository.folder == {}


@pytest.mark.parametrize("name", ['A"da', "Ada: {x}", "ada\nroot: true", "Zoë", "日本"])
def test_any_name_makes_a_policy_that_parses(name: str) -> None:
    repository = FakeRepository(settings={"user.name": name, "user.email": "a@example.org"})
    run(repository)
    assert policy.check(repository.work_tree()).policy.people
