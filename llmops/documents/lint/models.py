"""Rules over the model: configured at all, and large enough for the longest request this prompt can make."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from llmops.documents import config
from llmops.documents.lint.found import Findings, error, warning
from llmops.documents.lint.variables import texts_of, variable_place
from llmops.documents.project import Project, PromptFolder
from llmops.documents.reading.document import Document
from llmops.documents.reading.shapes import nearest

# English text has about four characters and three quarters of a word to a token; passages are measured in words.
CHARACTERS_PER_TOKEN = 4
TOKENS_PER_WORD = 1.35
EMBEDDED_MAX_TOKENS = 256
# Nothing bounds a question: about ninety words are allowed for it.
QUESTION_TOKENS = 120
ASSUMED = f"estimated at {CHARACTERS_PER_TOKEN} characters a token, {QUESTION_TOKENS} tokens allowed for the question"
# A request this close to the window (within a factor of two) leaves little room for texts of any length.
NEAR = 2


def check(folder: PromptFolder, project: Project) -> Findings:
    """A model that llmops.yaml does not configure; a worst case beyond the model's window, or near it and unbounded."""
    name = folder.prompt.value["model"]
    model = project.settings.model(name)
    if model is None:
        yield from _unknown(folder, project, name)
    elif model.window:
        yield from _too_long(folder, model)


def _unknown(folder: PromptFolder, project: Project, name: str) -> Findings:
    if project.config is not None and not project.config.is_valid:
        return
    near = nearest(name, tuple(project.settings.models))
    hint = f", did you mean '{near}'?" if near else ""
    what = f"llmops.yaml configures no model '{name}'{hint}"
    yield warning(
        "model-unknown", folder.prompt.at("model"), what, "add it to `models` of llmops.yaml, or mend the name"
    )


def _too_long(folder: PromptFolder, model: config.ModelConfig) -> Findings:
    parts = worst_case(folder, model)
    total = sum(parts.values())
    listed = " + ".join(f"{name} {tokens}" for name, tokens in parts.items() if tokens)
    if total > model.window:
        window = f"the window of {model.name} is {model.window}"
        what = f"the longest request has {total} tokens ({ASSUMED}), {window}: {listed}"
        fix = "lower context.max_tokens, top_k, max_length or max_tokens, or take a model with a larger window"
        yield error("context-too-long", folder.prompt.at("model"), what, fix)
    elif total * NEAR > model.window:
        yield from _unbounded(folder.prompt, f"the rest has up to {total} of {model.window} tokens ({ASSUMED})")


def _unbounded(prompt: Document, rest: str) -> Findings:
    """Texts of any length, where the window leaves little room for them."""
    variables = prompt.value.get("variables", {})
    named = variables if isinstance(variables, dict) else dict.fromkeys(variables)
    for name, fields in named.items():
        said = fields or {}
        if said.get("type", "string") == "string" and not {"max_length", "enum"} & said.keys():
            what = f"'{name}' may be of any length, and {rest}"
            yield warning("context-unbounded", variable_place(prompt, name), what, f"give '{name}' a `max_length`")


def worst_case(folder: PromptFolder, model: config.ModelConfig) -> dict[str, int]:
    """Estimated tokens of each part of the longest request. A variable without a longest value counts nothing."""
    value = folder.prompt.value
    shots = (shot["user"] + shot["assistant"] for shot in value.get("few_shots", ()))
    return {
        "templates": sum(_count(len(text.source)) for text in texts_of(value)),
        "question": QUESTION_TOKENS,
        "few-shots": sum(_count(len(shot)) for shot in shots),
        "variables": sum(_count(_longest(one)) for one in _described(value)),
        "passages": _passages(folder.rag.value if folder.rag else {}),
        "answer": _answer(value, model),
    }


def _count(characters: int) -> int:
    return math.ceil(characters / CHARACTERS_PER_TOKEN)


def _described(value: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    variables = value.get("variables", {})
    return [one for one in variables.values() if one] if isinstance(variables, dict) else []


def _longest(variable: Mapping[str, Any]) -> int:
    if "enum" in variable:
        return max(len(str(one)) for one in variable["enum"])
    length: int = variable.get("max_length", 0)
    return length


def _passages(rag: Mapping[str, Any]) -> int:
    if not rag:
        return 0
    whole = rag.get("context", {}).get("max_tokens")
    if whole is not None:
        return int(whole)
    words: int = rag.get("retrieval", {}).get("top_k", 4) * rag.get("chunking", {}).get("size", 200)
    return math.ceil(words * TOKENS_PER_WORD)


def _answer(value: Mapping[str, Any], model: config.ModelConfig) -> int:
    default = EMBEDDED_MAX_TOKENS if model.provider == "embedded" else 0
    return int(value.get("parameters", {}).get("max_tokens", default))
