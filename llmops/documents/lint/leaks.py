"""A rule over a prompt and its evalset: no case stands in the few-shots or the text of the prompt.

Words only, and evalsets up to `MOST_BYTES` of JSON lines: validation has to stay quick. `llmops evalset check` looks at
every evalset, at pages of knowledge and at what is said in other words.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from llmops.documents.leaks import CaseIndex, GivenText, Leak, LeakKind, text_of
from llmops.documents.lint.found import Findings, warning
from llmops.documents.lint.variables import texts_of
from llmops.documents.project import Project, PromptFolder, resolve
from llmops.documents.reading.document import Document
from llmops.documents.reading.parsed import Pointer

MOST_BYTES = 1_000_000
MOST_FINDINGS = 10
_FIELDS = ("question", "ground_truth", "answer")


def check(folder: PromptFolder, project: Project) -> Findings:
    """Cases of the prompt's evalset that its few-shots or messages give away."""
    cases = _cases(project, folder.prompt.value.get("evalset") or folder.name)
    if cases is None:
        return
    places = dict(_given(folder.prompt))
    found = cases.find(places)
    for leak in found[:MOST_FINDINGS]:
        place = next(pointer for given, pointer in places.items() if given.label == leak.label)
        yield warning("case-leaked", folder.prompt.at(*place), sentence(leak), _fix(len(found)))


def given_texts(prompt: Document) -> tuple[GivenText, ...]:
    """Every text of a prompt that the model is given, few-shots included."""
    return tuple(given for given, _ in _given(prompt))


def sentence(leak: Leak) -> str:
    """What was found, for a reader who knows the file."""
    how = "stands in it" if leak.kind is LeakKind.EXACT else f"stands in it to {leak.share:.0%}"
    return f"{leak.label} gives away case {leak.case}: its {leak.field} {how}"


def _fix(count: int) -> str:
    more = f"; {count} cases in all, `llmops evalset check` lists them" if count > MOST_FINDINGS else ""
    return f"make up another example, or take the case out of the evalset{more}"


def _given(prompt: Document) -> Iterator[tuple[GivenText, Pointer]]:
    for text in texts_of(prompt.value):
        yield GivenText(path=prompt.path, label=_label(text.pointer), text=text.source), text.pointer
    for index, shot in enumerate(prompt.value.get("few_shots", ())):
        for side in ("user", "assistant"):
            pointer: Pointer = ("few_shots", index, side)
            yield GivenText(path=prompt.path, label=_label(pointer), text=shot[side]), pointer


def _label(pointer: Pointer) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in pointer).lstrip(".")


def _cases(project: Project, name: str) -> CaseIndex | None:
    """The texts of an evalset's cases; None where it is missing, too large or no JSON lines. Whether its rows are right
    is for the rules about evalsets."""
    manifest = project.manifest(name)
    if manifest is None or not manifest.is_valid:
        return None
    path = resolve(manifest.path, str(manifest.value.get("source", "cases.jsonl")))
    if path is None or not path.endswith(".jsonl"):
        return None
    data = project.tree.read(path) or b""
    columns = manifest.value.get("columns") or {}
    if len(data) > MOST_BYTES:
        return None
    return _index(data, tuple(columns.get(field, field) for field in ("id", *_FIELDS)))


# Prompts that share an evalset hash its cases once.
@lru_cache(maxsize=8)
def _index(data: bytes, columns: tuple[str, ...]) -> CaseIndex:
    found = []
    for number, line in enumerate(data.splitlines()):
        row = _row(line)
        name = str(row.get(columns[0], f"in line {number + 1}"))
        texts = [(field, row.get(column)) for field, column in zip(_FIELDS, columns[1:], strict=True)]
        found += [text_of(name, field, text) for field, text in texts if isinstance(text, str) and text]
    return CaseIndex(found)


def _row(line: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(line) if line.strip() else {}
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
