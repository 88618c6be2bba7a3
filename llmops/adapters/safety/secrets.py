"""Secrets by the plug-ins of `detect-secrets`, in this process and without any network.

Its plug-ins are asked directly, string by string: its scanner would read files, spread over processes and may ask the
issuer whether a key is live. Against false alarms in prose:

1. plug-ins that read words, not keys, are left out: keywords ("password: …") and public IP addresses;
2. a find must mix letters and digits and be no template, UUID or sequence, save for private keys and addresses;
3. a string that only looks random counts where its line names a secret, and from the entropy below: digests look
   random too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib import metadata
from typing import Any

from llmops.documents.scanning.hits import Finder, Hit, without_overlaps
from llmops.errors import CannotAsk

# The scanner's own defaults are 4.5 and 3.0 bits a character, on any line.
BASE64_ENTROPY, HEX_ENTROPY, LONG, SHORTEST = 4.5, 3.3, 20, 8

_LEFT_OUT = {"KeywordDetector", "IPPublicDetector", "Base64HighEntropyString", "HexHighEntropyString"}
_FORM_ENOUGH = {"PrivateKeyDetector", "BasicAuthDetector"}
_NAMES_A_SECRET = re.compile(r"secret|token|passw|credential|api[-_ ]?key|access[-_ ]?key|private[-_ ]?key", re.I)
_PLACEHOLDER = re.compile(r"[{<$\[%]|\*\*|your|example|changeme|placeholder|redacted|xxxx", re.I)


def detect_secrets_finder() -> Finder:
    """The finder for rule `secret`. Raises: CannotAsk EXTRA_MISSING."""
    try:
        return _DetectSecrets(metadata.version("detect-secrets"))
    except metadata.PackageNotFoundError as error:
        what = "a search for secrets asks for the package detect-secrets, which is not installed"
        raise CannotAsk("EXTRA_MISSING", what, hint="run `pip install detect-secrets`") from error


class _DetectSecrets:
    name = "detect-secrets"
    rule = "secret"

    def __init__(self, version: str) -> None:
        self.version = f"{version}+{BASE64_ENTROPY}/{HEX_ENTROPY}"

    def __call__(self, text: str) -> tuple[Hit, ...]:
        start, found = 0, list[Hit]()
        for line in text.splitlines(keepends=True):
            found += (_hit(kind, secret, line, start) for kind, secret in _secrets(line))
            start += len(line)
        return without_overlaps(found)


def _secrets(line: str) -> Iterator[tuple[str, str]]:
    for plugin in _plugins():
        for secret in _said(plugin, line):
            if type(plugin).__name__ in _FORM_ENOUGH or _is_likely(secret):
                yield _kind(plugin), secret
    if _NAMES_A_SECRET.search(line):
        for plugin in _entropies():
            for secret in plugin.analyze_string(line):
                random = plugin.calculate_shannon_entropy(secret) >= plugin.entropy_limit
                if random and len(secret) >= LONG and _is_likely(secret):
                    yield _kind(plugin), secret


def _said(plugin: Any, line: str) -> Iterator[str]:
    """The secrets in a line. Some plug-ins name only a part of a find, as the prefix of a key: the whole, then."""
    short = False
    for secret in plugin.analyze_string(line):
        short = short or len(secret) < SHORTEST
        if len(secret) >= SHORTEST:
            yield secret
    if short:
        yield from (match[0] for form in getattr(plugin, "denylist", ()) for match in form.finditer(line))


def _hit(kind: str, secret: str, line: str, start: int) -> Hit:
    at = start + line.index(secret)
    return Hit(kind=kind, start=at, end=at + len(secret), text=secret)


def _is_likely(secret: str) -> bool:
    from detect_secrets.filters import heuristic

    mixed = any(char.isdigit() for char in secret) and any(char.isalpha() for char in secret)
    tells_nothing = (heuristic.is_potential_uuid, heuristic.is_sequential_string, heuristic.is_templated_secret)
    return mixed and not _PLACEHOLDER.search(secret) and not any(tell(secret) for tell in tells_nothing)


def _kind(plugin: Any) -> str:
    return re.sub(r"\W+", "-", str(plugin.secret_type).lower()).strip("-")


@lru_cache(maxsize=1)
def _plugins() -> tuple[Any, ...]:
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class

    classes: Iterable[type] = get_mapping_from_secret_type_to_class().values()
    return tuple(kind() for kind in sorted(classes, key=lambda kind: kind.__name__) if kind.__name__ not in _LEFT_OUT)


@lru_cache(maxsize=1)
def _entropies() -> tuple[Any, ...]:
    from detect_secrets.plugins.high_entropy_strings import Base64HighEntropyString, HexHighEntropyString

    return Base64HighEntropyString(limit=BASE64_ENTROPY), HexHighEntropyString(limit=HEX_ENTROPY)
