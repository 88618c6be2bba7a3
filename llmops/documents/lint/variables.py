"""Rules over templates: what is not allowed in one, names nobody declared, names nobody uses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from llmops.documents import templates
from llmops.documents.lint.found import Findings, error, warning
from llmops.documents.project import Project, PromptFolder
from llmops.documents.reading.document import Document
from llmops.documents.reading.parsed import Pointer
from llmops.documents.reading.shapes import nearest
from llmops.errors import CannotAsk, Location

RESERVED = ("question", "contexts")


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateText:
    """One template of a prompt and where it stands."""

    pointer: Pointer
    source: str


def texts_of(prompt: Mapping[str, Any]) -> Iterator[TemplateText]:
    """Every template of a prompt's checked mapping."""
    if "template" in prompt:
        yield TemplateText(pointer=("template",), source=prompt["template"])
    for index, message in enumerate(prompt.get("messages", ())):
        yield TemplateText(pointer=("messages", index, "content"), source=message["content"])


def check(folder: PromptFolder, _project: Project) -> Findings:
    """Templates that are refused, undefined, reserved, unused and trusted variables."""
    prompt = folder.prompt
    refused = list(_refused(prompt))
    yield from refused
    if refused:
        return
    used = {text: tuple(templates.variables_of(text.source)) for text in texts_of(prompt.value)}
    names = {name for group in used.values() for name in group}
    yield from _undefined(prompt, used)
    yield from _reserved(prompt)
    yield from _unused(prompt, names)
    yield from _trusted(prompt)
    if folder.rag is not None and "contexts" not in names:
        fix = "use `contexts` in a template, or remove `rag`"
        yield warning("contexts-unused", prompt.at("rag"), "retrieved passages reach no template", fix)


def _refused(prompt: Document) -> Findings:
    for text in texts_of(prompt.value):
        problems = templates.check(text.source)
        for problem in problems:
            place = prompt.parsed.inside(text.pointer, problem.line, max(problem.column, 1))
            yield error("template-invalid", place, problem.message, problem.fix)
        if not problems:
            yield from _unreadable(prompt, text)


def _unreadable(prompt: Document, text: TemplateText) -> Findings:
    try:
        templates.variables_of(text.source)
    except CannotAsk as refusal:
        yield error("template-invalid", prompt.at(*text.pointer), refusal.what, refusal.hint)


def _undefined(prompt: Document, used: Mapping[TemplateText, tuple[str, ...]]) -> Findings:
    declared = tuple(prompt.value.get("variables", ()))
    for text, names in used.items():
        for name in names:
            if name in declared or name in RESERVED:
                continue
            near = nearest(name, (*declared, *RESERVED))
            hint = f", did you mean '{near}'?" if near else ""
            fix = f"write '{near}', or add '{name}' to `variables`" if near else f"add '{name}' to `variables`"
            place = _place_of(prompt, text, name)
            yield error(
                "variable-undefined", place, f"the template uses '{name}', no variable has that name{hint}", fix
            )


def _place_of(prompt: Document, text: TemplateText, name: str) -> Location:
    """The first tag of the template that holds the name."""
    found = re.search(rf"\{{[{{%](?:(?!\}}\}}|%\}}).)*?\b({re.escape(name)})\b", text.source, re.DOTALL)
    offset = found.start(1) if found else 0
    line = text.source.count("\n", 0, offset) + 1
    return prompt.parsed.inside(text.pointer, line, offset - text.source.rfind("\n", 0, offset))


def variable_place(prompt: Document, name: str) -> Location:
    """Where a variable is declared."""
    variables = prompt.value["variables"]
    if isinstance(variables, list):
        return prompt.at("variables", variables.index(name))
    return prompt.at_key("variables", name)


def _reserved(prompt: Document) -> Findings:
    for name in RESERVED:
        if name in prompt.value.get("variables", ()):
            what = f"'{name}' is filled by llmops and cannot be declared"
            yield error("variable-reserved", variable_place(prompt, name), what, "remove it, or give it another name")


def _unused(prompt: Document, names: set[str]) -> Findings:
    for name in prompt.value.get("variables", ()):
        if name not in names and name not in RESERVED:
            what = f"no template uses the variable '{name}'"
            yield warning("variable-unused", variable_place(prompt, name), what, "use it, or remove it")


def _trusted(prompt: Document) -> Findings:
    variables = prompt.value.get("variables", ())
    for name, fields in variables.items() if isinstance(variables, dict) else ():
        if fields and "trusted" in fields:
            what = f"`trusted` of '{name}' changes nothing in this version: no variable is trusted"
            fix = "remove it, or know that nothing reads it yet"
            yield warning("variable-unsupported", prompt.at_key("variables", name, "trusted"), what, fix)
