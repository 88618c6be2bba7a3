"""What an application is handed for one case, and how its answer is read. The same for a function and for a service.

Rules, in order:

1. It is handed plain JSON values, and nothing of the evalset's labels. They are its own to change.
2. It answers with a text, or with a mapping: `answer` or `text`, and what else it knows of `FIELDS`.
3. Anything else is refused for this case, and the message says what came. A field whose name is nearly one of ours is
   a slip and refused too; other fields are the application's own business.
"""

from __future__ import annotations

import copy
import difflib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llmops.documents import canonical
from llmops.documents.chat import ToolCall
from llmops.documents.targets import Answered, Question
from llmops.errors import InputRefused

LARGEST_ANSWER = 1_000_000
FIELDS = (
    "answer", "text", "contexts", "context_ids", "tool_calls", "input_tokens", "output_tokens", "cost_usd",
)  # fmt: skip
MOST_TOKENS = 2**53
MOST_USD = 1e6


def asked(question: Question) -> dict[str, Any]:
    """The question as an application is handed it."""
    return {
        "case": question.case,
        "repeat": question.repeat,
        "prompt": question.prompt,
        "version": question.version,
        "question": question.text,
        "contexts": list(question.contexts),
        "messages": [copy.deepcopy(dict(message)) for message in question.request.messages],
        "turns": [dict(turn) for turn in question.turns],
        "variables": copy.deepcopy(dict(question.variables)),
    }


def digest_of(identity: Mapping[str, Any], question: Question) -> str:
    """Names one question to one application."""
    return canonical.digest({"target": dict(identity), "behaviour": question.behaviour, "asked": asked(question)})


def read(value: Any, *, case: str, digest: str, latency_ms: int) -> Answered:
    """The answer in what an application returned. Raises: InputRefused TARGET_ANSWER."""
    reader = _Reader(case)
    if isinstance(value, str):
        text = reader.text("the answer", value)
        return Answered(text=text, request_digest=digest, latency_ms=latency_ms, is_priced=False, is_counted=False)
    if not isinstance(value, Mapping):
        raise reader.refusal(f"a text or a mapping is wanted, {_shown(value)} came")
    reader.refuse_slips(value)
    calls = reader.tool_calls(value.get("tool_calls"))
    contexts = reader.texts("contexts", value.get("contexts"))
    ids = reader.texts("context_ids", value.get("context_ids")) or ()
    if ids and len(ids) != len(contexts or ()):
        raise reader.refusal(f"{len(ids)} context_ids came with {len(contexts or ())} contexts")
    return Answered(
        text=reader.answer(value, calls),
        request_digest=digest,
        contexts=contexts,
        context_ids=ids,
        tool_calls=calls,
        input_tokens=reader.count("input_tokens", value.get("input_tokens")),
        output_tokens=reader.count("output_tokens", value.get("output_tokens")),
        nano_usd=reader.nano_usd(value.get("cost_usd")),
        latency_ms=latency_ms,
        is_priced=value.get("cost_usd") is not None,
        is_counted=all(value.get(name) is not None for name in ("input_tokens", "output_tokens")),
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one answer; every refusal names the case."""

    case: str

    def refusal(self, what: str) -> InputRefused:
        hint = f"return the answer as a text, or a mapping of {', '.join(FIELDS)}"
        return InputRefused("TARGET_ANSWER", f"not an answer: {what}", where=f"case {self.case}", hint=hint)

    def refuse_slips(self, value: Mapping[Any, Any]) -> None:
        for key in value:
            near = difflib.get_close_matches(str(key), FIELDS, n=1, cutoff=0.8)
            if near and key not in FIELDS:
                raise self.refusal(f"the field '{key}' is unknown; did you mean '{near[0]}'?")

    def answer(self, value: Mapping[Any, Any], calls: Sequence[ToolCall]) -> str:
        """The text; of an answer that only calls tools, the calls as JSON, as a model's own reply is read."""
        named = [name for name in ("answer", "text") if value.get(name) is not None]
        if len(named) == 2 and value["answer"] != value["text"]:
            raise self.refusal("'answer' and 'text' differ")
        if named and (value[named[0]] != "" or not calls):
            return self.text(f"'{named[0]}'", value[named[0]])
        if calls:
            return json.dumps([call.as_json() for call in calls], sort_keys=True, ensure_ascii=False)
        raise self.refusal(
            f"a mapping without 'answer' came; it has: {', '.join(map(str, list(value)[:8])) or 'nothing'}"
        )

    def text(self, what: str, value: Any) -> str:
        if not isinstance(value, str):
            raise self.refusal(f"{what} is no text, {_shown(value)} came")
        if len(value) > LARGEST_ANSWER:
            raise self.refusal(f"{what} has {len(value)} characters, at most {LARGEST_ANSWER} are read")
        # Half of a surrogate pair stands in no file: shown as what it is, an unknown character.
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def texts(self, what: str, value: Any) -> tuple[str, ...] | None:
        if value is None:
            return None
        if not isinstance(value, list | tuple):
            raise self.refusal(f"'{what}' is no list of texts, {_shown(value)} came")
        return tuple(self.text(f"'{what}' {number}", each) for number, each in enumerate(value, 1))

    def tool_calls(self, value: Any) -> tuple[ToolCall, ...]:
        if value is None:
            return ()
        if not isinstance(value, list | tuple):
            raise self.refusal(f"'tool_calls' is no list, {_shown(value)} came")
        return tuple(self._tool_call(each) for each in value)

    def _tool_call(self, value: Any) -> ToolCall:
        """`{name, arguments}`, or the same under `function`, as the chat completions API has it."""
        call = value.get("function", value) if isinstance(value, Mapping) else value
        if not isinstance(call, Mapping) or not isinstance(call.get("name"), str):
            raise self.refusal(f"a tool call has a name and arguments, {_shown(value)} came")
        arguments = call.get("arguments", "{}")
        if not isinstance(arguments, str):
            arguments = self._json(arguments)
        return ToolCall(name=self.text("the tool's name", call["name"]), arguments=self.text("arguments", arguments))

    def _json(self, value: Any) -> str:
        try:
            return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise self.refusal(f"arguments of a tool call are no JSON: {error}") from error

    def count(self, what: str, value: Any) -> int:
        if value is None:
            return 0
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_TOKENS:
            raise self.refusal(f"'{what}' is a whole number from 0, {_shown(value)} came")
        return value

    def nano_usd(self, value: Any) -> int:
        if value is None:
            return 0
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST_USD:
            raise self.refusal(f"'cost_usd' is a number of US dollars from 0, {_shown(value)} came")
        return math.ceil(round(value * 1e9, 3))


def _shown(value: Any) -> str:
    if value is None:
        return "nothing (None)"
    text = f"{type(value).__name__} {value!r:.60}" if isinstance(value, str | int | float) else type(value).__name__
    return text.encode("utf-8", "replace").decode()
