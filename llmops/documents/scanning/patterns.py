"""Personal data and secrets in text: what counts as found.

Two steps, so that clean text costs one pass:

1. One combined prefilter tells whether anything could be there at all.
2. Each kind has its exact pattern, and a check where the kind carries one: Luhn for cards, ISO 7064 mod 97 for IBANs,
   the ranges that were ever issued for US social security numbers, four octets for IPv4.

Left out on purpose, because they are made to be shown: the documentation ranges (RFC 2606 `example.*` domains, RFC 5737
addresses, 555-01xx telephone numbers) are not reported by `find_personal_data(..., documentation=False)`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One find: its kind, where it stands in the text (`text[start:end]`), and the text itself."""

    kind: str
    start: int
    end: int
    text: str

    @property
    def masked(self) -> str:
        """The first four characters and stars: enough to find it, not enough to use it."""
        return self.text[:4] + "*" * min(8, max(0, len(self.text) - 4))


@dataclass(frozen=True, slots=True)
class _Kind:
    name: str
    pattern: re.Pattern[str]
    is_real: Callable[[str], bool] = lambda _text: True
    is_documentation: Callable[[str], bool] = lambda _text: False


def find_personal_data(text: str, *, documentation: bool = True) -> tuple[Hit, ...]:
    """E-mail addresses, telephone numbers, US social security numbers, cards, IBANs, IPv4 addresses in `text`.

    `documentation=False` leaves out addresses and numbers that are reserved for examples.
    """
    if not _MAYBE_PERSONAL.search(text):
        return ()
    return _without_overlaps(_hits(text, _PERSONAL, documentation=documentation))


def find_secrets(text: str) -> tuple[Hit, ...]:
    """Access keys, tokens, private keys and passwords in URLs in `text`."""
    if not _MAYBE_SECRET.search(text):
        return ()
    return _without_overlaps(_hits(text, _SECRETS, documentation=True))


def _hits(text: str, kinds: tuple[_Kind, ...], *, documentation: bool) -> Iterable[Hit]:
    for kind in kinds:
        for match in kind.pattern.finditer(text):
            found = match.group()
            if kind.is_real(found) and (documentation or not kind.is_documentation(found)):
                yield Hit(kind=kind.name, start=match.start(), end=match.end(), text=found)


def _without_overlaps(hits: Iterable[Hit]) -> tuple[Hit, ...]:
    """Kinds are listed strictest first: what a stricter kind took, a looser one does not report again."""
    taken: list[Hit] = []
    for hit in hits:
        if all(hit.end <= other.start or hit.start >= other.end for other in taken):
            taken.append(hit)
    return tuple(sorted(taken, key=lambda hit: hit.start))


def _digits(text: str) -> list[int]:
    return [int(char) for char in text if char.isdigit()]


def _passes_luhn(text: str) -> bool:
    """ISO/IEC 7812-1 annex B; thirteen to nineteen digits that are not all the same."""
    digits = _digits(text)
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[-2::-2]]
    return 13 <= len(digits) <= 19 and len(set(digits)) > 1 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _passes_mod_97(text: str) -> bool:
    """ISO 13616: the first four characters go to the end, letters become 10 to 35, the rest modulo 97 is 1."""
    compact = text.replace(" ", "")
    return 15 <= len(compact) <= 34 and int("".join(str(int(char, 36)) for char in compact[4:] + compact[:4])) % 97 == 1


def _was_ever_issued(text: str) -> bool:
    """US social security numbers have no area 000, 666 or 900 to 999, no group 00 and no serial 0000."""
    area, group, serial = re.split(r"[- ]", text)
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


def _is_example_domain(text: str) -> bool:
    domain = text.rpartition("@")[2].lower()
    return domain.endswith((".example", ".test", ".invalid")) or bool(
        re.search(r"(?:^|\.)example\.(?:com|org|net)$", domain)
    )


def _is_fictional_number(text: str) -> bool:
    """555-0100 to 555-0199 are kept free for fiction in the North American numbering plan."""
    return re.search(r"55501\d\d$", "".join(char for char in text if char.isdigit())) is not None


def _is_documentation_address(text: str) -> bool:
    """RFC 5737, loopback, unspecified and private addresses name nobody."""
    return text.startswith(("192.0.2.", "198.51.100.", "203.0.113.", "127.", "0.", "10.", "192.168.", "255.")) or bool(
        re.match(r"172\.(?:1[6-9]|2\d|3[01])\.", text)
    )


def _has_entropy(text: str) -> bool:
    """A key mixes letters and digits; `sk-your-key-goes-here-please` does not."""
    tail = text.rpartition("-")[2]
    return len(set(tail)) >= 8 and any(char.isdigit() for char in tail) and any(char.isalpha() for char in tail)


_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"

_PERSONAL = (
    _Kind(
        "email",
        re.compile(
            r"(?<![\w.+-])[A-Za-z0-9][\w.+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\w-])", re.ASCII
        ),
        is_documentation=_is_example_domain,
    ),
    _Kind("iban", re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b", re.ASCII), _passes_mod_97),
    _Kind("card", re.compile(r"(?<![\d.-])\d(?:[ -]?\d){12,18}(?![\d.-]?\d)", re.ASCII), _passes_luhn),
    _Kind("ssn", re.compile(r"(?<![\d-])\d{3}([- ])\d{2}\1\d{4}(?![\d-])", re.ASCII), _was_ever_issued),
    _Kind(
        "ipv4",
        re.compile(rf"(?<![\w.-]){_OCTET}(?:\.{_OCTET}){{3}}(?![\w-]|\.\d)", re.ASCII),
        is_documentation=_is_documentation_address,
    ),
    _Kind(
        "phone",
        re.compile(
            r"(?<![\w+.-])(?:"
            r"\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{1,4}(?:[ .-]?\d{2,4}){2,4}"
            r"|(?:1[ .-])?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[ .-])[2-9]\d{2}[ .-]\d{4}"
            r")(?![\w-])",
            re.ASCII,
        ),
        is_documentation=_is_fictional_number,
    ),
)

_SECRETS = (
    _Kind("private-key", re.compile(r"-----BEGIN (?:[A-Z]+ ){0,2}PRIVATE KEY(?: BLOCK)?-----")),
    _Kind("aws-key", re.compile(r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b")),
    _Kind("github-token", re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{60,255})\b")),
    _Kind("slack-token", re.compile(r"\bxox[abposr]-[A-Za-z0-9-]{10,250}\b")),
    _Kind("google-key", re.compile(r"\bAIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])")),
    _Kind("jwt", re.compile(r"\beyJ[A-Za-z0-9_-]{8,2000}\.eyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{16,2000}")),
    _Kind("api-key", re.compile(r"\b(?:sk|pk|rk)-(?:[a-z0-9]{2,12}-){0,3}[A-Za-z0-9_]{20,200}\b"), _has_entropy),
    _Kind("api-key", re.compile(r"\b(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,200}\b")),
    _Kind("url-password", re.compile(r"\b[a-z][a-z0-9+]{1,12}://[^\s:/@{}]{1,64}:[^\s:/@{}]{3,128}@[\w.-]{1,200}")),
)

# What every kind needs at least: an @, a card's, number's or address's run of digits, an IBAN's head.
_MAYBE_PERSONAL = re.compile(r"@|\d[\d .()-]{5,}\d|\b[A-Z]{2}\d{2}", re.ASCII)
_MAYBE_SECRET = re.compile(
    r"PRIVATE KEY|A[KSBC][IC]A[A-Z2-7]|gh[pousr]_|github_pat_|xox[abposr]-|AIza|eyJ|[sr]k[-_]|pk-|://[^\s/]*@"
)
