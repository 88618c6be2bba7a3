"""What stands in for OpenAI's client: the same call, answered by the model door.

Rules, in order:

1. The arguments of `create` are the body that OpenAI's client would send. Messages are messages, the rest goes as it
   stands as parameters; the model is the one that llmops.yaml names.
2. The reply is a chat completion made of what the door says: text, why it stopped, refusal, usage. Half of a surrogate
   pair, which no JSON can carry, is read as U+FFFD.
3. What the door raises goes up as it is and is noted in the score under way, where the libraries above cannot lose it.

Why not the client itself on a transport of ours: it spends 1 ms a call on turning a body into bytes and back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from openai.types.chat import ChatCompletion

from llmops.adapters.ragas import calls
from llmops.documents.chat import ChatReply, ChatRequest, Stage
from llmops.evaluation.judging import judgements

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HALF_PAIR = re.compile("[\ud800-\udfff]")


class Door(Protocol):
    """What is needed of the model door."""

    def identity(self, model: str) -> Mapping[str, Any]: ...

    async def chat(self, request: ChatRequest) -> ChatReply: ...

    async def embed(self, texts: Sequence[str], model: str = "") -> NDArray[Any]: ...


class Completions:
    """Asks the model `name` of llmops.yaml."""

    def __init__(self, door: Door, name: str) -> None:
        self._door = door
        self._name = name

    async def create(self, *, model: str, messages: Sequence[Mapping[str, Any]], **parameters: Any) -> ChatCompletion:
        """Raises: whatever the door raises."""
        request = ChatRequest(
            model=self._name,
            messages=tuple(messages),
            parameters=parameters,
            repeat=judgements.repeat_of(calls.draw()),
            stage=Stage.JUDGE,
        )
        with calls.noted():
            reply = await self._door.chat(request)
        call = calls.current()
        if call is not None:
            call.book(reply)
        return completion(reply, model)


def completion(reply: ChatReply, model: str) -> ChatCompletion:
    """The reply as OpenAI's client hands it out: unchecked, because endpoints name reasons of their own."""
    text = _HALF_PAIR.sub("\ufffd", reply.text)
    said = {"content": None, "refusal": text} if reply.is_refusal else {"content": text}
    usage = {
        "prompt_tokens": reply.input_tokens,
        "completion_tokens": reply.output_tokens,
        "total_tokens": reply.input_tokens + reply.output_tokens,
    }
    choice = {"index": 0, "message": {"role": "assistant", **said}, "finish_reason": reply.finish_reason}
    fields: dict[str, Any] = {"choices": [choice], "usage": usage, "created": 0, "object": "chat.completion"}
    return ChatCompletion.construct(id=f"chatcmpl-{reply.request_digest[:24]}", model=model, **fields)
