"""Signing with a person's SSH key, through `ssh-keygen -Y sign`: agents and hardware keys work as they do elsewhere.

The key is, in this order: the one named by the caller; git's `user.signingkey` (a path, or a `key::ssh-…` literal whose
private half an agent holds); `~/.ssh/id_ed25519`, `id_ecdsa`, `id_rsa`. Private bytes are never read beyond the public
part of the file's header, and never shown.
"""

from __future__ import annotations

import base64
import binascii
import os
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from llmops.errors import CannotAsk

OWN_KEY = "llmops_ed25519"  # what `llmops init` makes where there is no key
_USUAL_NAMES = ("id_ed25519", "id_ecdsa", "id_rsa", OWN_KEY)
_MAGIC = b"openssh-key-v1\0"
_ARMOR = ("-----BEGIN OPENSSH PRIVATE KEY-----", "-----END OPENSSH PRIVATE KEY-----")
_PUBLIC_TYPES = ("ssh-", "ecdsa-", "sk-")


@dataclass(frozen=True, slots=True, kw_only=True)
class SshSigner:
    """One signing key: a file, or (path None) a public key whose private half an agent holds."""

    public_key: str
    path: Path | None = None

    @property
    def where(self) -> str:
        """Where the private half is, for messages."""
        return str(self.path) if self.path else "ssh-agent"

    def sign(self, message: bytes, *, namespace: str) -> str:
        """An armored SSH signature (SSHSIG). Raises: CannotAsk SIGNING_FAILED, KEY_NEEDS_PASSPHRASE, NO_SSH_KEYGEN."""
        self._refuse_what_nobody_can_unlock()
        with self._key_file() as (key, options):
            done = _keygen(
                "-q", "-Y", "sign", *options, "-n", namespace, "-f", key, stdin=message, shows_prompts=self._is_hardware
            )
        armored = done.stdout.decode("ascii", "replace")
        if done.returncode != 0 or not armored.startswith("-----BEGIN SSH SIGNATURE-----"):
            raise CannotAsk(
                "SIGNING_FAILED",
                f"ssh-keygen did not sign: {_said(done) or 'it said nothing'}",
                where=self.where,
                hint="check the key: ssh-add -l shows what the agent holds, `ssh-add PATH` adds a key to it",
            )
        return armored

    @property
    def _is_hardware(self) -> bool:
        return self.public_key.startswith("sk-")

    @contextmanager
    def _key_file(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        if self.path is not None:
            yield str(self.path), ()
            return
        with tempfile.NamedTemporaryFile("w", prefix="llmops-", suffix=".pub") as file:
            file.write(f"{self.public_key}\n")
            file.flush()
            yield file.name, ("-U",)

    def _refuse_what_nobody_can_unlock(self) -> None:
        if self.path is None or not _is_encrypted(self.path) or _has_terminal() or _agent_holds(self.public_key):
            return
        raise CannotAsk(
            "KEY_NEEDS_PASSPHRASE",
            "the SSH key is encrypted, there is no terminal to ask for its passphrase, and no agent holds it",
            where=str(self.path),
            hint=f"unlock it once in this session: ssh-add {self.path}",
        )


def find_signer(config: Callable[[str], str | None], key: str | None = None) -> SshSigner:
    """The signing key of whoever runs this; `config` reads git's configuration. Raises: CannotAsk NO_SSH_KEY."""
    if key:
        return _from_setting(key, "the key that was named")
    configured = config("user.signingkey")
    # With gpg.format other than ssh the setting may name an OpenPGP key, which is none of ours.
    if configured and (
        _literal(configured) or Path(configured).expanduser().is_file() or config("gpg.format") == "ssh"
    ):
        return _from_setting(configured, "git's user.signingkey")
    for name in _USUAL_NAMES:
        path = Path.home() / ".ssh" / name
        if path.is_file():
            return SshSigner(public_key=_public_key_of(path), path=path)
    raise CannotAsk(
        "NO_SSH_KEY",
        "no SSH key was found to sign with",
        where=str(Path.home() / ".ssh"),
        hint="make one: ssh-keygen -t ed25519; or take the agent's first: "
        'git config user.signingkey "key::$(ssh-add -L | head -1)"',
    )


def generate_key(path: str, *, comment: str) -> SshSigner:
    """Make an ed25519 key without a passphrase at `path`. Raises: CannotAsk KEY_EXISTS, NOT_WRITABLE, NO_SSH_KEYGEN."""
    target = Path(path).expanduser()
    if target.exists() or target.with_name(f"{target.name}.pub").exists():
        raise CannotAsk(
            "KEY_EXISTS", "a key lies there already", where=str(target), hint="use it, or name another file"
        )
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as refused:
        raise _not_made(target, refused.strerror or "") from refused
    done = _keygen("-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(target))
    if done.returncode != 0:
        raise _not_made(target, _said(done))
    return SshSigner(public_key=_public_key_of(target), path=target)


def _from_setting(setting: str, origin: str) -> SshSigner:
    if literal := _literal(setting):
        return SshSigner(public_key=_two_words(literal, setting))
    path = Path(setting).expanduser()
    if not path.is_file():
        raise CannotAsk(
            "NO_SSH_KEY", f"{origin} names {setting}, and no file is there", where=str(path), hint="correct the path"
        )
    if path.suffix == ".pub":
        private = path.with_suffix("")
        return SshSigner(public_key=_public_key_of(path), path=private if private.is_file() else None)
    return SshSigner(public_key=_public_key_of(path), path=path)


def _literal(setting: str) -> str:
    """The public key in `key::ssh-ed25519 AAAA…`, or in git's older spelling without `key::`; "" for a path."""
    bare = setting.removeprefix("key::")
    return bare if bare != setting or (" " in bare and bare.startswith(_PUBLIC_TYPES)) else ""


def _public_key_of(path: Path) -> str:
    """The public half of a key file: from the file itself where it tells, else from the `.pub` beside it."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace").strip()
        beside = path.with_name(f"{path.name}.pub")
        if text.startswith(_PUBLIC_TYPES):
            return _two_words(text, str(path))
        if text.startswith(_ARMOR[0]):
            blob = _header(text)[1]
            return f"{_type_of(blob)} {base64.b64encode(blob).decode()}"
        if beside.is_file():
            return _two_words(beside.read_text(encoding="utf-8", errors="replace").strip(), str(beside))
    except OSError as refused:
        raise _unusable(str(path), refused.strerror or "it cannot be read") from refused
    except (ValueError, struct.error) as broken:
        raise _unusable(str(path), "it is damaged") from broken
    raise CannotAsk(
        "NO_SSH_KEY",
        f"{path} is no key that tells its public half, and {beside.name} is not beside it",
        where=str(path),
        hint=f"if it is a key in the old PEM format: ssh-keygen -y -f {path} > {beside}",
    )


def _header(text: str) -> tuple[str, bytes]:
    """Cipher and public key of an OpenSSH private key file (OpenSSH PROTOCOL.key, section 1): neither is secret."""
    body = text.removeprefix(_ARMOR[0]).partition(_ARMOR[1])[0]
    raw = base64.b64decode("".join(body.split()), validate=True)
    if not raw.startswith(_MAGIC):
        raise ValueError("no OpenSSH private key")
    fields, at = [], len(_MAGIC)
    for number in range(4):  # cipher, kdf, kdf options, then the public key behind the number of keys
        at += 4 if number == 3 else 0
        (length,) = struct.unpack_from(">I", raw, at)
        fields.append(raw[at + 4 : at + 4 + length])
        at += 4 + length
    return fields[0].decode("ascii"), fields[3]


def _type_of(blob: bytes) -> str:
    (length,) = struct.unpack_from(">I", blob)
    return blob[4 : 4 + length].decode("ascii")


def _is_encrypted(path: Path) -> bool:
    text = path.read_text(encoding="utf-8", errors="replace").strip()
    if text.startswith(_ARMOR[0]):
        return _header(text)[0] != "none"
    return "ENCRYPTED" in text


def _agent_holds(public_key: str) -> bool:
    if not os.environ.get("SSH_AUTH_SOCK"):
        return False
    try:
        listed = subprocess.run(("ssh-add", "-L"), capture_output=True, check=False, stdin=subprocess.DEVNULL)
    except FileNotFoundError:
        return False
    return any(line.startswith(public_key) for line in listed.stdout.decode("utf-8", "replace").splitlines())


def _has_terminal() -> bool:
    """ssh-keygen asks for passphrases at the controlling terminal, wherever standard input comes from."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _keygen(*arguments: str, stdin: bytes = b"", shows_prompts: bool = False) -> subprocess.CompletedProcess[bytes]:
    """Run ssh-keygen. A hardware key asks to be touched on standard error, so there it is passed on."""
    stderr = None if shows_prompts and sys.stderr.isatty() else subprocess.PIPE
    try:
        return subprocess.run(
            ("ssh-keygen", *arguments),
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
        )
    except FileNotFoundError as missing:
        raise CannotAsk(
            "NO_SSH_KEYGEN", "the command `ssh-keygen` was not found", hint="install OpenSSH 8.2 or later"
        ) from missing


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    return " ".join((done.stderr or b"").decode("utf-8", "replace").split())


def _two_words(text: str, where: str) -> str:
    words = text.split()
    try:
        if len(words) >= 2 and _type_of(base64.b64decode(words[1], validate=True)) == words[0]:
            return f"{words[0]} {words[1]}"
    except (ValueError, binascii.Error, struct.error) as broken:
        raise _unusable(where, "it is no public key") from broken
    raise _unusable(where, "it is no public key")


def _unusable(where: str, why: str) -> CannotAsk:
    return CannotAsk("NO_SSH_KEY", f"the SSH key cannot be used: {why}", where=where, hint="name another key")


def _not_made(target: Path, why: str) -> CannotAsk:
    return CannotAsk("NOT_WRITABLE", f"no key could be made: {why}", where=str(target), hint="check the folder")
