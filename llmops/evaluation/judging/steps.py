"""What a judge asks and is told, as values: the protocol between a metric and whoever carries its requests.

Rules, in order:

1. A metric is a generator. It yields a batch of requests, is sent their replies in the same order, one a request, and
   returns its score. It knows no network, no clock and no event loop.
2. The requests of a batch do not depend on each other: the carrier asks them all at once. Only what needs an earlier
   reply waits for the next batch.
3. Equal requests are equal values, whichever metric asks: a carrier that sends equal requests once saves the claims
   and verdicts that metrics have in common.
4. A request that could not be answered while others could is a reply too: `Said.failure` says why.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from llmops.evaluation.evidence import Score

# A judge is asked for its likeliest verdict: a second run of it should say the same. Its longest reply is a list of
# claims; a limit keeps a judge that does not end from being paid for, and a cap on money needs one.
PARAMETERS: Mapping[str, Any] = MappingProxyType({"temperature": 0, "max_tokens": 1024})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One question to the judge's model. `schema`: the JSON object wanted in reply. `repeat` is 1 where the reply to
    the same question could not be used, so that no cache gives that reply again."""

    messages: tuple[Mapping[str, Any], ...]
    schema: Mapping[str, Any] | None = None
    repeat: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Embed:
    """Texts whose embeddings are wanted."""

    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What the model replied. `finish_reason` and `is_refusal` are the endpoint's own words; `failure`, where it is not
    empty, says why this one request got no reply."""

    text: str
    finish_reason: str = "stop"
    is_refusal: bool = False
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vectors:
    """Embeddings, a row a text. Rows of plain floats are read fastest."""

    rows: Sequence[Sequence[float]]


Batch = tuple[Ask | Embed, ...]
Replies = tuple[Said | Vectors, ...]
Steps = Generator[Batch, Replies, Score]
