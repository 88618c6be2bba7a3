"""SSHSIG: refusals first, then agreement with ssh-keygen."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.governance import sshsig
from tests.governance.builders import a_key, wire

MESSAGE = b"what is signed"
SPACE = "llmops-approval"


def refusal(blob: bytes, message: bytes = MESSAGE, namespace: str = SPACE) -> str:
    with pytest.raises(sshsig.SignatureError) as caught:
        sshsig.verify(blob, message, namespace)
    return caught.value.code


def an_ssh_key(folder: Path, kind: str, *more: str) -> Path:
    path = folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", kind, *more, "-N", "", "-C", "", "-f", path], check=True)
    return path


def signed_by_ssh(key: Path, namespace: str = SPACE, hash_name: str = "sha512") -> bytes:
    argv = ["ssh-keygen", "-Y", "sign", "-q", "-f", key, "-n", namespace, "-O", f"hashalg={hash_name}"]
    done = subprocess.run(argv, input=MESSAGE, capture_output=True, check=True)
    return sshsig.dearmor(done.stdout.decode())


def test_another_message_is_refused() -> None:
    assert refusal(a_key("dana").blob(MESSAGE, SPACE), b"something else") == "BAD_SIGNATURE"


def test_another_namespace_is_refused() -> None:
    assert refusal(a_key("dana").blob(MESSAGE, "git")) == "WRONG_NAMESPACE"


def test_a_trailing_byte_is_refused() -> None:
    assert refusal(a_key("dana").blob(MESSAGE, SPACE) + b"\x00") == "SIGNATURE_MALFORMED"


def test_a_trailing_byte_inside_the_signature_is_refused() -> None:
    blob = a_key("dana").blob(MESSAGE, SPACE)
    inner = blob[-83:]
    assert refusal(blob[:-87] + wire(inner + b"\x00")) == "SIGNATURE_MALFORMED"


def test_reserved_bytes_are_refused() -> None:
    blob = a_key("dana").blob(MESSAGE, SPACE)
    space = wire(SPACE.encode())
    assert refusal(blob.replace(space + wire(b""), space + wire(b"x"))) == "SIGNATURE_MALFORMED"


@pytest.mark.parametrize("name", ["md5", "sha1"])
def test_an_old_hash_is_refused(name: str) -> None:
    assert refusal(a_key("dana").blob(MESSAGE, SPACE, name)) == "SIGNATURE_UNSUPPORTED"


def test_another_version_is_refused() -> None:
    blob = a_key("dana").blob(MESSAGE, SPACE)
    assert refusal(blob.replace(b"SSHSIG\x00\x00\x00\x01", b"SSHSIG\x00\x00\x00\x02")) == "SIGNATURE_MALFORMED"


def test_an_algorithm_that_is_not_the_keys_is_refused() -> None:
    blob = a_key("dana").blob(MESSAGE, SPACE)
    head, _, tail = blob.rpartition(wire(b"ssh-ed25519"))
    swapped = head[:-4] + wire(wire(b"rsa-sha2-512") + tail)
    assert refusal(swapped) == "SIGNATURE_UNSUPPORTED"


def test_a_hardware_key_is_left_to_ssh_keygen() -> None:
    key = wire(b"sk-ssh-ed25519@openssh.com") + wire(b"k" * 32) + wire(b"ssh:")
    inner = wire(b"sk-ssh-ed25519@openssh.com") + wire(b"s" * 64) + b"\x01\x00\x00\x00\x05"
    parts = (key, SPACE.encode(), b"", b"sha512", inner)
    assert refusal(b"SSHSIG\x00\x00\x00\x01" + b"".join(wire(part) for part in parts)) == "SIGNATURE_UNSUPPORTED"


@pytest.mark.parametrize(
    "line",
    ["", "ssh-ed25519", "ssh-ed25519 !!!!", "ssh-rsa AAAAC3NzaC1lZDI1NTE5", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA"],
)
def test_a_line_that_is_no_key_is_refused(line: str) -> None:
    with pytest.raises(sshsig.SignatureError):
        sshsig.parse_public_key(line)


def test_two_keys_on_two_lines_are_refused() -> None:
    with pytest.raises(sshsig.SignatureError) as caught:
        sshsig.parse_public_key(a_key("dana").public + "\n" + a_key("ravi").public)
    assert caught.value.code == "KEY_INVALID"


def test_a_short_rsa_key_is_refused(tmp_path: Path) -> None:
    key = an_ssh_key(tmp_path, "rsa", "-b", "2048")
    with pytest.raises(sshsig.SignatureError) as caught:
        sshsig.parse_public_key(key.with_suffix(".pub").read_text())
    assert caught.value.code == "KEY_WEAK"
    assert refusal(signed_by_ssh(key)) == "KEY_WEAK"


@pytest.mark.parametrize(
    "kind",
    [("ed25519",), ("ecdsa", "-b", "256"), ("ecdsa", "-b", "384"), ("ecdsa", "-b", "521"), ("rsa", "-b", "3072")],
)
@pytest.mark.parametrize("hash_name", ["sha256", "sha512"])
def test_what_ssh_keygen_signs_verifies_here(tmp_path: Path, kind: tuple[str, ...], hash_name: str) -> None:
    key = an_ssh_key(tmp_path, *kind)
    public = sshsig.parse_public_key(key.with_suffix(".pub").read_text())
    blob = signed_by_ssh(key, hash_name=hash_name)
    assert refusal(blob, b"another message") == "BAD_SIGNATURE"
    assert sshsig.verify(blob, MESSAGE, SPACE) == public
    shown = subprocess.run(
        ["ssh-keygen", "-l", "-f", key.with_suffix(".pub")], capture_output=True, text=True, check=True
    )
    assert shown.stdout.split()[1] == public.keyid


def test_what_is_signed_here_verifies_with_ssh_keygen(tmp_path: Path) -> None:
    key = a_key("dana")
    signature, signers = tmp_path / "sig", tmp_path / "signers"
    signature.write_text(key.sign(MESSAGE, SPACE))
    signers.write_text(f"dana {key.public}\n")
    argv = ["ssh-keygen", "-Y", "verify", "-f", signers, "-I", "dana", "-n", SPACE, "-s", signature]
    assert subprocess.run(argv, input=MESSAGE, capture_output=True, check=False).returncode == 0
    assert subprocess.run(argv, input=MESSAGE + b".", capture_output=True, check=False).returncode != 0


def test_armor_has_one_reading() -> None:
    blob = a_key("dana").blob(MESSAGE, SPACE)
    text = sshsig.armor(blob)
    assert sshsig.dearmor(text) == blob
    for broken in (text[1:], text + "x", text.replace("U1NI", "U1N*"), "", text.replace("-----END", "----END")):
        with pytest.raises(sshsig.SignatureError):
            sshsig.dearmor(broken)


def test_pae_is_as_dsse_gives_it() -> None:
    assert sshsig.pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


@given(st.data())
def test_no_flipped_byte_verifies(data: st.DataObject) -> None:
    blob = bytearray(a_key("dana").blob(MESSAGE, SPACE))
    place = data.draw(st.integers(0, len(blob) - 1))
    blob[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(sshsig.SignatureError):
        sshsig.verify(bytes(blob), MESSAGE, SPACE)


@given(st.binary(max_size=400))
def test_any_bytes_are_refused_with_a_code(data: bytes) -> None:
    assert refusal(b"SSHSIG\x00\x00\x00\x01" + data)
