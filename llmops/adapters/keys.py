"""Keys: read from the environment by name, sent over lines that nobody listens to, shown nowhere.

Rules, in order:

1. A key is the value of an environment variable that the configuration names. A name without a value is an error
   before anything is sent.
2. A key goes to the address that the configuration pairs it with. Over plain http it goes to this machine and to
   private networks alone: loopback, RFC 1918, fc00::/7 (RFC 4193), names that no public server can have (one word;
   .local, .internal, .localhost, .home.arpa, .svc). There is no switch for more: an endpoint that is worth a key has
   https, and a private one an address of its own network.
3. Whoever was given a key may quote it: whole, encoded, as its sha256; in messages also masked in the middle, or a
   piece of it (`spellings`). All of these are hidden, before anything is cut. A key of fewer than 8 characters
   ("EMPTY", "ollama") is a placeholder and is left alone: it would be found within ordinary words.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from llmops.adapters import spellings
from llmops.documents.config import ModelConfig
from llmops.errors import CannotAsk

HIDDEN = "[key]"
SHORTEST_SECRET = 8
_PRIVATE = tuple(
    ipaddress.ip_network(net)
    for net in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
)
# A single word has to begin with a letter: `http://134744072/` is 8.8.8.8 to some resolvers.
_PRIVATE_NAME = re.compile(
    r"[a-z](?:[a-z0-9-]*[a-z0-9])?|(?:[a-z0-9_-]+\.)+(?:local|internal|localhost|svc|home\.arpa)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A key, or a bearer token where the service takes one instead. Its `repr` does not show it."""

    value: str = field(repr=False)
    is_token: bool = False

    def hide(self, text: str) -> str:
        """A message without the key in it: whole, encoded, masked or a piece of it."""
        if len(self.value) < SHORTEST_SECRET:
            return text
        return spellings.masked_hidden(self.hide_in_answer(text), self.value, HIDDEN)

    def excerpt(self, text: str, length: int) -> str:
        """The beginning of a text in a message, on one line, cut after the key is hidden."""
        said = self.hide(" ".join(text.split()))[:length]
        return spellings.without_tail(said, self.value) if len(self.value) >= SHORTEST_SECRET else said

    def hide_in_answer(self, text: str) -> str:
        """An answer without the key in it; every other character stays. (Masks and pieces are not looked for: an
        answer has words of its own that begin as a key does.)"""
        return spellings.hidden(text, self.value, HIDDEN) if len(self.value) >= SHORTEST_SECRET else text

    def hide_bytes(self, data: bytes) -> bytes:
        """A reply without the key in it; every other byte stays."""
        if len(self.value) < SHORTEST_SECRET:
            return data
        return spellings.hidden_bytes(data, self.value, HIDDEN.encode())


def secret_of(config: ModelConfig, environ: Mapping[str, str]) -> Secret | None:
    """The token or the key that `config` names, the token first; None where it names neither.

    Raises: CannotAsk KEY_MISSING, KEY_INVALID.
    """
    if config.token_env and (environ.get(config.token_env, "").strip() or not config.key_env):
        return read_secret(f"model '{config.name}'", config.token_env, environ, is_token=True)
    return read_secret(f"model '{config.name}'", config.key_env, environ) if config.key_env else None


def read_secret(who: str, name: str, environ: Mapping[str, str], *, is_token: bool = False) -> Secret:
    """The value of the variable `name`, for `who`. Raises: CannotAsk KEY_MISSING, KEY_INVALID."""
    value = environ.get(name, "").strip()
    if not value:
        raise CannotAsk(
            "KEY_MISSING",
            f"{who} wants its {'token' if is_token else 'key'} in {name}, which is not set",
            where="llmops.yaml",
            hint=f"export {name}=…, or name another variable there",
        )
    if not (value.isascii() and value.isprintable()) or " " in value:
        # An HTTP library would quote such a header, key and all, in its complaint.
        raise CannotAsk(
            "KEY_INVALID",
            f"the key in {name} holds characters that no HTTP header carries",
            where="llmops.yaml",
            hint=f"set {name} to the key alone: printable ASCII without blanks",
        )
    return Secret(value=value, is_token=is_token)


def check_address(who: str, address: str) -> None:
    """Say whether a key may go to `address`. Raises: CannotAsk INSECURE_ADDRESS."""
    parts = urlsplit(address)
    if parts.scheme == "https" or (parts.scheme == "http" and is_private(parts.hostname or "")):
        return
    raise CannotAsk(
        "INSECURE_ADDRESS",
        f"{who} would send its key to {parts.hostname or address} over {parts.scheme or 'no scheme'}, unencrypted",
        where="llmops.yaml",
        hint="write https://…; plain http is for this machine and private networks "
        "(10.x, 172.16-31.x, 192.168.x, NAME, NAME.local, NAME.internal), or for an endpoint without a key",
    )


def origin(address: str) -> str:
    """Scheme and host of an address that somebody else wrote: what follows may quote a key, whole or in part."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "an address that is none"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.netloc else ""


def is_private(host: str) -> bool:
    """True for this machine and private networks."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return bool(_PRIVATE_NAME.fullmatch(host.rstrip(".")))
    return any(address in net for net in _PRIVATE)
