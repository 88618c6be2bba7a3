"""get_prompt: which prompt, from where, and what is refused."""

from __future__ import annotations

import json
import os
import shutil
import threading
from pathlib import Path

import pytest

import llmops
from llmops.documents.releases import path_of
from llmops.runtime import lookup
from llmops.runtime.errors import (
    PromptError,
    PromptInvalid,
    PromptNotFound,
    PromptOff,
    PromptTampered,
    RecordsMissing,
)
from tests.runtime.checkouts import NAME, PROMPT_YAML, a_locked, lock, put, serve


def refusal(kind: type[PromptError], **which: object) -> PromptError:
    with pytest.raises(kind) as caught:
        llmops.get_prompt(NAME, **which)
    assert type(caught.value) is kind
    return caught.value


@pytest.mark.parametrize("which", [{}, {"environment": "production", "version": "1.0.0"}])
def test_which_prompt_has_to_be_said_exactly_once(root, which):
    assert refusal(PromptError, root=root, **which).code == "WHICH_PROMPT"


@pytest.mark.parametrize("version", ["1.0", "../../1.0.0", "1.0.0/../../x", "", "latest", "1.0.0\0"])
def test_a_version_that_is_none_names_no_file(root, version):
    assert refusal(PromptError, version=version, root=root).code == "NAME_INVALID"


@pytest.mark.parametrize("name", ["../support", "Support", "", "a/b", "support\n"])
def test_a_name_that_is_none_names_no_file(root, name):
    with pytest.raises(PromptError) as caught:
        llmops.get_prompt(name, version="1.0.0", root=root)
    assert caught.value.code == "NAME_INVALID"


def test_an_environment_that_is_none_names_no_file(root):
    assert refusal(PromptError, environment="../production", root=root).code == "NAME_INVALID"


def test_a_root_that_is_not_there_is_refused(tmp_path):
    error = refusal(PromptError, version="1.0.0", root=tmp_path / "none")
    assert (error.code, error.where) == ("ROOT_MISSING", str(tmp_path / "none"))


def test_a_root_of_the_environment_that_is_not_there_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("LLMOPS_ROOT_DIR", str(tmp_path / "none"))
    error = refusal(PromptError, version="1.0.0")
    assert error.code == "ROOT_MISSING"
    assert "LLMOPS_ROOT_DIR" in error.what


def test_outside_of_any_repository_the_root_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    error = refusal(PromptError, version="1.0.0")
    assert error.code == "ROOT_MISSING"
    assert "LLMOPS_ROOT_DIR" in error.hint


def test_a_release_that_is_not_there_is_refused_with_those_that_are(root):
    lock(root, a_locked("1.0.0"))
    lock(root, a_locked("1.1.0"))
    error = refusal(PromptNotFound, version="1.2.0", root=root)
    assert error.code == "RELEASE_MISSING"
    assert "1.0.0, 1.1.0" in str(error)
    assert str(error).startswith("releases/support/1.2.0.json: ")


def test_without_records_here_it_says_what_to_fetch(root):
    lock(root, a_locked())
    put(root, "llmops.yaml", b"governance: {records_branch: llmops-records}\n")
    error = refusal(RecordsMissing, environment="production", root=root)
    assert error.code == "RECORDS_MISSING"
    assert "on the branch llmops-records" in error.what
    assert "git fetch origin llmops-records" in error.hint


def test_the_variable_names_the_records_branch_before_llmops_yaml(root, monkeypatch):
    put(root, "llmops.yaml", b"governance: {records_branch: llmops-records}\n")
    monkeypatch.setenv("LLMOPS_RECORDS_BRANCH", "ledger")
    assert "git fetch origin ledger" in refusal(RecordsMissing, environment="production", root=root).hint


def test_an_environment_that_is_not_there_is_refused_with_those_that_are(root):
    release = a_locked()
    lock(root, release)
    serve(root, release, environment="staging")
    error = refusal(PromptNotFound, environment="production", root=root)
    assert error.code == "ENVIRONMENT_MISSING"
    assert "staging" in error.what


def test_a_prompt_that_serves_nowhere_is_refused(root):
    other = a_locked(prompt_name="triage")
    lock(root, other)
    serve(root, other)
    error = refusal(PromptNotFound, environment="production", root=root)
    assert error.code == "POINTER_MISSING"
    assert "triage" in error.what


def test_a_release_of_another_digest_than_the_pointer_names_is_refused(root):
    promoted, changed = a_locked(), a_locked(template="You help {{ who }} to steal.")
    serve(root, promoted)
    lock(root, changed)
    error = refusal(PromptTampered, environment="production", root=root)
    assert error.code == "DIGEST_MISMATCH"
    assert promoted.digest in error.what
    assert changed.digest in error.what


def test_a_release_by_version_is_held_against_what_was_promoted(root):
    promoted, changed = a_locked(), a_locked(template="You help {{ who }} to steal.")
    serve(root, promoted, environment="staging")
    lock(root, changed)
    assert refusal(PromptTampered, version="1.0.0", root=root).code == "DIGEST_MISMATCH"


@pytest.mark.parametrize(
    ("old", "new"), [(b"You help", b"You harm"), (b'"base": ""', b'"base":""'), (b"\n}\n", b"\n}"), (b"{", b"")]
)
def test_a_release_that_was_edited_is_refused(root, old, new):
    release = a_locked()
    serve(root, release)
    file = lock(root, release)
    file.write_bytes(file.read_bytes().replace(old, new, 1))
    assert refusal(PromptTampered, environment="production", root=root).code in {"RELEASE_INVALID", "DIGEST_MISMATCH"}


def test_a_pointer_that_was_edited_is_refused(root):
    release = a_locked()
    lock(root, release)
    file = serve(root, release)
    file.write_bytes(file.read_bytes().replace(b"percent: 100", b"percent: 99.9"))
    assert refusal(PromptTampered, environment="production", root=root).code == "POINTER_INVALID"


def test_a_pointer_of_another_prompt_is_refused(root):
    other = a_locked(prompt_name="triage")
    file = serve(root, other)
    put(root, "environments/production/support.yaml", file.read_bytes())
    assert refusal(PromptTampered, environment="production", root=root).code == "POINTER_INVALID"


def test_a_prompt_that_is_switched_off_gives_its_fallback(root):
    release = a_locked(fallback={"say": "Please call us."})
    lock(root, release)
    serve(root, release, status="off")
    error = refusal(PromptOff, environment="production", root=root)
    assert (error.code, error.fallback) == ("PROMPT_OFF", {"say": "Please call us."})


def test_working_files_that_do_not_fit_are_refused_with_their_place(root):
    put(root, f"prompts/{NAME}/prompt.yaml", PROMPT_YAML.replace("model: gpt-4o", "modle: gpt-4o").encode())
    error = refusal(PromptInvalid, version="working", root=root)
    assert error.code == "PROMPT_INVALID"
    assert error.where.startswith("prompts/support/prompt.yaml:")


def test_a_working_prompt_that_is_not_there_is_refused(root):
    put(root, "prompts/triage/prompt.yaml", PROMPT_YAML.encode())
    error = refusal(PromptNotFound, version="working", root=root)
    assert error.code == "PROMPT_MISSING"
    assert "triage" in error.what


def test_a_file_that_may_not_be_read_is_refused(root, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.read_bytes", refuse)
    assert refusal(PromptError, version="1.0.0", root=root).code == "FILE_UNREADABLE"


def test_the_stable_release_of_an_environment_is_given(root):
    stable, candidate = a_locked("1.0.0"), a_locked("1.1.0", template="New.")
    for release in (stable, candidate):
        lock(root, release)
    serve(root, stable, candidate=candidate)

    prompt = llmops.get_prompt(NAME, environment="production", root=root)

    assert (prompt.name, prompt.version, prompt.environment) == (NAME, "1.0.0", "production")
    assert prompt.digest == stable.digest
    assert prompt.behaviour_digest == stable.behaviour_digest


def test_a_release_is_given_by_its_version_without_any_records(root):
    release = a_locked("1.0.0-rc.1")
    lock(root, release)

    prompt = llmops.get_prompt(NAME, version="1.0.0-rc.1", root=root)

    assert prompt.digest == release.digest
    assert prompt.version_label == f"support@1.0.0-rc.1#{release.digest[:12]}"


def test_the_working_files_are_given_only_when_they_are_asked_for(root):
    put(root, f"prompts/{NAME}/prompt.yaml", PROMPT_YAML.encode())
    refusal(PromptNotFound, version="2.0.0", root=root)

    prompt = llmops.get_prompt(NAME, version="working", root=root)

    assert (prompt.version, prompt.digest) == ("2.0.0", "")
    assert prompt.version_label == f"support@working#{prompt.behaviour_digest[:12]}"


def test_the_working_files_freeze_to_the_behaviour_that_is_given(root):
    text = PROMPT_YAML + "rag: rag.yaml\n"
    put(root, f"prompts/{NAME}/prompt.yaml", text.encode())
    put(root, f"prompts/{NAME}/rag.yaml", b"sources: [pages]\n")
    release = a_locked(template="Be brief.", variables=[], rag={"sources": ["pages"]})

    assert llmops.get_prompt(NAME, version="working", root=root).behaviour_digest == release.behaviour_digest


@pytest.mark.parametrize("mark", ["llmops.yaml", ".git"])
def test_the_root_is_found_upwards(tmp_path, monkeypatch, mark):
    release = a_locked()
    lock(tmp_path, release)
    put(tmp_path, mark, b"")
    below = tmp_path / "service" / "api"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)

    assert llmops.get_prompt(NAME, version="1.0.0").digest == release.digest


def test_a_bare_export_of_the_records_branch_is_a_root(tmp_path, monkeypatch):
    release = a_locked()
    lock(tmp_path, release)
    serve(tmp_path, release)
    monkeypatch.chdir(tmp_path)

    assert llmops.get_prompt(NAME, environment="production").digest == release.digest


def test_the_variable_names_the_root(root, monkeypatch, tmp_path_factory):
    release = a_locked()
    lock(root, release)
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    monkeypatch.setenv("LLMOPS_ROOT_DIR", str(root))

    assert llmops.get_prompt(NAME, version="1.0.0").digest == release.digest


def test_an_unchanged_checkout_is_read_once(root, monkeypatch, looks_each_time):
    release = a_locked()
    lock(root, release)
    serve(root, release)
    first = llmops.get_prompt(NAME, environment="production", root=root)
    monkeypatch.setattr("pathlib.Path.read_bytes", lambda path: pytest.fail(f"read {path} again"))

    assert llmops.get_prompt(NAME, environment="production", root=root) is first


def test_within_a_second_files_are_not_even_looked_at(root, monkeypatch):
    lock(root, a_locked())
    monkeypatch.setattr(lookup, "monotonic", lambda: 100.0)
    first = llmops.get_prompt(NAME, version="1.0.0", root=root)
    shutil.rmtree(root / "releases")

    assert llmops.get_prompt(NAME, version="1.0.0", root=root) is first

    monkeypatch.setattr(lookup, "monotonic", lambda: 100.0 + lookup.LOOK_AGAIN_SECONDS)
    refusal(PromptNotFound, version="1.0.0", root=root)


def test_a_promotion_is_followed(root, looks_each_time):
    before, after = a_locked("1.0.0"), a_locked("1.1.0", template="New.")
    for release in (before, after):
        lock(root, release)
    serve(root, before)
    assert llmops.get_prompt(NAME, environment="production", root=root).version == "1.0.0"

    serve(root, after, generation=2)

    assert llmops.get_prompt(NAME, environment="production", root=root).version == "1.1.0"


def test_a_release_that_is_changed_later_is_not_served_on(root, looks_each_time):
    release = a_locked()
    file = lock(root, release)
    serve(root, release)
    llmops.get_prompt(NAME, environment="production", root=root)

    file.write_bytes(file.read_bytes().replace(b"You help", b"You harm"))
    os.utime(file, ns=(1, 1))

    refusal(PromptTampered, environment="production", root=root)


def test_an_edit_of_the_working_files_is_seen_at_once(root):
    file = put(root, f"prompts/{NAME}/prompt.yaml", PROMPT_YAML.encode())
    first = llmops.get_prompt(NAME, version="working", root=root)

    file.write_bytes(PROMPT_YAML.replace("brief", "very brief").encode())

    assert llmops.get_prompt(NAME, version="working", root=root).behaviour_digest != first.behaviour_digest


def test_another_working_folder_is_another_root(tmp_path, monkeypatch, looks_each_time):
    for folder, template in (("a", "One."), ("b", "Two.")):
        put(tmp_path / folder, "llmops.yaml", b"")
        lock(tmp_path / folder, a_locked(template=template, variables=[]))
    monkeypatch.chdir(tmp_path / "a")
    first = llmops.get_prompt(NAME, version="1.0.0").render(question="?")
    monkeypatch.chdir(tmp_path / "b")

    assert llmops.get_prompt(NAME, version="1.0.0").render(question="?") != first


def test_many_threads_get_the_same_prompt(root, looks_each_time):
    release = a_locked()
    lock(root, release)
    serve(root, release)
    found = []

    def ask():
        found.extend(llmops.get_prompt(NAME, environment="production", root=root).digest for _ in range(50))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [release.digest] * 400


def test_the_shipped_releases_are_served_as_they_are():
    here = Path(__file__).parents[2]
    shipped = llmops.get_prompt("mortgage-assistant", version="1.3.1", root=here)
    written = json.loads((here / path_of("mortgage-assistant", "1.3.1")).read_bytes())
    assert shipped.parameters == written["behaviour"]["parameters"]
