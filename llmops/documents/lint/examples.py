"""Rules over few-shots and the output schema: the schema is one, and every example answer fits it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from llmops.documents.lint.found import Findings, error
from llmops.documents.project import Project, PromptFolder
from llmops.documents.reading.document import Document
from llmops.documents.reading.shapes import name_of
from llmops.documents.scanning import regexes

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator


def check(folder: PromptFolder, _project: Project) -> Findings:
    """An output schema that is no JSON Schema; few-shots whose answers break it."""
    prompt = folder.prompt
    schema = prompt.value.get("output_schema")
    if schema is None:
        return
    from jsonschema import Draft202012Validator, SchemaError

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as problem:
        place = prompt.at("output_schema", *problem.absolute_path)
        fix = "see https://json-schema.org/draft/2020-12"
        yield error("output-schema-invalid", place, f"not a JSON Schema: {problem.message[:200]}", fix)
        return
    slow = [(pointer, text) for pointer, text in regexes.patterns(schema) if regexes.nested_repeat(text)]
    for pointer, text in slow:
        what = f"the pattern {text[:80]!r} repeats a repeat: an answer could keep it busy for hours"
        fix = "repeat only what has a fixed length"
        yield error("output-schema-slow", prompt.at("output_schema", *pointer), what, fix)
    if slow:
        return
    validator = Draft202012Validator(schema)
    for index, shot in enumerate(prompt.value.get("few_shots", ())):
        yield from _answer(prompt, index, shot["assistant"], validator)


def _answer(prompt: Document, index: int, answer: str, validator: Draft202012Validator) -> Findings:
    place = prompt.at("few_shots", index, "assistant")
    name = f"few_shots[{index}].assistant"
    try:
        value: Any = json.loads(answer)
    except ValueError as problem:
        what = f"{name} is no JSON, and `output_schema` wants JSON: {problem}"
        yield error("few-shot-breaks-schema", place, what, "write the answer as the model should give it")
        return
    from jsonschema import exceptions
    from referencing.exceptions import Unresolvable

    try:
        problems = sorted(validator.iter_errors(value), key=exceptions.relevance)
    except Unresolvable as missing:
        what = f"`output_schema` refers to what is not in it: {missing}"
        yield error("output-schema-invalid", prompt.at("output_schema"), what, "keep all of the schema in this file")
        return
    for breach in problems:
        where = f" at {name_of(tuple(breach.absolute_path))}" if breach.absolute_path else ""
        what = f"{name} breaks `output_schema`{where}: {breach.message[:200]}"
        yield error("few-shot-breaks-schema", place, what, "mend the example, or the schema")
