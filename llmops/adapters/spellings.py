"""How a key may be written by whoever quotes it, and how it is found again.

Rules, in order:

1. Whole copies: as it is, in hexadecimal digits, as its sha256, in base64 (both alphabets, padded or not, also as a
   part of something longer, which begins at any of three places within four characters).
2. Character by character: each as it is or escaped, in any mixture: `\\u0073`, `\\/`, `%73`, `&#115;`, `&lt;`, and
   these once more within another (`\\\\u0026`, `%2573`, `&amp;lt;`).
3. In messages also masked in the middle, and a piece of it that is longer than words have in common by chance.
4. What ends as a key begins may be a key that was cut there.
5. What is found is cached by key: a reply costs a search for each form, nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import html
import itertools
import json
import re
from functools import lru_cache

_SHOWN_BY_MASKS = 3  # services that mask a key leave its beginning to be read
_LONGEST_PIECE = 8
_SHORTEST_PIECE = 6
_SHORTEST_TAIL = 4
_ESCAPES = ("\\", "%", "&")
_ESCAPE_BYTES = (b"\\", b"%", b"&")


def hidden(text: str, value: str, sign: str) -> str:
    """`text` with `sign` wherever the key `value` is quoted (rules 1 and 2)."""
    for form in _forms(value):
        if form in text:
            text = text.replace(form, sign)
    if any(escape in text for escape in _ESCAPES):
        text = _spelled(value).sub(sign, text)
    return text


def hidden_bytes(data: bytes, value: str, sign: bytes) -> bytes:
    """The same of bytes: those of a JSON reply, say, before it is read."""
    for form in _byte_forms(value):
        if form in data:
            data = data.replace(form, sign)
    if any(escape in data for escape in _ESCAPE_BYTES):
        data = _spelled_bytes(value).sub(sign, data)
    return data


def masked_hidden(text: str, value: str, sign: str) -> str:
    """`text` with `sign` for the key where its middle is masked, and for pieces of it (rule 3)."""
    start = re.escape(value[:_SHOWN_BY_MASKS])
    text = re.sub(rf"(?<!\w){start}[\w.-]{{0,99}}(?:\*{{2,}}|\.{{3,}}|…)[\w.-]{{0,99}}", lambda _: sign, text)
    return _pieces_hidden(text, value, sign)


def without_tail(text: str, value: str) -> str:
    """`text` without an end that may be the beginning of the key (rule 4)."""
    for form in (value, *_forms(value)):
        for size in range(min(len(form), len(text)), _SHORTEST_TAIL - 1, -1):
            if text.endswith(form[:size]):
                return text[:-size]
    return text


def _pieces_hidden(text: str, value: str, sign: str) -> str:
    size = max(_SHORTEST_PIECE, min(_LONGEST_PIECE, len(value) // 2))
    pieces = {value[at : at + size] for at in range(len(value) - size + 1)}
    if not any(piece in text for piece in pieces):
        return text
    kept, at = [], 0
    while at < len(text):
        if text[at : at + size] not in pieces:
            kept.append(text[at])
            at += 1
            continue
        end = at + size
        while end < len(text) and text[at : end + 1] in value:
            end += 1
        kept.append(sign)
        at = end
    return "".join(kept)


@lru_cache(maxsize=64)
def _forms(value: str) -> tuple[str, ...]:
    """Whole copies, the longest first: one form may be a part of another."""
    data = value.encode()
    digest = hashlib.sha256(data).hexdigest()
    # As JSON has it: half of an escaped backslash would break the reply.
    forms = {value, json.dumps(value)[1:-1], data.hex(), data.hex().upper(), digest, digest.upper()}
    for alphabet in (base64.b64encode, base64.urlsafe_b64encode):
        forms.update(_within_base64(alphabet(bytes(before) + data).decode(), before) for before in range(3))
    forms |= {form.replace("/", "\\/") for form in forms}
    return tuple(sorted(forms, key=lambda form: (-len(form), form)))


def _within_base64(text: str, before: int) -> str:
    """The characters that hold nothing but the key, `before` bytes of others standing ahead of it."""
    padding = len(text) - len(text.rstrip("="))
    # The last character before the padding holds bits of what follows, where something does.
    return text[(0, 2, 3)[before] : len(text) - padding - (1 if padding else 0)]


@lru_cache(maxsize=64)
def _byte_forms(value: str) -> tuple[bytes, ...]:
    return tuple(form.encode() for form in _forms(value))


@lru_cache(maxsize=64)
def _spelled(value: str) -> re.Pattern[str]:
    return re.compile(_pattern(value))


@lru_cache(maxsize=64)
def _spelled_bytes(value: str) -> re.Pattern[bytes]:
    return re.compile(_pattern(value).encode())


def _pattern(value: str) -> str:
    rows = (list(row) for _, row in itertools.groupby(value, key="\\".__eq__))
    return "".join(_backslashes(len(row)) if row[0] == "\\" else "".join(map(_spellings, row)) for row in rows)


def _backslashes(count: int) -> str:
    """So many in a row, which escapes may have doubled twice."""
    return rf"(?:\\{{{count},{4 * count}}}|(?:\\+u(?i:005c)|%(?:25)*(?i:5c)|&(?:amp;)*#(?:92|[xX](?i:5c));){{{count}}})"


def _spellings(character: str) -> str:
    """One character in all ways (rule 2). Every way begins with a plain character: so the search is quick."""
    plain, code = re.escape(character), ord(character)
    name = html.escape(character)
    ways = [rf"&(?:amp;)*#(?:0*{code}|[xX]0*(?i:{code:x}));"]
    if len(name) > 1:
        ways.append(rf"&(?:amp;)*{re.escape(name[1:])}")
    if code < 128:
        ways.append(rf"%(?:25)*(?i:{code:02x})")
    # No second way through a row of backslashes, however long: `*+` gives nothing back.
    ways.append(plain)  # after those that begin with it: the whole of an escape is hidden
    # Its number first: of an escaped `u` the letter that begins the escape is not all.
    ways.append(rf"\\\\*+(?:u(?i:{code:04x})|{plain})")
    return f"(?:{'|'.join(ways)})"
