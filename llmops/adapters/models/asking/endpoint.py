"""Asking one model at its endpoint until it answers, or until it is clear that it will not.

Rules, in order:

1. At most `concurrency` requests are in flight, counted in requests (`lanes`). The embedded model's servers are
   addresses that take one request each.
2. A request has one deadline from sending to the last byte. Latency is that of the attempt that succeeded.
3. Passing trouble is tried again (`patience`); anything else is refused at once, with the endpoint's own words
   (`failures`). What fails in the end is never a score. Where others were answered since its first attempt began, the
   endpoint is there, and what is given up is this request alone.
4. Where the endpoint wants the same question written otherwise, that is learned once and kept for the whole run.
5. Where hedging is on and no answer came by then, the same request goes out a second time on a lane of its own. The
   first good answer counts, the other is cancelled; both are booked, where both went out.
6. A key stands in no message and in no answer: whoever was given it may quote it.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from llmops.adapters.keys import Secret
from llmops.adapters.models.asking.failures import AttemptFailed, Cause, Trouble, complained, failed, last_word
from llmops.adapters.models.asking.lanes import Lanes, Limits
from llmops.adapters.models.asking.patience import Patience, Tries
from llmops.adapters.models.asking.streams import ErrorEvent
from llmops.adapters.models.asking.transport import LARGEST_REPLY_BYTES, Received, Transport
from llmops.adapters.models.bodies import MalformedReply, Reading
from llmops.adapters.models.services.service import Complaint, Kind, Mend, Service
from llmops.adapters.models.spending.ledger import Account, Counted
from llmops.documents.chat import Stage

LONGEST_EXCERPT = 80
Reply = TypeVar("Reply", bound=Counted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One address of a model: how its service is spoken to, and with which key."""

    service: Service
    secret: Secret | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[Reply]):
    """One request. `read` makes the reply of the body's bytes or raises MalformedReply; `filtered` makes the reply of a
    content filter's words, None where there is no such thing. `has_answer` False: it is not answered in tokens."""

    path: str
    body: Mapping[str, Any]
    stage: Stage
    read: Callable[[bytes], Reply]
    filtered: Callable[[str], Reply] | None = None
    most_bytes: int = LARGEST_REPLY_BYTES
    has_answer: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent(Generic[Reply]):
    """A reply and how long it took. `ttft_ms` None: it was not streamed."""

    reading: Reply
    latency_ms: int
    ttft_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How an endpoint is asked: `concurrency` is per address; hedging is off at 0."""

    concurrency: int
    timeout_seconds: float
    limits: Limits = field(default_factory=Limits)
    hedge_after_seconds: float = 0.0


class Endpoint:
    """One model behind one or more addresses. Made within the event loop that it serves."""

    def __init__(
        self, name: str, places: Sequence[Place], manner: Manner, *, account: Account, patience: Patience
    ) -> None:
        """Raises: CannotAsk INSECURE_ADDRESS."""
        self._name = name
        self._service, self._secret = places[0].service, places[0].secret
        self._manner = manner
        self._account = account
        self._patience = patience
        self._headers = {
            place: {"Content-Type": "application/json", **place.service.headers(place.secret)} for place in places
        }
        self._transport = Transport(connections=manner.concurrency * len(places))
        self._lanes = Lanes(tuple(places) * manner.concurrency, manner.limits)
        self._mends: list[Mend] = []
        self._answered = 0

    async def ask(self, call: Call[Reply]) -> Sent[Reply]:
        """The reply to a request.

        Raises: InputRefused INPUT_REFUSED, REPLY_MALFORMED, REPLY_TOO_LARGE, and MODEL_UNAVAILABLE, MODEL_NOT_FOUND,
        MODEL_ADDRESS where others were answered meanwhile; CannotAsk MODEL_UNAVAILABLE, MODEL_REFUSED, MODEL_NOT_FOUND,
        MODEL_ADDRESS, KEY_REFUSED, MAX_COST, MAX_TOKENS_MISSING, PRICE_UNKNOWN.
        """
        self._account.require_bounded(call.body, has_answer=call.has_answer)
        tries = Tries(self._patience)
        while True:
            try:
                return await self._once(call, tries)
            except AttemptFailed as failure:
                is_mended = self._is_mended(failure.trouble, tries)
                if failure.pause is None and not is_mended:
                    raise self._gave_up(failure.trouble, tries) from failure
                self._account.book(call.stage, retries=1)
                await asyncio.sleep(failure.pause or 0)

    async def close(self) -> None:
        await self._transport.close()

    def drop(self) -> None:
        """Close from where nobody can wait."""
        self._transport.drop()

    async def _once(self, call: Call[Reply], tries: Tries) -> Sent[Reply]:
        data, mends = self._wire(call), len(self._mends)
        tokens = self._account.estimate(call.body, len(data))
        place = await self._lanes.take(sum(tokens), is_again=tries.count > 0)
        tries.begin(answered=self._answered)
        if len(self._mends) > mends:  # learned while this one waited
            data = self._wire(call)
        trip = _Trip(call=call, data=data, tokens=sum(tokens))
        try:
            return await (self._race(place, trip) if self._manner.hedge_after_seconds else self._send(place, trip))
        except AttemptFailed as failure:
            failure.pause = tries.pause_after(failure.trouble, answered=self._answered)
            is_limit = failure.trouble.kind is Kind.LIMITED
            self._lanes.replied(is_limit=is_limit, pause=failure.pause or 0.0)
            raise
        finally:
            self._lanes.give_back(place)

    async def _send(self, place: Place, trip: _Trip[Reply]) -> Sent[Reply]:
        if not self._account.is_capped:
            return await self._exchange(place, trip)
        async with self._account.put_aside(trip.call.body, len(trip.data)):
            return await self._exchange(place, trip)

    async def _exchange(self, place: Place, trip: _Trip[Reply]) -> Sent[Reply]:
        call, trip.is_sent = trip.call, True
        self._account.book(call.stage, sent=1, hedges=int(trip.is_hedge))
        started = time.perf_counter()
        received = await self._received(place, call, trip.data)
        reading = self._read(place, call, received)
        latency_ms = round((time.perf_counter() - started) * 1000)
        self._answered += 1
        self._lanes.replied(is_limit=False)
        self._lanes.correct(estimated=trip.tokens, used=reading.input_tokens + reading.output_tokens)
        self._account.answered(call.stage, reading, size=len(trip.data))
        return Sent(reading=reading, latency_ms=latency_ms, ttft_ms=received.ttft_ms)

    async def _race(self, place: Place, first: _Trip[Reply]) -> Sent[Reply]:
        trips = [first]
        runners = [asyncio.create_task(self._send(place, first))]
        try:
            await asyncio.wait(runners, timeout=self._manner.hedge_after_seconds)
            if not runners[0].done():
                trips.append(replace(first, is_hedge=True, is_sent=False))
                runners.append(asyncio.create_task(self._second(trips[1])))
            winner = await _first_good(runners)
            for trip, runner in zip(trips, runners, strict=True):
                if trip.is_sent and not runner.done():
                    self._account.pay(first.call.stage, winner.reading)  # the loser, as far as one can know
            return winner
        finally:
            for runner in runners:
                runner.cancel()
            await asyncio.gather(*runners, return_exceptions=True)

    async def _second(self, trip: _Trip[Reply]) -> Sent[Reply]:
        place = await self._lanes.take(trip.tokens)
        try:
            return await self._send(place, trip)
        finally:
            self._lanes.give_back(place)

    def _wire(self, call: Call[Reply]) -> bytes:
        body: Mapping[str, Any] = call.body
        if body.get("stream"):
            body = {"stream_options": {"include_usage": True}, **body}
        body = self._service.adapt(body)
        for mend in self._mends:
            body = mend.apply(body)
        return json.dumps(body).encode()

    async def _received(self, place: Place, call: Call[Reply], data: bytes) -> Received:
        try:
            received = await self._transport.post(
                place.service.url(call.path),
                self._headers[place],
                data,
                timeout=self._manner.timeout_seconds,
                most=call.most_bytes,
            )
            return replace(received, data=self._hidden_bytes(received.data))
        except ErrorEvent as error:
            raise complained(200, place.service.read_error(200, self._hidden_bytes(error.data))) from error
        except MalformedReply as error:
            quoted = f": {self._excerpt(error.data)!r}" if error.data else ""
            raise failed(Cause.MALFORMED, f"{error}{quoted}") from error

    def _read(self, place: Place, call: Call[Reply], received: Received) -> Reply:
        if received.status != 200:
            return self._filtered(call, received.status, _complaint(place, received))
        try:
            if received.joining is None:
                return self._without_key(call.read(received.data))
            return self._without_key(call.read(self._hidden_bytes(json.dumps(received.joining.value()).encode())))
        except MalformedReply as error:
            complaint = _complaint(place, received)
            if complaint.kind is Kind.AGAIN and not _is_error(received.data):
                raise failed(Cause.MALFORMED, str(error)) from error
            return self._filtered(call, received.status, complaint)

    def _filtered(self, call: Call[Reply], status: int, complaint: Complaint) -> Reply:
        """What a content filter says is an answer. Raises: AttemptFailed for any other complaint."""
        if complaint.kind is Kind.CONTENT_FILTER and call.filtered is not None:
            return call.filtered(self._hidden(complaint.words))
        raise complained(status, complaint)

    def _is_mended(self, trouble: Trouble, tries: Tries) -> bool:
        mend = trouble.complaint.mend if trouble.complaint else None
        if trouble.kind is not Kind.MEND or mend is None or mend in tries.mends:
            return False
        tries.mends.add(mend)
        if mend not in self._mends:
            self._mends.append(mend)
        return True

    def _gave_up(self, trouble: Trouble, tries: Tries) -> Exception:
        said = replace(trouble, what=self._hidden(trouble.what), hint=self._hidden(trouble.hint))
        others = tries.others_answered(self._answered)
        return last_word(said, where=self._name, attempts=max(1, tries.count), others=others)

    def _hidden(self, text: str) -> str:
        return text if self._secret is None else self._secret.hide(text)

    def _hidden_bytes(self, data: bytes) -> bytes:
        return data if self._secret is None else self._secret.hide_bytes(data)

    def _excerpt(self, data: bytes) -> str:
        text = self._hidden_bytes(data).decode("utf-8", "replace")
        return text[:LONGEST_EXCERPT] if self._secret is None else self._secret.excerpt(text, LONGEST_EXCERPT)

    def _without_key(self, reading: Reply) -> Reply:
        """Once more in what was read: an escape may have hidden what now stands there."""
        if self._secret is None or not isinstance(reading, Reading):
            return reading
        return reading.with_texts(self._secret.hide_in_answer)


@dataclass(slots=True, kw_only=True)
class _Trip(Generic[Reply]):
    """One sending of a request, of about so many `tokens`. With a cap it may wait for money, and never go."""

    call: Call[Reply]
    data: bytes
    tokens: int
    is_hedge: bool = False
    is_sent: bool = False


async def _first_good(tasks: Sequence[asyncio.Task[Sent[Reply]]]) -> Sent[Reply]:
    """The first result; where all fail, the first one's failure."""
    waiting = set(tasks)
    while waiting:
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            if task.exception() is None:
                return task.result()
    return tasks[0].result()


def _complaint(place: Place, received: Received) -> Complaint:
    return place.service.read_error(received.status, received.data, received.headers, now=time.time())


def _is_error(data: bytes) -> bool:
    from llmops.adapters.models.services.words import holds_error

    try:
        return holds_error(json.loads(data))
    except (ValueError, RecursionError):
        return False
