"""The model that a metric of DeepEval is given: its questions go through the run's door.

Rules, in order:

1. Where DeepEval wants an object of a shape, the shape goes with the request, and the object comes back. A reply of
   another shape is asked for once more; then it is an error, and the score is missing. Guessing is left to nobody.
2. Only the asynchronous way exists: the other would stop every other request of the run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmops.adapters.plugins.asking import Asking
from llmops.adapters.plugins.deepeval import library
from llmops.documents.chat import ChatReply
from llmops.evaluation.judging import replies
from llmops.evaluation.judging.replies import Unusable
from llmops.evaluation.judging.steps import Said

_AGAIN = 1


class UnusableReply(ValueError):
    """The model's reply is not what the metric asked for."""


def model_of(asking: Asking, name: str) -> Any:
    """An object of a class of DeepEval's own kind."""
    base = library.base_model()

    class DoorModel(base):  # type: ignore[misc,valid-type]  # the class is known only where DeepEval is installed
        """Asks through the door."""

        def __init__(self) -> None:
            super().__init__(name)

        def load_model(self, *_given: Any, **_named: Any) -> Any:
            return self

        def get_model_name(self, *_given: Any, **_named: Any) -> str:
            return name

        def generate(self, *_given: Any, **_named: Any) -> str:
            raise UnusableReply("llmops asks models asynchronously only; the metric called `generate`")

        async def a_generate(self, prompt: str, schema: Any = None) -> Any:
            return await reply_to(asking, prompt, schema)

    return DoorModel()


async def reply_to(asking: Asking, prompt: str, schema: Any = None) -> Any:
    """The text of the reply, or an object of the pydantic class `schema`. Raises: UnusableReply, CannotAsk."""
    messages = ({"role": "user", "content": prompt},)
    if schema is None:
        return _text(await asking.chat(messages))
    written = schema.model_json_schema()
    shape = strict(written)
    # Types are pydantic's to check; ours is to find the object in the text.
    wanted = {"properties": _any_of(written), "required": written.get("required", [])}
    for repeat in (0, _AGAIN):
        reply = await asking.chat(messages, schema=shape, repeat=repeat)
        try:
            return schema.model_validate(replies.object_in(_text(reply), wanted))
        except (Unusable, ValueError) as error:
            problem = error
            if isinstance(error, UnusableReply):
                break
    raise UnusableReply(f"the model's reply cannot be used: {problem}") from problem


def _any_of(shape: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a shape, of any type."""
    return {key: {} for key in shape.get("properties", {})}


def _text(reply: ChatReply) -> str:
    said = Said(text=reply.text, finish_reason=reply.finish_reason, is_refusal=reply.is_refusal)
    try:
        return replies.text_of(said)
    except Unusable as error:
        raise UnusableReply(f"the model's reply cannot be used: {error}") from error


def strict(schema: Any) -> Any:
    """A JSON Schema as endpoints take it that hold replies to one: every key required, no other allowed."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    kept = {key: strict(item) for key, item in schema.items() if key != "default"}
    if isinstance(schema.get("properties"), Mapping) and schema.get("type") == "object":
        kept["properties"] = {key: strict(item) for key, item in schema["properties"].items()}
        kept |= {"required": list(schema["properties"]), "additionalProperties": False}
    return kept
