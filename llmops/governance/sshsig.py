"""SSH signatures (SSHSIG), verified in-process: parsed strictly, so that one signature has one spelling.

Rules, in order:

1. Armor: the two marker lines around base64; nothing before, between or behind.
2. Blob (OpenSSH, PROTOCOL.sshsig): magic `SSHSIG`, version 1, public key, namespace, reserved (empty), hash algorithm
   (sha256 or sha512, nothing older), signature; no byte may follow.
3. The namespace is the one the caller expects: a signature made for one kind of record stands for no other.
4. ed25519, ecdsa over P-256, P-384, P-521, and rsa of 3072 bits or more with rsa-sha2-256 or rsa-sha2-512.
   Hardware keys (`sk-*`) are reported as SIGNATURE_UNSUPPORTED: `ssh-keygen -Y verify` can check those.

Who owns a key, and what that person may do, is left to `policy`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

MAGIC = b"SSHSIG"
LARGEST_SIGNATURE = 16_384
HASHES = ("sha256", "sha512")
_BEGIN = "-----BEGIN SSH SIGNATURE-----"
_END = "-----END SSH SIGNATURE-----"
_KEY_LINE = re.compile(r"(?P<kind>[a-z0-9@.-]+) (?P<blob>[A-Za-z0-9+/]+={0,2})(?: [^\r\n]*)?")
_ECDSA = {"ecdsa-sha2-nistp256": 256, "ecdsa-sha2-nistp384": 384, "ecdsa-sha2-nistp521": 512}
_RSA = {"rsa-sha2-256": 256, "rsa-sha2-512": 512}
SUPPORTED = ("ssh-ed25519", *_ECDSA, "ssh-rsa")
LEAST_RSA_BITS = 3072


class SignatureError(ValueError):
    """A signature or key that does not stand; `code` says in which way."""

    def __init__(self, code: str, what: str) -> None:
        super().__init__(what)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """One SSH public key: its type and its wire form. Equal bytes are one key, whatever comment stood beside them."""

    kind: str
    blob: bytes

    @property
    def keyid(self) -> str:
        """The fingerprint as `ssh-keygen -l` prints it."""
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip("=")

    @property
    def line(self) -> str:
        """`ssh-ed25519 AAAA…`, without a comment."""
        return f"{self.kind} {base64.b64encode(self.blob).decode()}"

    @property
    def is_hardware(self) -> bool:
        return self.kind.startswith("sk-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A parsed SSHSIG blob."""

    key: PublicKey
    namespace: str
    hash_name: str
    algorithm: str
    value: bytes


def pae(payload_type: str, body: bytes) -> bytes:
    """The DSSE pre-authentication encoding (DSSE protocol, "Signature Definition"): the bytes that are signed."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(body), body)


def parse_public_key(line: str) -> PublicKey:
    """The key in `ssh-ed25519 AAAA… comment`. Raises: SignatureError KEY_INVALID or KEY_WEAK."""
    match = _KEY_LINE.fullmatch(line.strip())
    if not match:
        raise SignatureError("KEY_INVALID", "no SSH public key: expected one line `ssh-ed25519 AAAA…`")
    key = _public_key(_base64(match["blob"], "KEY_INVALID"))
    if key.kind != match["kind"]:
        raise SignatureError("KEY_INVALID", f"the line says {match['kind']}, the key itself says {key.kind}")
    if key.kind in SUPPORTED:
        _load(key)
    elif not key.is_hardware:
        raise SignatureError("KEY_INVALID", f"keys of type {key.kind} are not accepted")
    return key


def armor(blob: bytes) -> str:
    """The blob as `ssh-keygen -Y verify` reads it."""
    text = base64.b64encode(blob).decode()
    lines = [text[start : start + 70] for start in range(0, len(text), 70)]
    return "\n".join([_BEGIN, *lines, _END, ""])


def dearmor(text: str) -> bytes:
    """The blob in an armored signature. Raises: SignatureError SIGNATURE_MALFORMED."""
    lines = text.strip("\n").split("\n")
    if len(text) > 2 * LARGEST_SIGNATURE or len(lines) < 3 or (lines[0], lines[-1]) != (_BEGIN, _END):
        raise SignatureError("SIGNATURE_MALFORMED", "no armored SSH signature")
    return _base64("".join(lines[1:-1]), "SIGNATURE_MALFORMED")


def parse(blob: bytes) -> Signature:
    """The parts of an SSHSIG blob. Raises: SignatureError SIGNATURE_MALFORMED or SIGNATURE_UNSUPPORTED."""
    if len(blob) > LARGEST_SIGNATURE or blob[:10] != MAGIC + b"\x00\x00\x00\x01":
        raise SignatureError("SIGNATURE_MALFORMED", "no SSHSIG of version 1")
    key, rest = _string(blob[10:])
    namespace, rest = _string(rest)
    reserved, rest = _string(rest)
    hash_name, rest = _string(rest)
    inner, rest = _string(rest)
    algorithm, tail = _string(inner)
    value, end = (tail, b"") if algorithm.startswith(b"sk-") else _string(tail)
    if rest or end or reserved:
        raise SignatureError("SIGNATURE_MALFORMED", "bytes follow where the signature should end")
    if hash_name.decode("latin-1") not in HASHES:
        raise SignatureError("SIGNATURE_UNSUPPORTED", f"hash {hash_name.decode('latin-1')!r}, expected one of {HASHES}")
    return Signature(
        key=_public_key(key),
        namespace=namespace.decode("latin-1"),
        hash_name=hash_name.decode(),
        algorithm=algorithm.decode("latin-1"),
        value=value,
    )


def verify(blob: bytes, message: bytes, namespace: str) -> PublicKey:
    """The key that signed `message` for `namespace`. Raises: SignatureError with the code of what is wrong."""
    signature = parse(blob)
    if signature.namespace != namespace:
        raise SignatureError("WRONG_NAMESPACE", f"signed for {signature.namespace!r}, expected {namespace!r}")
    if signature.key.is_hardware or signature.key.kind not in SUPPORTED:
        raise SignatureError(
            "SIGNATURE_UNSUPPORTED", f"{signature.key.kind} cannot be checked in-process: use `ssh-keygen -Y verify`"
        )
    digest = hashlib.new(signature.hash_name, message).digest()
    parts = (namespace.encode(), b"", signature.hash_name.encode(), digest)
    _check(signature, MAGIC + b"".join(_wire(part) for part in parts))
    return signature.key


def _check(signature: Signature, signed: bytes) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

    loaded = _load(signature.key)
    try:
        match loaded:
            case ed25519.Ed25519PublicKey() if signature.algorithm == "ssh-ed25519":
                loaded.verify(signature.value, signed)
            case ec.EllipticCurvePublicKey() if signature.algorithm == signature.key.kind:
                loaded.verify(_der(signature.value), signed, ec.ECDSA(_hash(_ECDSA[signature.algorithm])))
            case rsa.RSAPublicKey() if signature.algorithm in _RSA:
                loaded.verify(signature.value, signed, padding.PKCS1v15(), _hash(_RSA[signature.algorithm]))
            case _:
                raise SignatureError(
                    "SIGNATURE_UNSUPPORTED", f"{signature.algorithm!r} by a key of type {signature.key.kind}"
                )
    except InvalidSignature as error:
        raise SignatureError("BAD_SIGNATURE", f"the signature of {signature.key.keyid} does not verify") from error


def _load(key: PublicKey) -> PublicKeyTypes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import load_ssh_public_key

    try:
        loaded = load_ssh_public_key(key.line.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SignatureError("KEY_INVALID", f"no usable {key.kind} key: {error}") from error
    if isinstance(loaded, rsa.RSAPublicKey) and loaded.key_size < LEAST_RSA_BITS:
        raise SignatureError("KEY_WEAK", f"rsa of {loaded.key_size} bits, at least {LEAST_RSA_BITS} are required")
    return loaded


def _hash(bits: int) -> hashes.HashAlgorithm:
    from cryptography.hazmat.primitives import hashes

    return {256: hashes.SHA256(), 384: hashes.SHA384(), 512: hashes.SHA512()}[bits]


def _der(value: bytes) -> bytes:
    """An SSH ecdsa signature (two mpints, RFC 5656 section 3.1.2) in the form `cryptography` reads."""
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    first, rest = _string(value)
    second, end = _string(rest)
    numbers = (first, second)
    if end or any(not number or number[0] & 0x80 or _padded(number) for number in numbers):
        raise SignatureError("SIGNATURE_MALFORMED", "an ecdsa signature is two positive numbers, shortest form")
    return encode_dss_signature(int.from_bytes(first), int.from_bytes(second))


def _padded(number: bytes) -> bool:
    return number[0] == 0 and (len(number) == 1 or not number[1] & 0x80)


def _public_key(blob: bytes) -> PublicKey:
    kind, _ = _string(blob)
    if not re.fullmatch(rb"[a-z0-9@.-]{1,64}", kind):
        raise SignatureError("KEY_INVALID", "a key names its type in lower-case ASCII")
    return PublicKey(kind=kind.decode(), blob=blob)


def _string(data: bytes) -> tuple[bytes, bytes]:
    """One SSH string (RFC 4251 section 5) and what follows it."""
    length = int.from_bytes(data[:4])
    if len(data) < 4 or len(data) - 4 < length:
        raise SignatureError("SIGNATURE_MALFORMED", "the bytes end inside a field")
    return data[4 : 4 + length], data[4 + length :]


def _wire(data: bytes) -> bytes:
    return len(data).to_bytes(4) + data


def base64_text(blob: bytes) -> str:
    """The blob as one line of base64, as a record carries it."""
    return base64.b64encode(blob).decode()


def base64_bytes(text: str) -> bytes:
    """The blob in `text`; takes only the one spelling of its bytes. Raises: SignatureError SIGNATURE_MALFORMED."""
    return _base64(text, "SIGNATURE_MALFORMED")


def _base64(text: str, code: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise SignatureError(code, f"broken base64: {error}") from error
    if base64.b64encode(data).decode() != text:
        raise SignatureError(code, "base64 that is not the one spelling of its bytes")
    return data
