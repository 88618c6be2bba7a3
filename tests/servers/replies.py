"""What the scripted model says: a fitting reply to any body, made of the body alone, so that equal questions hear
equal answers.

Rules, in order:

1. Where a JSON schema is given (`response_format`, or written out in a message, as ragas does), the reply fills it:
   lists have two items, verdicts are favourable, texts carry a mark of the request.
2. Any other request is a question to the generator: two sentences with a mark of the request.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any

DIMENSIONS = 64
ITEMS = 2
_NUMBERS = {"noncommittal": 0, "rating": 2, "grade": 4, "score": 4}
_FALSE = frozenset({"declines", "noncommittal"})
_WRITTEN = "as specified in JSON Schema"


def text_of(body: Mapping[str, Any], mark: str) -> str:
    """The content of the reply. `mark` is what tells this request from others."""
    schema = schema_of(body)
    if schema is None:
        return f"The rate of plan {mark} is 3.5 percent. The fee of plan {mark} is 40 dollars."
    return json.dumps(filled(schema, schema, mark))


def schema_of(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The schema that the reply has to fit, None for free text."""
    wanted = body.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        found: Mapping[str, Any] = wanted["json_schema"]["schema"]
        return found
    said = body["messages"][0]["content"]
    if not isinstance(said, str):
        return None
    if wanted.get("type") == "json_object" and "{" in said:
        return _object_at(said, said.index("{"))
    at = said.find(_WRITTEN)
    return None if at < 0 else _object_at(said, said.index("{", at))


def _object_at(text: str, at: int) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.JSONDecoder().raw_decode(text, at)[0]
    return found


def filled(node: Mapping[str, Any], root: Mapping[str, Any], mark: str, name: str = "", at: int = 0) -> Any:
    """A value of the shape `node`."""
    if "$ref" in node:
        node = root["$defs"][node["$ref"].rsplit("/", 1)[-1]]
    if "enum" in node:
        return _NUMBERS.get(name, node["enum"][0])
    if "anyOf" in node:
        return filled(node["anyOf"][0], root, mark, name, at)
    kind = node.get("type")
    if kind == "object":
        return {key: filled(item, root, mark, key, at) for key, item in node.get("properties", {}).items()}
    if kind == "array":
        return [filled(node["items"], root, mark, name, number) for number in range(1, ITEMS + 1)]
    if kind == "boolean":
        return name not in _FALSE
    if kind in ("integer", "number"):
        return _NUMBERS.get(name, 1)
    return "yes" if name == "verdict" else f"The {name} {at or ''} of plan {mark} is 3.5 percent."


def completion(text: str, model: str, *, finish_reason: str = "stop") -> bytes:
    """A chat completion as OpenAI's API spells it."""
    message = {"role": "assistant", "content": text, "refusal": None}
    usage = {"prompt_tokens": 300, "completion_tokens": 30, "total_tokens": 330}
    choice = {"index": 0, "message": message, "finish_reason": finish_reason}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": model}
    return json.dumps({**head, "choices": [choice], "usage": usage}).encode()


def embeddings(body: Mapping[str, Any]) -> bytes:
    """A list of vectors as OpenAI's API spells it."""
    texts: Sequence[str] = [body["input"]] if isinstance(body["input"], str) else body["input"]
    is_packed = body.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": at, "embedding": _packed(vector(text)) if is_packed else vector(text)}
        for at, text in enumerate(texts)
    ]
    usage = {"prompt_tokens": 8 * len(texts), "total_tokens": 8 * len(texts)}
    return json.dumps({"object": "list", "data": data, "model": body["model"], "usage": usage}).encode()


def vector(text: str) -> list[float]:
    """What the server says of a text; near each other for all texts, because it has no negative part."""
    return [1 + byte / 255 for byte in hashlib.sha512(text.encode()).digest()[:DIMENSIONS]]


def _packed(numbers: Sequence[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()
