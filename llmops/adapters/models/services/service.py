"""What differs between services that speak as OpenAI does: one interface, and what their complaints mean.

Rules, in order:

1. A service is bound to one model of llmops.yaml. It gives addresses, headers and bodies, and reads complaints; it
   sends nothing and keeps nothing.
2. `adapt` changes how a request is written, never what it asks: what names a request is the body before it.
3. A complaint is read into one of a few kinds, by what has to happen next, whatever shape the service gives it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from llmops.adapters.keys import Secret

LONGEST_WORDS = 300


class Kind(StrEnum):
    """What a reply that is no answer means for what happens next."""

    AGAIN = "again"  # trouble over there: the same request may succeed
    LIMITED = "limited"  # the account's limit: the same request will succeed, later
    MEND = "mend"  # the same question, written in another way, will succeed
    INPUT = "input"  # this request cannot be answered, others may be
    CONTENT_FILTER = "content_filter"  # the service refuses to answer this: that is an answer
    KEY = "key"  # no or the wrong key, or one without the right
    MODEL = "model"  # no such model or deployment
    ADDRESS = "address"  # something else lives there
    REFUSED = "refused"  # money spent, a setting that the model does not take: equal for every request


class Mend(StrEnum):
    """Another way to write the same question, for endpoints that say they do not know the first."""

    COMPLETION_TOKENS = "max_completion_tokens"  # OpenAI's reasoning models know `max_tokens` under this name alone
    FORMAT_BY_VALUE = "response_format.value"  # text-generation-inference 2: the schema stands in `value`

    def apply(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The body with the change; one that it does not concern stays as it is."""
        if self is Mend.COMPLETION_TOKENS:
            return {(self.value if key == "max_tokens" else key): item for key, item in body.items()}
        wanted = body.get("response_format", {})
        if wanted.get("type") != "json_schema" or "json_schema" not in wanted:
            return dict(body)
        return {**body, "response_format": {"type": "json_object", "value": wanted["json_schema"]["schema"]}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """One reply that is no answer. `words` are the endpoint's own, on one line, and may quote a key; `hint` says what
    to do; `seconds` is how long the endpoint asks to wait (None: it does not say)."""

    kind: Kind
    words: str = ""
    hint: str = ""
    seconds: float | None = None
    mend: Mend | None = None


class Service(Protocol):
    """One model at one service."""

    @property
    def base_url(self) -> str:
        """The address that everything is asked below."""
        ...

    def url(self, path: str) -> str:
        """Where `path` ("/chat/completions", "/embeddings") is asked. Raises: CannotAsk MODEL_ADDRESS."""
        ...

    def headers(self, secret: Secret | None) -> dict[str, str]:
        """Who asks. Raises: CannotAsk INSECURE_ADDRESS for a key that would cross a network unencrypted."""
        ...

    def adapt(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The body as this service wants it written."""
        ...

    def read_error(
        self, status: int, body: bytes, headers: Mapping[str, str] | None = None, *, now: float = 0.0
    ) -> Complaint:
        """What a reply means that is no completion; `now` (seconds since the epoch) is for dates in its headers."""
        ...
