"""lock: which bytes are frozen, and when a version may not be."""

from __future__ import annotations

import pytest

from llmops.documents import releases
from llmops.errors import CannotAsk, InvalidDocuments, Refusal
from llmops.usecases.author import lock
from tests.worlds import PROMPT, World, a_prompt_file, a_world

FILE = f"prompts/{PROMPT}/prompt.yaml"
MANIFEST = "evalsets/lamp/evalset.yaml"
CASES = "evalsets/lamp/cases.jsonl"
RELEASE = releases.path_of(PROMPT, "1.0.0")


@pytest.fixture
def world() -> World:
    return a_world()


def run(world: World, **options: object) -> object:
    return lock.run(world.repository, lock.Request(name=PROMPT, **options), base_branch="main")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "path", [FILE, f"prompts/{PROMPT}/rag.yaml", f"prompts/{PROMPT}/thresholds.yaml", MANIFEST, CASES]
)
def test_an_edit_that_is_not_staged_is_never_left_out_in_silence(world: World, path: str) -> None:
    world.repository.write(path, world.repository.folder[path] + b"\n")
    with pytest.raises(CannotAsk) as caught:
        run(world)
    assert (caught.value.code, caught.value.where) == ("NOT_STAGED", path)
    assert f"git add {path}" in caught.value.hint
    assert RELEASE not in world.repository.index


def test_a_deletion_that_is_not_staged_is_an_edit(world: World) -> None:
    world.repository.write(f"prompts/{PROMPT}/thresholds.yaml", None)
    with pytest.raises(CannotAsk) as caught:
        run(world)
    assert caught.value.code == "NOT_STAGED"


def test_line_ends_that_git_writes_into_the_folder_are_no_edit(world: World) -> None:
    world.repository.write(FILE, world.repository.folder[FILE].replace(b"\n", b"\r\n"))
    assert run(world).change == "created"


def test_check_looks_at_the_index_alone(world: World) -> None:
    world.lock()
    world.repository.write(FILE, a_prompt_file(text="Edited and not staged."))
    assert run(world, check=True).change == "unchanged"


def test_worktree_freezes_the_edit(world: World) -> None:
    world.repository.write(FILE, a_prompt_file(text="Edited and not staged."))
    run(world, from_work_tree=True)
    assert b"Edited and not staged" in world.repository.index[RELEASE]


def test_a_prompt_that_is_not_staged_at_all_is_named_with_the_remedy(world: World) -> None:
    del world.repository.index[FILE]
    with pytest.raises(CannotAsk) as caught:
        run(world)
    assert (caught.value.code, caught.value.where) == ("NOT_STAGED", FILE)
    assert "git add" in caught.value.hint


def test_a_frozen_version_with_other_content_is_taken(world: World) -> None:
    world.lock()
    world.put({FILE: a_prompt_file(text="Other words.")})
    with pytest.raises(Refusal) as caught:
        run(world)
    assert caught.value.code == "VERSION_TAKEN"
    assert len(caught.value.details) == 2
    assert "bump the version" in caught.value.hint


def test_locking_the_same_again_changes_nothing(world: World) -> None:
    world.lock()
    assert run(world).change == "unchanged"


def test_a_release_that_is_not_on_the_base_branch_yet_is_replaced(world: World) -> None:
    run(world)
    world.repository.write(FILE, a_prompt_file(text="Better words."))
    world.repository.stage(FILE)
    assert run(world).change == "replaced"


def test_check_refuses_what_is_not_locked_and_writes_nothing(world: World) -> None:
    with pytest.raises(Refusal) as caught:
        run(world, check=True)
    assert (caught.value.code, caught.value.where) == ("NOT_LOCKED", RELEASE)
    assert RELEASE not in world.repository.folder


def test_check_is_content_with_what_is_locked(world: World) -> None:
    world.lock()
    assert run(world, check=True).change == "unchanged"


def test_a_base_without_a_release_is_missing(world: World) -> None:
    with pytest.raises(CannotAsk) as caught:
        run(world, base="0.9.0")
    assert caught.value.code == "BASE_MISSING"
    assert "0.9.0" in caught.value.what


@pytest.mark.parametrize("base", ["1.1.0", "1.1.1", "2.0.0"])
def test_a_base_that_is_not_below_is_refused(world: World, base: str) -> None:
    world.lock("1.0.0").lock("1.1.0", text="New words.")
    with pytest.raises(CannotAsk) as caught:
        run(world, base=base)
    assert caught.value.code == "BASE_NOT_BELOW"
    assert base in caught.value.what


def a_hotfix(world: World) -> None:
    """1.3.1, made from 1.2.0 though 1.3.0 is there."""
    world.lock("1.2.0").lock("1.3.0", text="New words.")
    world.repository.refs["refs/heads/topic"] = world.repository.refs["refs/heads/main"]
    world.repository.head = "refs/heads/topic"
    world.put({FILE: a_prompt_file("1.3.1", text="Mended words.")})
    run(world, base="1.2.0")
    world.repository.commit("1.3.1")


def test_the_base_that_was_asked_for_once_is_kept_before_the_merge(world: World) -> None:
    a_hotfix(world)
    assert (run(world, check=True).base, run(world).change) == ("1.2.0", "unchanged")
    world.repository.write(FILE, a_prompt_file("1.3.1", text="Mended better."))
    world.repository.stage(FILE)
    again = run(world)
    assert (again.change, again.base) == ("replaced", "1.2.0")


def test_the_base_that_was_asked_for_once_is_kept_after_the_merge(world: World) -> None:
    a_hotfix(world)
    path = releases.path_of(PROMPT, "1.3.1")
    world.repository.refs["refs/heads/main"] = world.repository.refs["refs/heads/topic"]
    assert run(world).change == "unchanged"
    del world.repository.index[path]
    assert (run(world).base, run(world, check=True).change) == ("1.2.0", "unchanged")


def test_another_base_may_be_asked_for_until_the_merge(world: World) -> None:
    a_hotfix(world)
    assert (run(world, base="1.3.0").change, run(world).base) == ("replaced", "1.3.0")


def test_a_records_branch_of_its_own_is_no_place_to_lock(world: World) -> None:
    world.repository.refs["refs/heads/records"] = world.repository.refs["refs/heads/main"]
    world.repository.head = "refs/heads/records"
    with pytest.raises(Refusal) as caught:
        lock.run(world.repository, lock.Request(name=PROMPT), base_branch="main", records_branch="records")
    assert caught.value.code == "ON_RECORDS_BRANCH"
    assert RELEASE not in world.repository.index


@pytest.mark.parametrize(("head", "records"), [("main", "main"), ("topic", "records"), ("topic", "main")])
def test_any_other_branch_is(world: World, head: str, records: str) -> None:
    world.repository.refs["refs/heads/topic"] = world.repository.refs["refs/heads/main"]
    world.repository.head = f"refs/heads/{head}"
    locked = lock.run(world.repository, lock.Request(name=PROMPT), base_branch="main", records_branch=records)
    assert locked.change == "created"


def checked(world: World, *names: str) -> object:
    def check(name: str) -> object:
        return lock.run(world.repository, lock.Request(name=name, check=True), base_branch="main")

    return lock.check_all(check, names)  # type: ignore[arg-type]


def two_more(world: World) -> None:
    """A prompt that is not locked, and one that is no prompt."""
    world.put(
        {
            "prompts/other/prompt.yaml": world.repository.index[FILE].replace(b"name: support", b"name: other"),
            "prompts/other/rag.yaml": world.repository.index[f"prompts/{PROMPT}/rag.yaml"],
            "prompts/broken/prompt.yaml": b"prompt_name: broken\n",
        }
    )


def test_checking_all_names_everything_that_is_not_locked(world: World) -> None:
    world.lock()
    two_more(world)
    with pytest.raises(Refusal) as caught:
        checked(world, "broken", "other", PROMPT)
    assert (caught.value.code, caught.value.what[:6]) == ("NOT_LOCKED", "2 of 3")
    told = "\n".join(caught.value.details)
    assert "broken: prompts/broken/prompt.yaml" in told
    assert "other: the release file does not exist [NOT_LOCKED]" in told


def test_checking_all_raises_a_single_problem_as_it_is(world: World) -> None:
    two_more(world)
    with pytest.raises(InvalidDocuments):
        checked(world, "broken")


def test_checking_all_cannot_ask_where_nothing_could_be_asked(world: World) -> None:
    with pytest.raises(CannotAsk) as caught:
        checked(world, "no", "nobody")
    assert "no: there is no prompt no" in caught.value.what
    assert "nobody" in caught.value.what


def test_checking_all_gives_every_answer(world: World) -> None:
    world.lock()
    assert [answer.prompt for answer in checked(world, PROMPT)] == [PROMPT]


def test_the_newest_release_below_is_the_base(world: World) -> None:
    world.lock("1.0.0").lock("1.1.0", text="New words.")
    world.put({FILE: a_prompt_file("1.2.0", text="Newer words.")})
    assert run(world).base == "1.1.0"


def test_a_dry_run_stages_nothing(world: World) -> None:
    assert run(world, is_dry_run=True).is_dry_run
    assert RELEASE not in world.repository.index


def test_documents_with_errors_are_not_frozen(world: World) -> None:
    world.put({FILE: b"prompt_name: support\nversion: nonsense\n"})
    with pytest.raises(InvalidDocuments) as caught:
        run(world)
    assert all(finding.location.path == FILE for finding in caught.value.findings)
    assert RELEASE not in world.repository.index


def test_an_unknown_prompt_is_answered_with_the_known_ones(world: World) -> None:
    with pytest.raises(CannotAsk) as caught:
        lock.run(world.repository, lock.Request(name="suport"), base_branch="main")
    assert caught.value.code == "PROMPT_MISSING"
    assert PROMPT in caught.value.what
