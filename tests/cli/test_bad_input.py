"""Bad input: place and remedy, exit 1 or 2, nothing written."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from tests.cli.commands import FIRST, IN_A_REPOSITORY, NEXT
from tests.cli.conftest import Cli, Done
from tests.worlds import BARS, CASES, PROMPT, RAG, cases_file

FILE = f"prompts/{PROMPT}/prompt.yaml"
CASES_FILE = "evalsets/lamp/cases.jsonl"
DEEP = b"x: " + b"[" * 5000
BOMB = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    f"{name}: &{name} [{','.join(['*' + last] * 9)}]\n".encode()
    for last, name in zip("abcdefg", "bcdefgh", strict=True)
)
BROKEN = {
    "unclosed": b"prompt_name: [support\nversion: 1\n",
    "tab": b"prompt_name: support\n\tversion: 1.2.0\n",
    "empty": b"",
    "a list": b"- a\n- b\n",
    "twice": b"prompt_name: support\nprompt_name: support\nversion: 1.2.0\n",
    "binary": bytes(range(256)) * 4,
    "not UTF-8": b"prompt_name: support\nversion: 1.2.0\nchangelog: caf\xe9\n",
    "UTF-16": "prompt_name: support\n".encode("utf-16"),
    "huge": b"prompt_name: support\n# " + b"x" * (2 << 20),
    "deep": DEEP,
    "bomb": BOMB,
    "object": b"prompt_name: !!python/object/apply:os.system [id]\n",
    "itself": b"prompt_name: &a [*a]\n",
    "two documents": b"prompt_name: support\n---\nprompt_name: support\n",
}


def refused(cli: Cli, *words: str, before: object = None) -> Done:
    """The command answers no or could not ask, says what to do, and writes nothing."""
    before = before or cli.snapshot()
    done = cli(*words)
    said = done.out + done.err
    assert done.code in (1, 2), (done.code, said)
    assert "fix: " in said, said
    assert "Traceback" not in said
    assert cli.snapshot() == before
    return done


def located(done: Done, path: str) -> bool:
    return path in done.out + done.err


BARS_FILE = f"prompts/{PROMPT}/thresholds.yaml"
DOCUMENTS = (FILE, f"prompts/{PROMPT}/rag.yaml", BARS_FILE, "evalsets/lamp/evalset.yaml")


# Empty bars are no error: the gate says NO_BARS.
@pytest.mark.parametrize(
    ("path", "kind"), [(path, kind) for path in DOCUMENTS for kind in BROKEN if (path, kind) != (BARS_FILE, "empty")]
)
def test_a_broken_document_stops_what_needs_it(cli: Cli, path: str, kind: str) -> None:
    cli.write({path: BROKEN[kind]})
    cli.git("add", "-A")
    done = refused(cli, "validate")
    assert done.code == 1
    assert located(done, f"{path}:1") or located(done, path)
    assert located(refused(cli, "lock", PROMPT), path)


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_llmops_yaml_stops_policy_and_validate(cli: Cli, kind: str) -> None:
    cli.write({"llmops.yaml": BROKEN[kind]})
    for words in (("policy", "check"), ("policy", "apply"), ("policy", "apply", "--dry-run")):
        assert located(refused(cli, *words), "llmops.yaml")
    if kind != "empty":
        assert located(refused(cli, "validate"), "llmops.yaml")


@pytest.mark.parametrize("kind", BROKEN)
def test_reading_the_records_needs_no_good_llmops_yaml_in_the_folder(cli: Cli, kind: str) -> None:
    cli.write({"llmops.yaml": BROKEN[kind]})
    assert cli("status").code == 0
    assert cli("audit", "verify").code == 0


def cases(*changes: dict[str, object]) -> bytes:
    rows = [dict(case) for case in CASES]
    return cases_file([{**row, **change} for row, change in zip(rows, changes, strict=False)])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (None, CASES_FILE),
        (b"", CASES_FILE),
        (b"\n\n", CASES_FILE),
        (b"not json\n", f"{CASES_FILE}:1"),
        (b"\xff\xfe\n", CASES_FILE),
        (cases_file([{key: value for key, value in CASES[0].items() if key != "id"}]), f"{CASES_FILE}:1"),
        (cases_file([CASES[0], CASES[1], CASES[0]]), f"{CASES_FILE}:3"),
        (cases({}, {"qestion": "?"}), f"{CASES_FILE}:2"),
        (b'{"id": NaN, "question": "?"}\n', f"{CASES_FILE}:1"),
        (b'{"id": "a", "id": "b", "question": "?"}\n', f"{CASES_FILE}:1"),
    ],
    ids=["missing", "empty", "blank", "no JSON", "binary", "without id", "twice", "unknown key", "NaN", "key twice"],
)
def test_a_bad_evalset_is_located(cli: Cli, data: bytes | None, said: str) -> None:
    if data is None:
        (cli.folder / CASES_FILE).unlink()
    else:
        cli.write({CASES_FILE: data})
    cli.git("add", "-A")
    assert located(refused(cli, "validate"), said)
    assert located(refused(cli, "lock", PROMPT), said)
    assert located(refused(cli, "eval", PROMPT, "--working"), said)


def test_a_missing_evalset_is_named_with_those_that_exist(cli: Cli) -> None:
    cli.write({FILE: (cli.folder / FILE).read_bytes().replace(b"evalset: lamp", b"evalset: lamb")})
    done = refused(cli, "validate")
    assert located(done, "lamb")
    assert located(done, f"{FILE}:18:10")


def test_an_unknown_metric_is_answered_with_the_nearest(cli: Cli) -> None:
    cli.write({f"prompts/{PROMPT}/thresholds.yaml": BARS.replace("groundedness", "groundednes").encode()})
    done = refused(cli, "validate")
    assert located(done, f"prompts/{PROMPT}/thresholds.yaml:3:3")
    assert "groundedness" in done.out


def test_an_unknown_model_is_a_warning_that_eval_cannot_pass(cli: Cli) -> None:
    data = (cli.folder / FILE).read_bytes().replace(b"model: fake", b"model: gpt-9").replace(b"1.1.0", b"1.2.0")
    cli.write({FILE: data})
    done = cli("validate")
    assert (done.code, "gpt-9" in done.out) == (0, True)
    assert "fake" in refused(cli, "eval", PROMPT, "--working").err + done.out


@pytest.mark.parametrize(
    "source",
    [
        "{{ question",
        "{% for x in contexts %}",
        "{{ nobody_declared_this }}",
        "{{ question.__class__.__mro__ }}",
        "{% include 'x' %}",
        "{{ question | no_such_filter }}",
        "{% raw %}",
    ],
)
def test_a_template_error_has_its_line(cli: Cli, source: str) -> None:
    text = (cli.folder / FILE).read_text().replace("Reply from the page.", source).replace("1.1.0", "1.2.0")
    cli.write({FILE: text.encode()})
    cli.git("add", "-A")
    for words in (("validate",), ("lock", PROMPT), ("render", PROMPT, "--question", "?")):
        done = refused(cli, *words)
        assert re.search(rf"{FILE}:1[012]:\d+: error: ", done.out + done.err)


def test_a_source_that_matches_nothing(cli: Cli) -> None:
    cli.write({f"prompts/{PROMPT}/rag.yaml": RAG.replace("knowledge", "nowhere").encode()})
    assert located(refused(cli, "validate"), f"prompts/{PROMPT}/rag.yaml:1")


@pytest.mark.parametrize("words", [*IN_A_REPOSITORY, ("init",)], ids=" ".join)
def test_no_repository_at_all(nowhere: Cli, words: tuple[str, ...]) -> None:
    done = refused(nowhere, *words)
    assert done.code == (1 if words == ("doctor",) else 2)
    assert "git init" in done.err + done.out


@pytest.mark.parametrize("words", [*IN_A_REPOSITORY, ("init",)], ids=" ".join)
def test_a_bare_repository(nowhere: Cli, words: tuple[str, ...]) -> None:
    nowhere.git("init", "-q", "--bare")
    done = refused(nowhere, *words, before=nowhere.snapshot())
    assert done.code == (1 if words == ("doctor",) else 2)
    assert "bare" in done.err + done.out


@pytest.mark.parametrize("words", IN_A_REPOSITORY, ids=" ".join)
def test_a_repository_without_commits_writes_nothing_that_needs_one(nowhere: Cli, words: tuple[str, ...]) -> None:
    nowhere.git("init", "-q", "-b", "main")
    before = nowhere.snapshot()
    done = nowhere(*words)
    assert done.code in (0, 1, 2), done.err
    assert "Traceback" not in done.err
    assert done.code == 0 or "fix: " in done.err + done.out
    assert nowhere.snapshot() == before


def test_init_works_without_commits_and_the_journey_begins(nowhere: Cli) -> None:
    nowhere.git("init", "-q", "-b", "main")
    assert nowhere("init").code == 0
    assert nowhere("validate").code == 0
    nowhere.git("add", "-A")
    assert nowhere("lock", "kettle-help").code == 0
    assert nowhere("policy", "check").code == 0


def test_init_twice_is_refused_and_lists_what_is_there(nowhere: Cli) -> None:
    nowhere.git("init", "-q", "-b", "main")
    assert nowhere("init").code == 0
    done = refused(nowhere, "init")
    assert done.code == 1
    assert "llmops.yaml" in done.err


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (f"environments/dev/{PROMPT}.yaml", ("promote", NEXT, "--to", "dev")),
        (f"environments/dev/{PROMPT}.yaml", ("rollback", PROMPT, "--env", "dev", "--to", "off")),
        (FILE, ("restore", FIRST)),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else value,
)
def test_uncommitted_edits_where_we_write_are_never_lost(cli: Cli, path: str, words: tuple[str, ...]) -> None:
    cli.write({path: (cli.folder / path).read_bytes() + b"# an hour of work\n"})
    done = refused(cli, *words)
    assert done.code == 2
    assert "[DIRTY_PATHS]" in done.err
    assert path in done.err.replace("\n         ", " ")


def test_edits_elsewhere_stand_in_nobodys_way(cli: Cli) -> None:
    cli.write({FILE: b"# half an edit\n", "notes.txt": b"mine\n"})
    cli.git("add", "notes.txt")
    assert cli("promote", NEXT, "--to", "dev").code == 0
    assert (cli.folder / FILE).read_bytes() == b"# half an edit\n"
    assert cli.git("diff", "--cached", "--name-only") == "notes.txt"


def test_a_shallow_clone_works(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.git("clone", "-q", "--depth", "1", f"file://{cli.folder}", str(tmp_path / "shallow"))
    shallow = Cli(tmp_path / "shallow", cli.home, cli.capsys)
    monkeypatch.chdir(shallow.folder)
    for words in (
        ("validate",),
        ("status",),
        ("audit", "verify"),
        ("gate", NEXT, "--env", "dev"),
        ("why", PROMPT, "--env", "dev"),
    ):
        assert shallow(*words).code == 0, words
    assert shallow("promote", NEXT, "--to", "dev").code == 0
    assert shallow("audit", "verify").code == 0


def test_a_worktree_works(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.git("worktree", "add", "-q", "-b", "topic", str(tmp_path / "beside"))
    beside = Cli(tmp_path / "beside", cli.home, cli.capsys)
    monkeypatch.chdir(beside.folder)
    for words in (("validate",), ("status",), ("audit", "verify"), ("lock", PROMPT, "--check")):
        assert beside(*words).code == 0, words
    done = beside("promote", NEXT, "--to", "dev")
    assert done.code == 0, done.err
    assert beside("audit", "verify").code == 0
    assert cli.git("status", "--porcelain") == ""


@pytest.mark.parametrize(
    "words",
    [("promote", NEXT, "--to", "dev"), ("publish", NEXT), ("rollback", PROMPT, "--env", "dev", "--to", "off")],
    ids=" ".join,
)
def test_nobody_commits_without_an_identity(cli: Cli, words: tuple[str, ...]) -> None:
    (cli.home / ".gitconfig").write_text("[user]\nuseConfigOnly = true\n")
    done = refused(cli, *words)
    assert done.code == 2
    assert "[NO_IDENTITY]" in done.err
    assert "git config --global user.name" in done.err


@pytest.mark.parametrize(
    "words",
    [
        ("promote", NEXT, "--to", "dev"),
        ("publish", NEXT),
        ("approve", FIRST, "--env", "demo", "--yes"),
        ("policy", "apply"),
        ("eval", NEXT, "--record"),
    ],
    ids=" ".join,
)
def test_nobody_signs_without_a_key(cli: Cli, words: tuple[str, ...]) -> None:
    shutil.rmtree(cli.home / ".ssh")
    done = refused(cli, *words)
    assert done.code == 2
    assert "[NO_SSH_KEY]" in done.err
    assert "ssh-keygen" in done.err


def test_reading_needs_neither_key_nor_identity(cli: Cli) -> None:
    shutil.rmtree(cli.home / ".ssh")
    (cli.home / ".gitconfig").write_text("")
    for words in (
        ("status",),
        ("why", PROMPT, "--env", "dev"),
        ("audit", "verify"),
        ("gate", NEXT, "--env", "dev"),
        ("validate",),
    ):
        assert cli(*words).code == 0, words


def test_a_key_that_the_policy_does_not_know(cli: Cli) -> None:
    from tests.cli.conftest import write_key

    write_key(cli.home / ".ssh" / "id_ed25519", "eve")
    done = refused(cli, "promote", NEXT, "--to", "dev")
    assert (done.code, "[UNKNOWN_KEY]" in done.err) == (1, True)


def test_without_weights_the_embedded_model_says_which_command_installs_them(
    nowhere: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    from llmops.adapters.models.embedded import weights

    nowhere.git("init", "-q", "-b", "main")
    assert nowhere("init").code == 0
    monkeypatch.setattr(weights, "_find", lambda _: None)
    done = refused(nowhere, "eval", "kettle-help", "--working")
    assert done.code == 2
    assert "llmops setup embedded" in done.err


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"not a release", b'{"about": {}}', b"\xff" * 100],
    ids=["empty", "object", "text", "partial", "binary"],
)
def test_a_release_that_is_none(cli: Cli, data: bytes) -> None:
    path = f"releases/{PROMPT}/1.1.0.json"
    cli.commit({path: data})
    for words in (("gate", NEXT, "--env", "dev"), ("publish", NEXT), ("restore", NEXT), ("eval", NEXT)):
        assert located(refused(cli, *words), path), words


def test_evidence_that_was_changed_is_named(cli: Cli) -> None:
    (shard, *_) = sorted((cli.folder / "audit" / "evidence").iterdir())
    cli.commit({str(shard.relative_to(cli.folder)): shard.read_bytes() + b" "})
    done = cli("audit", "verify")
    assert done.code == 1
    assert shard.name in done.out
    assert refused(cli, "promote", NEXT, "--to", "dev").code == 1


def test_a_remembered_head_that_is_none(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "head.json"
    file.write_text("{}")
    done = refused(cli, "audit", "verify", "--remember", str(file))
    assert (done.code, "[MEMORY_INVALID]" in done.err) == (2, True)
    assert file.read_text() == "{}"


def test_a_cut_history_shows_against_what_was_remembered(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "head.json"
    assert cli("audit", "verify", "--remember", str(file)).code == 0
    kept = json.loads(file.read_text())
    cli.git("reset", "-q", "--hard", "HEAD~1")
    done = cli("audit", "verify", "--remember", str(file))
    assert done.code == 1
    assert "TRUNCATED" in done.out
    assert json.loads(file.read_text()) == kept


@pytest.mark.skipif(
    os.geteuid() == 0 and not os.access("/dev/full", os.W_OK), reason="needs a device that is always full"
)
def test_a_result_that_cannot_be_printed_is_an_error(cli: Cli) -> None:
    with Path("/dev/full").open("w") as full:
        done = cli.process("status", stdout=full)
    assert done.code == 2
    assert "make room" in done.err


@pytest.mark.parametrize("option", ["--cases", "--repeats", "--judge-repeats"])
def test_a_plan_of_nothing_is_refused(cli: Cli, option: str) -> None:
    done = cli("plan", PROMPT, option, "0")
    assert (done.code, done.out) == (2, "")
    assert "[USAGE]" in done.err
