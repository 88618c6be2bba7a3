"""Asking an OpenAI-compatible endpoint until it answers, or until it is clear that it will not.

Rules, in order:

1. At most `concurrency` requests are in flight, counted in requests. A request takes a free address and gives it
   back; the embedded model's servers are addresses that take one request each.
2. A request has one deadline from sending to the last byte. Latency is that of the attempt that succeeded.
3. 408, 409, 429, 5xx, a broken connection, a missed deadline and a malformed reply are tried again, with growing,
   jittered pauses, or after as long as `Retry-After` says; anything else is a refusal at once.
4. What fails in the end is an infrastructure failure with the endpoint's own words, never a score.
5. A key stands in no message and in no answer: whoever was given it may quote it.
6. A reply is read up to `LARGEST_REPLY_BYTES`: a larger one is refused before it is held in memory.
"""

from __future__ import annotations

import asyncio
import email.utils
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llmops.adapters.models.bodies import MalformedReply, Reading, read_chat
from llmops.adapters.models.embedded.llama import Address
from llmops.errors import CannotAsk

if TYPE_CHECKING:
    from openai import AsyncOpenAI

RETRIED_STATUS = frozenset({408, 409, 425, 429})
LONGEST_MESSAGE = 300
LONGEST_RETRY_AFTER_SECONDS = 300.0
LARGEST_REPLY_BYTES = 1_000_000
HIDDEN_KEY = "[key]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often and how long to try again. A missed deadline costs most, so it has a count of its own."""

    attempts: int = 6
    timeouts: int = 2
    first_pause_seconds: float = 0.5
    longest_pause_seconds: float = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A reply and how long it took."""

    reading: Reading
    latency_ms: int


@dataclass(slots=True)
class Counts:
    """What an endpoint was asked so far."""

    sent: int = 0
    retries: int = 0


class _Failure(Exception):
    """One attempt failed. `pause` is what the endpoint asked for (None: nothing)."""

    def __init__(self, what: str, *, is_final: bool, is_timeout: bool = False, pause: float | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.is_final = is_final
        self.is_timeout = is_timeout
        self.pause = pause


class Endpoint:
    """One model behind one or more addresses."""

    def __init__(
        self,
        name: str,
        addresses: Sequence[Address],
        *,
        concurrency: int,
        timeout_seconds: float,
        is_local: bool,
        counts: Counts,
        patience: Patience,
    ) -> None:
        """`concurrency` is per address. `is_local` keeps proxies of the environment out of the way."""
        self._name = name
        self._timeout = timeout_seconds
        self._counts = counts
        self._patience = patience
        self._clients = [(address, _client(address, is_local=is_local)) for address in addresses]
        self._free: asyncio.Queue[tuple[Address, AsyncOpenAI]] = asyncio.Queue()
        for _ in range(concurrency):
            for client in self._clients:
                self._free.put_nowait(client)

    async def chat(self, body: Mapping[str, Any]) -> Sent:
        """The reply to a chat completion. Raises: CannotAsk MODEL_UNAVAILABLE, MODEL_REFUSED."""
        return await self._with_patience(lambda: self._once(body))

    async def close(self) -> None:
        for _, client in self._clients:
            await client.close()

    async def _with_patience(self, attempt: Callable[[], Awaitable[Sent]]) -> Sent:
        timeouts = 0
        for number in range(1, self._patience.attempts + 1):
            try:
                return await attempt()
            except _Failure as failure:
                timeouts += failure.is_timeout
                is_last = number == self._patience.attempts or timeouts == self._patience.timeouts
                if failure.is_final or is_last:
                    raise self._gave_up(failure, number) from failure
                self._counts.retries += 1
                await asyncio.sleep(self._pause(failure, number))
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _once(self, body: Mapping[str, Any]) -> Sent:
        lane = await self._free.get()
        try:
            return await self._send(lane[0], lane[1], body)
        finally:
            self._free.put_nowait(lane)

    async def _send(self, address: Address, client: AsyncOpenAI, body: Mapping[str, Any]) -> Sent:
        import openai

        self._counts.sent += 1
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self._timeout):
                async with client.chat.completions.with_streaming_response.create(
                    model=body["model"], messages=body["messages"], extra_body=_rest(body)
                ) as reply:
                    data = await _whole(reply.iter_bytes())
            reading = read_chat(_without_key(data, address.key))
        except (TimeoutError, openai.APITimeoutError) as error:
            raise _Failure(f"no answer within {self._timeout:g} s", is_final=False, is_timeout=True) from error
        except MalformedReply as error:
            raise _Failure(str(error), is_final=False) from error
        except openai.APIStatusError as error:
            raise _of_status(error, address) from error
        except openai.APIError as error:
            why = _hidden(str(error.__cause__ or error), address.key)
            raise _Failure(f"no connection: {why}", is_final=False) from error
        return Sent(reading=reading, latency_ms=round((time.perf_counter() - started) * 1000))

    def _pause(self, failure: _Failure, number: int) -> float:
        """Exponential with jitter, so that waiting requests do not come back all at once."""
        if failure.pause is not None:
            return failure.pause
        grown = self._patience.first_pause_seconds * 2.0 ** (number - 1)
        longest = min(self._patience.longest_pause_seconds, grown)
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, no secret

    def _gave_up(self, failure: _Failure, attempts: int) -> CannotAsk:
        where = self._name
        if failure.is_final and failure.pause is None:
            return CannotAsk("MODEL_REFUSED", failure.what, where=where, hint="mend the request or the model's entry")
        tries = f"after {attempts} attempt{'s' if attempts > 1 else ''}"
        hint = "check the endpoint, then run the same command: what was answered is kept"
        return CannotAsk("MODEL_UNAVAILABLE", f"no answer {tries}: {failure.what}", where=where, hint=hint)


def _client(address: Address, *, is_local: bool) -> AsyncOpenAI:
    import openai

    # Our own deadline and retries hold; the client's would count attempts that nobody sees.
    return openai.AsyncOpenAI(
        base_url=address.base_url,
        api_key=address.key or "none",
        max_retries=0,
        timeout=None,
        http_client=openai.DefaultAsyncHttpxClient(trust_env=not is_local),
    )


async def _whole(chunks: AsyncIterator[bytes]) -> bytes:
    """The reply's bytes, as long as they are not too many."""
    data = bytearray()
    async for chunk in chunks:
        data += chunk
        if len(data) > LARGEST_REPLY_BYTES:
            raise _Failure(f"a reply of more than {LARGEST_REPLY_BYTES:,} bytes: set max_tokens", is_final=True)
    return bytes(data)


def _without_key(data: bytes, key: str) -> bytes:
    return data.replace(key.encode(), HIDDEN_KEY.encode()) if key else data


def _hidden(text: str, key: str) -> str:
    return text.replace(key, HIDDEN_KEY) if key else text


def _rest(body: Mapping[str, Any]) -> dict[str, Any]:
    """Everything but model and messages, untouched: an endpoint may know parameters that the client does not."""
    return {key: value for key, value in body.items() if key not in ("model", "messages")}


def _of_status(error: Any, address: Address) -> _Failure:
    status = error.status_code
    words = _hidden(_words(error), address.key)
    what = f"HTTP {status}: {words[:LONGEST_MESSAGE]}"
    is_final = status < 500 and status not in RETRIED_STATUS
    pause = retry_after(error.response.headers, now=time.time())
    if pause is not None and pause > LONGEST_RETRY_AFTER_SECONDS:
        return _Failure(f"{what} (asks to wait {pause:.0f} s)", is_final=True, pause=pause)
    return _Failure(what, is_final=is_final, pause=pause)


def _words(error: Any) -> str:
    """The endpoint's own message, on one line."""
    body = error.body
    message = body.get("message") if isinstance(body, Mapping) else None
    return " ".join(str(message or error.response.text or error.message).split())


def retry_after(headers: Mapping[str, str], *, now: float) -> float | None:
    """The seconds that `Retry-After` asks for (a number or a date, RFC 9110 section 10.2.3), or None."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - now)
    except ValueError:
        return None
