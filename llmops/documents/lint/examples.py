"""Rules over few-shots and schemas: a schema is one, reaches nothing outside its file and is checked in a short time;
every example answer fits it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from llmops.documents.lint.found import Findings, error
from llmops.documents.project import Project, PromptFolder
from llmops.documents.reading.document import Document
from llmops.documents.reading.shapes import name_of
from llmops.documents.scanning import fitting, regexes
from llmops.errors import Finding


def check(folder: PromptFolder, _project: Project) -> Findings:
    """An output schema that is no JSON Schema, or one to be feared; few-shots whose answers break it."""
    prompt = folder.prompt
    yield from _tools(prompt)
    schema = prompt.value.get("output_schema")
    if schema is None:
        return
    found = list(_schema(prompt, schema))
    yield from found
    if not found:
        for index, shot in enumerate(prompt.value.get("few_shots", ())):
            yield from _answer(prompt, index, shot["assistant"], schema)


def _tools(prompt: Document) -> Findings:
    """Parameters of tools are sent, not checked here; but whoever checks them must not be made to fetch, either."""
    for pointer, target in fitting.references(prompt.value.get("tools")):
        yield _outside(prompt, ("tools", *pointer), target, "tool-schema-outside")


def _schema(prompt: Document, schema: Mapping[str, Any]) -> Findings:
    if fitting.parts(schema) > fitting.MOST_PARTS or (fitting.unfolded(schema) or 0) > fitting.MOST_PARTS:
        what = f"`output_schema` has more than {fitting.MOST_PARTS} parts, with its references written out"
        yield error("output-schema-slow", prompt.at("output_schema"), what, "write fewer alternatives")
        return
    outside = list(fitting.references(schema))
    for pointer, target in outside:
        yield _outside(prompt, ("output_schema", *pointer), target, "output-schema-invalid")
    problem = None if outside else fitting.schema_problem(schema)
    if problem is not None:
        fix = "see https://json-schema.org/draft/2020-12"
        what = f"not a JSON Schema: {problem[1][:200]}"
        yield error("output-schema-invalid", prompt.at("output_schema", *problem[0]), what, fix)
    for pointer, text in () if problem else regexes.patterns(schema):
        why = regexes.slow(text)
        if why:
            place = prompt.at("output_schema", *pointer)
            fix = "repeat only what can be read in one way, with a character between two rounds"
            yield error("output-schema-slow", place, f"the pattern {text[:80]!r} {why}", fix)


def _outside(prompt: Document, pointer: tuple[str | int, ...], target: str, rule: str) -> Finding:
    what = f"`{pointer[0]}` refers to what is not in it: {target[:200]}"
    return error(rule, prompt.at(*pointer), what, "keep all of the schema in this file, and refer to it with `#/…`")


def _answer(prompt: Document, index: int, answer: str, schema: Mapping[str, Any]) -> Findings:
    place = prompt.at("few_shots", index, "assistant")
    name = f"few_shots[{index}].assistant"
    try:
        value: Any = json.loads(answer)
    except (ValueError, RecursionError) as problem:
        what = f"{name} is no JSON, and `output_schema` wants JSON: {problem}"
        yield error("few-shot-breaks-schema", place, what, "write the answer as the model should give it")
        return
    try:
        breaches = fitting.problems(value, schema)
    except fitting.Unchecked as problem:
        what = f"{name} cannot be checked: {problem}"
        yield error("output-schema-invalid", prompt.at("output_schema"), what, "keep all of the schema in this file")
        return
    for pointer, message in breaches:
        where = f" at {name_of(pointer)}" if pointer else ""
        what = f"{name} breaks `output_schema`{where}: {message[:200]}"
        yield error("few-shot-breaks-schema", place, what, "mend the example, or the schema")
