"""Signing with SSH keys: found where people keep them, checked by ssh-keygen itself."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmops.adapters.ssh import SshSigner, find_signer, generate_key
from llmops.errors import CannotAsk
from tests.fakes import FakeSigner


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty HOME, no agent, no terminal."""
    for name in ("SSH_AUTH_SOCK", "SSH_ASKPASS", "DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr("llmops.adapters.ssh._has_terminal", lambda: False)
    return tmp_path / "home"


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    socket = tmp_path / "agent"
    process = subprocess.Popen(("ssh-agent", "-D", "-a", str(socket)), stdout=subprocess.DEVNULL)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
    while subprocess.run(("ssh-add", "-l"), capture_output=True, check=False).returncode == 2:
        assert process.poll() is None
    yield
    process.terminate()
    process.wait()


def settings(**values: str) -> dict[str, str]:
    return {name.replace("_", "."): value for name, value in values.items()}


def is_signed(signature: str, message: bytes, public_key: str, namespace: str, folder: Path) -> bool:
    """What `ssh-keygen -Y verify` says."""
    (folder / "allowed").write_text(f"ada {public_key}\n")
    (folder / "signature").write_text(signature)
    files = ("-f", str(folder / "allowed"), "-s", str(folder / "signature"))
    command = ("ssh-keygen", "-Y", "verify", "-I", "ada", "-n", namespace, *files)
    return subprocess.run(command, input=message, capture_output=True, check=False).returncode == 0


def a_key(path: Path, *options: str, passphrase: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    options = options or ("-t", "ed25519")
    subprocess.run(("ssh-keygen", "-q", *options, "-N", passphrase, "-C", "a comment", "-f", str(path)), check=True)
    return path


def refusal_of(**values: str) -> CannotAsk:
    with pytest.raises(CannotAsk) as refused:
        find_signer(settings(**values).get)
    return refused.value


def test_without_any_key_the_remedy_is_named(home: Path) -> None:
    refused = refusal_of()
    assert (refused.code, refused.where) == ("NO_SSH_KEY", str(home / ".ssh"))
    assert "ssh-keygen -t ed25519" in refused.hint


def test_a_configured_key_that_is_missing_is_named(tmp_path: Path) -> None:
    refused = refusal_of(user_signingkey=str(tmp_path / "absent"), gpg_format="ssh")
    assert refused.code == "NO_SSH_KEY"
    assert refused.where == str(tmp_path / "absent")


def test_a_file_that_is_no_key_is_named(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello\n")
    assert refusal_of(user_signingkey=str(tmp_path / "text")).code == "NO_SSH_KEY"


@pytest.mark.parametrize("literal", ["key::", "key::ssh-ed25519", "key::ssh-ed25519 %%%%", "ssh-rsa AAAAC3Nz x"])
def test_a_broken_literal_is_refused(literal: str) -> None:
    assert refusal_of(user_signingkey=literal).code == "NO_SSH_KEY"


@pytest.mark.parametrize("cut", [10, 60, 200])
def test_a_damaged_key_file_is_refused(tmp_path: Path, cut: int) -> None:
    path = a_key(tmp_path / "key")
    path.write_text(path.read_text()[:cut] + "\n-----END OPENSSH PRIVATE KEY-----\n")
    path.with_name("key.pub").unlink()
    assert refusal_of(user_signingkey=str(path)).code == "NO_SSH_KEY"


def test_an_openpgp_setting_is_none_of_ours(home: Path) -> None:
    a_key(home / ".ssh/id_ed25519")
    signer = find_signer(settings(user_signingkey="0x1234ABCD", gpg_format="openpgp").get)
    assert signer.where == str(home / ".ssh/id_ed25519")


@pytest.mark.parametrize(
    "options",
    [("-t", "ed25519"), ("-t", "ecdsa"), ("-t", "rsa", "-b", "3072"), ("-t", "rsa", "-b", "3072", "-m", "PEM")],
)
def test_the_usual_keys_are_found_and_sign(home: Path, tmp_path: Path, options: tuple[str, ...]) -> None:
    path = a_key(home / ".ssh" / f"id_{options[1]}", *options)
    signer = find_signer({}.get)
    assert signer.public_key == " ".join(path.with_name(f"{path.name}.pub").read_text().split()[:2])
    signature = signer.sign(b"message\n", namespace="llmops-approval")
    assert is_signed(signature, b"message\n", signer.public_key, "llmops-approval", tmp_path)
    assert not is_signed(signature, b"message", signer.public_key, "llmops-approval", tmp_path)
    assert not is_signed(signature, b"message\n", signer.public_key, "llmops-promotion", tmp_path)


def test_the_order_is_named_key_then_git_then_home(home: Path, tmp_path: Path) -> None:
    usual, configured, named = (a_key(path) for path in (home / ".ssh/id_rsa", tmp_path / "git", tmp_path / "named"))
    a_key(home / ".ssh/id_ed25519")
    config = settings(user_signingkey=f"{configured}.pub").get
    assert find_signer(config, str(named)).path == named
    assert find_signer(config).path == configured
    assert find_signer({}.get).path == usual.with_name("id_ed25519")


def test_a_key_without_its_pub_file_signs_where_the_file_tells_both_halves(home: Path, tmp_path: Path) -> None:
    a_key(home / ".ssh/id_ed25519").with_name("id_ed25519.pub").unlink()
    signer = find_signer({}.get)
    assert is_signed(signer.sign(b"x", namespace="n"), b"x", signer.public_key, "n", tmp_path)


def test_an_old_pem_key_without_its_pub_file_is_told_how_to_get_one(home: Path) -> None:
    path = a_key(home / ".ssh/id_rsa", "-t", "rsa", "-b", "3072", "-m", "PEM")
    path.with_name("id_rsa.pub").unlink()
    refused = refusal_of()
    assert (refused.code, refused.where) == ("NO_SSH_KEY", str(path))
    subprocess.run(refused.hint.partition(": ")[2], shell=True, check=True)
    assert find_signer({}.get).path == path


def test_a_stale_pub_file_does_not_change_who_we_are(home: Path) -> None:
    path = a_key(home / ".ssh/id_ed25519")
    mine = find_signer({}.get).public_key
    path.with_name("id_ed25519.pub").write_text(a_key(home / "other").with_name("other.pub").read_text())
    assert find_signer({}.get).public_key == mine


def test_an_encrypted_key_without_terminal_or_agent_is_told_to_ssh_add(home: Path) -> None:
    path = a_key(home / ".ssh/id_ed25519", passphrase="correct horse")
    with pytest.raises(CannotAsk) as refused:
        find_signer({}.get).sign(b"x", namespace="n")
    assert refused.value.code == "KEY_NEEDS_PASSPHRASE"
    assert f"ssh-add {path}" in refused.value.hint


def test_an_encrypted_key_signs_through_the_agent(home: Path, tmp_path: Path, agent: None) -> None:
    path = a_key(home / ".ssh/id_ed25519", passphrase="correct horse")
    askpass = tmp_path / "askpass"
    askpass.write_text("#!/bin/sh\necho correct horse\n")
    askpass.chmod(0o755)
    env = {**os.environ, "SSH_ASKPASS": str(askpass), "SSH_ASKPASS_REQUIRE": "force"}
    subprocess.run(("ssh-add", "-q", str(path)), env=env, check=True)
    signer = find_signer({}.get)
    assert is_signed(signer.sign(b"x", namespace="n"), b"x", signer.public_key, "n", tmp_path)


@pytest.mark.parametrize("prefix", ["key::", ""])
def test_a_literal_signs_through_the_agent(tmp_path: Path, agent: None, prefix: str) -> None:
    path = a_key(tmp_path / "key")
    subprocess.run(("ssh-add", "-q", str(path)), check=True)
    public = path.with_name("key.pub").read_text().strip()
    path.unlink()
    signer = find_signer(settings(user_signingkey=f"{prefix}{public}").get)
    assert (signer.path, signer.where) == (None, "ssh-agent")
    assert is_signed(signer.sign(b"x", namespace="n"), b"x", signer.public_key, "n", tmp_path)


def test_a_literal_that_no_agent_holds_does_not_sign(tmp_path: Path, agent: None) -> None:
    signer = SshSigner(public_key=FakeSigner().public_key)
    with pytest.raises(CannotAsk) as refused:
        signer.sign(b"x", namespace="n")
    assert refused.value.code == "SIGNING_FAILED"


def test_a_machine_without_openssh_is_told_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    signer = find_signer({}.get, str(a_key(tmp_path / "key")))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotAsk) as refused:
        signer.sign(b"x", namespace="n")
    assert refused.value.code == "NO_SSH_KEYGEN"


def test_a_made_key_is_private_and_signs(home: Path, tmp_path: Path) -> None:
    signer = generate_key("~/.ssh/id_ed25519", comment="ada@example.org")
    assert (home / ".ssh/id_ed25519").stat().st_mode & 0o777 == 0o600
    assert (home / ".ssh").stat().st_mode & 0o777 == 0o700
    assert (home / ".ssh/id_ed25519.pub").read_text().split()[2] == "ada@example.org"
    assert find_signer({}.get) == signer
    assert is_signed(signer.sign(b"x", namespace="n"), b"x", signer.public_key, "n", tmp_path)


@pytest.mark.parametrize("left", ["key", "key.pub"])
def test_no_key_is_ever_overwritten(tmp_path: Path, left: str) -> None:
    a_key(tmp_path / "key")
    kept = (tmp_path / left).read_bytes()
    (tmp_path / ({"key", "key.pub"} - {left}).pop()).unlink()
    with pytest.raises(CannotAsk) as refused:
        generate_key(str(tmp_path / "key"), comment="")
    assert refused.value.code == "KEY_EXISTS"
    assert (tmp_path / left).read_bytes() == kept


def test_a_key_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotAsk) as refused:
        generate_key(str(tmp_path / "file/key"), comment="")
    assert refused.value.code == "NOT_WRITABLE"


def test_the_fake_signs_as_the_real_one_does(tmp_path: Path) -> None:
    fake = FakeSigner("bob")
    assert fake.public_key != FakeSigner("ada").public_key
    signature = fake.sign(b"message", namespace="llmops-approval")
    assert signature == FakeSigner("bob").sign(b"message", namespace="llmops-approval")
    assert is_signed(signature, b"message", fake.public_key, "llmops-approval", tmp_path)
    assert not is_signed(signature, b"other", fake.public_key, "llmops-approval", tmp_path)
