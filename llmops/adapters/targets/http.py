"""A service of the user's own as the target: one POST of JSON a question.

Rules, in order:

1. The body is what `exchange` hands out, the reply is what it reads: JSON, at most `LARGEST_REPLY_BYTES`.
2. A redirect is refused: question and token go to the configured address and nowhere else, over plain http on this
   machine and private networks alone. The token comes from the environment (`keys`); it stands in no message and no
   answer, whoever quotes it: a reply is rid of it before anything reads it. Of the rest of the environment proxies
   count: no password in ~/.netrc is sent.
3. One attempt has one deadline; a missed one is this case's failure at once: a hung question costs one deadline.
4. 429, 502, 503, 504 and a broken connection are tried again, as long as `Retry-After` says or with growing pauses;
   then the service is taken for unavailable, and the run ends. What was answered is kept.
5. 500 is tried again too, then it is this case's failure. Any other 4xx is at once; 401, 403, 404, 405 and 407 say that
   no case can be answered.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

from llmops.adapters.keys import Secret, check_address, read_secret
from llmops.adapters.models.asking.transport import proxy_for
from llmops.adapters.models.services import pauses
from llmops.adapters.targets import exchange
from llmops.documents.config import TargetConfig
from llmops.documents.targets import Answered, Question
from llmops.errors import CannotAsk, InputRefused

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

LARGEST_REPLY_BYTES = 4_000_000
LONGEST_WORDS = 300
MOST_WORDS_READ = 20_000
PASSING = frozenset({429, 502, 503, 504})
NOBODY_ANSWERS = frozenset({401, 403, 404, 405, 407})


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often one question is sent, and the pauses between."""

    attempts: int = 4
    first_pause_seconds: float = 0.5
    longest_pause_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes
    latency_ms: int


class _Broken(Exception):
    """The connection could not be made, or broke."""


class HttpTarget:
    """Implements port `Target`."""

    def __init__(
        self, config: TargetConfig, *, environ: Mapping[str, str] = os.environ, patience: Patience | None = None
    ) -> None:
        """Raises: CannotAsk TARGET_INVALID, KEY_MISSING, KEY_INVALID, INSECURE_ADDRESS."""
        self._config = config
        _require_address(config)
        self._secret = _secret(config, environ)
        self._proxy: str | None = None
        self._patience = patience or Patience()
        self._session: ClientSession | None = None

    @property
    def identity(self) -> Mapping[str, Any]:
        """Kind and address: what stands behind it, only its owner can say."""
        return {"kind": "http", "address": self._config.address}

    async def answer(self, question: Question) -> Answered:
        """Raises: InputRefused TARGET_FAILED, TARGET_TIMEOUT, TARGET_ANSWER, TARGET_ANSWER_TOO_LARGE;
        CannotAsk TARGET_UNAVAILABLE, TARGET_REFUSED, TARGET_REDIRECTS."""
        digest = exchange.digest_of(self.identity, question)
        body = json.dumps(exchange.asked(question), ensure_ascii=False).encode()
        reply = await self._replied(question, body)
        if reply.status >= 300:
            self._refuse(question, reply)
        value = self._value(question, reply.body)
        try:
            return exchange.read(value, case=question.case, digest=digest, latency_ms=reply.latency_ms)
        except InputRefused as error:
            raise InputRefused(error.code, self._clean(error.what), where=error.where, hint=error.hint) from None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _replied(self, question: Question, body: bytes) -> _Reply:
        """The last reply: the first that is not worth another attempt."""
        for attempt in range(1, self._patience.attempts + 1):
            is_last = attempt == self._patience.attempts
            reply = None
            try:
                reply = await self._sent(question, body)
            except _Broken as error:
                if is_last:
                    raise self._unavailable(f"{error}, {attempt} times") from error
            if reply is not None and (is_last or reply.status not in PASSING | {500}):
                return reply
            await asyncio.sleep(self._pause(reply, attempt))
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _sent(self, question: Question, body: bytes) -> _Reply:
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self._config.timeout_seconds):
                return await self._once(question, body, started)
        except TimeoutError as error:
            what = f"no answer within {self._config.timeout_seconds:g} s"
            hint = "raise timeout_seconds of the target in llmops.yaml, or mend what it waits for"
            raise InputRefused("TARGET_TIMEOUT", what, where=f"case {question.case}", hint=hint) from error

    async def _once(self, question: Question, body: bytes, started: float) -> _Reply:
        import aiohttp

        try:
            async with self._opened().post(
                self._config.address, data=body, headers=self._headers(), allow_redirects=False, proxy=self._proxy
            ) as response:
                data = await self._whole(question, response)
                data = data if self._secret is None else self._secret.hide_bytes(data)
                headers = {name.lower(): value for name, value in response.headers.items()}
                return _Reply(response.status, headers, data, round((time.perf_counter() - started) * 1000))
        except (aiohttp.ClientError, OSError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise _Broken(f"{type(error).__name__}: {self._clean(str(error))}") from error

    def _opened(self) -> ClientSession:
        import aiohttp

        if self._session is None:
            # The number of questions is kept by whoever opened this, the deadline by `_sent`.
            self._proxy = proxy_for(self._config.address)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                timeout=aiohttp.ClientTimeout(total=None),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        return headers if self._secret is None else {**headers, "Authorization": f"Bearer {self._secret.value}"}

    async def _whole(self, question: Question, response: ClientResponse) -> bytes:
        data = bytearray()
        async for chunk in response.content.iter_any():
            data += chunk
            if len(data) > LARGEST_REPLY_BYTES:
                what = f"the reply is larger than {LARGEST_REPLY_BYTES} bytes"
                hint = "answer with the text and its contexts only"
                raise InputRefused("TARGET_ANSWER_TOO_LARGE", what, where=f"case {question.case}", hint=hint)
        return bytes(data)

    def _pause(self, reply: _Reply | None, attempt: int) -> float:
        grown = self._patience.first_pause_seconds * 2.0 ** (attempt - 1)
        said = pauses.seconds_of(reply.headers, "", now=time.time()) if reply else None
        wanted = grown * random.uniform(0.5, 1.0) if said is None else said  # noqa: S311 - jitter, no secret
        return min(wanted, self._patience.longest_pause_seconds)

    def _refuse(self, question: Question, reply: _Reply) -> NoReturn:
        if reply.status < 400:
            what = f"the service answers with a redirect ({reply.status})"
            hint = "write the final address into llmops.yaml"
            raise CannotAsk("TARGET_REDIRECTS", what, where=self._config.address, hint=hint)
        said = f"the service answers {reply.status}: {self._words(reply.body)}"
        if reply.status in PASSING:
            raise self._unavailable(f"{said}, {self._patience.attempts} times")
        if reply.status in NOBODY_ANSWERS:
            key = self._config.key_env or "none is configured"
            hint = f"check address and key_env ({key}) of target {self._config.name} in llmops.yaml"
            raise CannotAsk("TARGET_REFUSED", said, where=self._config.address, hint=hint)
        hint = "the service's log says more; other cases go on"
        raise InputRefused("TARGET_FAILED", said, where=f"case {question.case}", hint=hint)

    def _unavailable(self, what: str) -> CannotAsk:
        hint = "start the service, or mend its address; then run the same command: it goes on where it stopped"
        return CannotAsk("TARGET_UNAVAILABLE", what, where=self._config.address, hint=hint)

    def _value(self, question: Question, body: bytes) -> Any:
        try:
            return json.loads(body, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            what = f"not an answer: the reply is no JSON ({error}): {self._words(body)}"
            hint = f"answer with a JSON object of {', '.join(exchange.FIELDS)}"
            raise InputRefused("TARGET_ANSWER", what, where=f"case {question.case}", hint=hint) from error

    def _words(self, body: bytes) -> str:
        text = body[:MOST_WORDS_READ].decode("utf-8", "replace")
        if self._secret is None:
            return " ".join(text.split())[:LONGEST_WORDS] or "(empty)"
        return self._secret.excerpt(text, LONGEST_WORDS) or "(empty)"

    def _clean(self, text: str) -> str:
        return text if self._secret is None else self._secret.hide(text)


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON number")


def _require_address(config: TargetConfig) -> None:
    try:
        parts = urlsplit(config.address)
        is_fine = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.username
    except ValueError:
        is_fine = False
    if not is_fine:
        what = f"{config.address.rpartition('@')[2]!r} is no http or https address without user and password"
        raise CannotAsk("TARGET_INVALID", what, where=f"target {config.name}", hint="https://assistant.internal/answer")


def _secret(config: TargetConfig, environ: Mapping[str, str]) -> Secret | None:
    if not config.key_env:
        return None
    secret = read_secret(f"target '{config.name}'", config.key_env, environ, is_token=True)
    check_address(f"target '{config.name}'", config.address)
    return secret
