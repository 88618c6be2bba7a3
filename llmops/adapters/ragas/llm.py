"""What ragas asks through: a language model and an encoder of ours, in its own interfaces. Imports ragas.

Rules, in order:

1. The request is the one that ragas makes with OpenAI's client: its arguments, its structured output by `instructor`.
   Only who answers differs.
2. Within a score the same question is asked once (`calls`); usage is reported to nobody.
3. Embedding waits for the door without holding up the loop; several texts are one request.
4. What is the same for every request (a reply's schema) is made once.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, cast

import instructor
from instructor.v2.core.function_calls import response_schema
from pydantic import BaseModel
from ragas.embeddings.base import BaseRagasEmbedding
from ragas.llms.base import InstructorLLM

from llmops.adapters.ragas import calls
from llmops.adapters.ragas.completions import Completions, Door


class DoorLLM(InstructorLLM):
    """Asks the model `name` of llmops.yaml. `model` is its name at the endpoint: ragas chooses arguments by it."""

    def __init__(self, door: Door, *, name: str, model: str, arguments: Mapping[str, Any]) -> None:
        create = instructor.patch(create=Completions(door, name).create, mode=instructor.Mode.JSON)
        client = instructor.AsyncInstructor(client=None, create=create, mode=instructor.Mode.JSON)
        super().__init__(client=client, model=model, provider="openai", **arguments)
        self._arguments = self._map_provider_params()

    @property
    def temperature(self) -> float:
        """As the model is asked: ragas sets it to 1 for models that take nothing else."""
        return float(self._arguments.get("temperature") or 0)

    async def agenerate(self, prompt: str, response_model: type[BaseModel]) -> Any:
        """The reply, as `response_model`. Raises: what the door raises, wrapped or not; `calls` has the original."""
        call = calls.current()
        if call is None:
            return await self._ask(prompt, response_model)
        return await call.once((prompt, response_model), lambda: self._ask(prompt, response_model))

    async def _ask(self, prompt: str, response_model: type[BaseModel]) -> Any:
        messages = [{"role": "user", "content": prompt}]
        if self.system_prompt:
            messages.insert(0, {"role": "system", "content": self.system_prompt})
        return await self.client.chat.completions.create(
            model=self.model, messages=messages, response_model=_prepared(response_model), **self._arguments
        )


class DoorEmbeddings(BaseRagasEmbedding):
    """Embeds through the door with the model `name` of llmops.yaml ("": the embedded encoder)."""

    def __init__(self, door: Door, *, name: str) -> None:
        super().__init__()
        self._door = door
        self._name = name

    async def aembed_text(self, text: str, **kwargs: Any) -> list[float]:
        """The vector of one text. Raises: what the door raises."""
        return (await self.aembed_texts([text], **kwargs))[0]

    async def aembed_texts(self, texts: list[str], **_kwargs: Any) -> list[list[float]]:
        """The vectors of several texts, in one request. Raises: what the door raises."""
        call = calls.current()
        if call is None:
            return await self._embed(texts)
        vectors: list[list[float]] = await call.once(("embed", *texts), lambda: self._embed(texts))
        return vectors

    async def _embed(self, texts: list[str]) -> list[list[float]]:
        with calls.noted():
            vectors: list[list[float]] = (await self._door.embed(texts, self._name)).tolist()
        return vectors

    def embed_text(self, text: str, **kwargs: Any) -> list[float]:
        """Not offered: it would hold up every other score. Raises: RuntimeError."""
        raise RuntimeError(f"embedding waits for the model door: use aembed_text ({len(text)} characters, {kwargs})")


@functools.cache
def _prepared(model: type[BaseModel]) -> type[BaseModel]:
    """`model` as instructor makes it anew for every request."""
    return with_schema_made(response_schema(model))


def with_schema_made(model: type[BaseModel]) -> type[BaseModel]:
    """A class like `model` whose JSON schema is made here, once."""
    schema = model.model_json_schema()
    # The same name: pydantic's errors carry it, and they are sent when a reply is asked for again.
    fields = {"__module__": model.__module__, "__doc__": model.__doc__, "model_json_schema": lambda: schema}
    made: type[BaseModel] = cast("Any", type(model))(model.__name__, (model,), fields)
    return made
