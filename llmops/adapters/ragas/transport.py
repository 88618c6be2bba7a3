"""The road from OpenAI's client to the model door: an httpx transport that opens no connection.

Rules, in order:

1. `/chat/completions` becomes a `ChatRequest`: the messages, and the rest of the body as it stands as parameters.
   `/embeddings` becomes a call of `embed`. Anything else, and streaming, is answered 400 or 404: nothing is ignored.
2. The reply is a chat completion made of what the door says: text, tool calls, why it stopped, refusal, usage.
3. What the door raises goes up as it is and is noted in the score under way, where the libraries above cannot lose it.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import httpx

from llmops.adapters.ragas import calls
from llmops.documents.chat import ChatReply, ChatRequest, Stage

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from openai import AsyncOpenAI

# Never looked up: the transport answers. `.invalid` is reserved for this (RFC 2606 section 2).
BASE_URL = "http://door.invalid/v1"

_HALF_PAIR = re.compile("[\ud800-\udfff]")


class Door(Protocol):
    """What is needed of the model door."""

    def identity(self, model: str) -> Mapping[str, Any]: ...

    async def chat(self, request: ChatRequest) -> ChatReply: ...

    async def embed(self, texts: Sequence[str], model: str = "") -> NDArray[Any]: ...


def client(door: Door, *, model: str = "", embeddings: str = "") -> AsyncOpenAI:
    """OpenAI's client, asking through `door`. It does not retry, because the door does."""
    from openai import AsyncOpenAI

    http = httpx.AsyncClient(transport=DoorTransport(door, model=model, embeddings=embeddings), trust_env=False)
    return AsyncOpenAI(http_client=http, base_url=BASE_URL, api_key="none", max_retries=0)


class DoorTransport(httpx.AsyncBaseTransport):
    """See the module's rules. `model` and `embeddings` are names in llmops.yaml ("": the name that the body gives)."""

    def __init__(self, door: Door, *, model: str = "", embeddings: str = "") -> None:
        self._door = door
        self._model = model
        self._embeddings = embeddings

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises: whatever the door raises."""
        body = json.loads(await request.aread() or b"{}")
        try:
            return await self._answer(request.url.path.removeprefix("/v1"), body)
        except Exception as problem:
            call = calls.current()
            if call is not None:
                call.note(problem)
            raise

    async def _answer(self, path: str, body: dict[str, Any]) -> httpx.Response:
        if path == "/chat/completions":
            return await self._chat(body)
        if path == "/embeddings":
            return await self._embed(body)
        return _refused(404, f"the model door has no {path}, only /chat/completions and /embeddings")

    async def _chat(self, body: dict[str, Any]) -> httpx.Response:
        if body.pop("stream", False):
            return _refused(400, "the model door gives whole replies here: leave `stream` out")
        asked = body.pop("model", "")
        reply = await self._door.chat(
            ChatRequest(
                model=self._model or asked,
                messages=tuple(body.pop("messages", ())),
                parameters=body,
                repeat=calls.draw(),
                stage=Stage.JUDGE,
            )
        )
        call = calls.current()
        if call is not None:
            call.book(reply)
        return _given(200, completion(reply, asked))

    async def _embed(self, body: dict[str, Any]) -> httpx.Response:
        asked = body.get("input", [])
        texts = [asked] if isinstance(asked, str) else asked
        if not all(isinstance(text, str) for text in texts):
            return _refused(400, "the model door embeds texts: give strings, not tokens")
        vectors = await self._door.embed(texts, self._embeddings or body.get("model", ""))
        is_packed = body.get("encoding_format") == "base64"
        data = [
            {"object": "embedding", "index": index, "embedding": _packed(vector) if is_packed else vector.tolist()}
            for index, vector in enumerate(vectors)
        ]
        usage = {"prompt_tokens": 0, "total_tokens": 0}
        return httpx.Response(
            200, json={"object": "list", "data": data, "model": body.get("model", ""), "usage": usage}
        )


def completion(reply: ChatReply, model: str) -> dict[str, Any]:
    """The reply as the body of a chat completion."""
    return {
        "id": f"chatcmpl-{reply.request_digest[:24]}",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [{"index": 0, "message": _message(reply), "finish_reason": reply.finish_reason, "logprobs": None}],
        "usage": {
            "prompt_tokens": reply.input_tokens,
            "completion_tokens": reply.output_tokens,
            "total_tokens": reply.input_tokens + reply.output_tokens,
        },
    }


def _message(reply: ChatReply) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.text}
    if reply.is_refusal:
        return {"role": "assistant", "content": None, "refusal": reply.text}
    if reply.tool_calls:
        message["content"] = None if _is_calls(reply.text) else reply.text
        message["tool_calls"] = [
            {"id": f"call_{index}", "type": "function", "function": call.as_json()}
            for index, call in enumerate(reply.tool_calls)
        ]
    return message


def _is_calls(text: str) -> bool:
    """True where the text is but the calls again, as JSON."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, list) and all(isinstance(item, dict) and "arguments" in item for item in value)


def _packed(vector: NDArray[Any]) -> str:
    return base64.b64encode(vector.astype("<f4").tobytes()).decode("ascii")


def _refused(status: int, what: str) -> httpx.Response:
    return _given(status, {"error": {"message": what, "type": "invalid_request_error"}})


def _given(status: int, value: Mapping[str, Any]) -> httpx.Response:
    # Half of a surrogate pair has no form in UTF-8, which is what a body is written in.
    text = _HALF_PAIR.sub("\ufffd", json.dumps(value, ensure_ascii=False))
    return httpx.Response(status, headers={"content-type": "application/json"}, content=text.encode())
