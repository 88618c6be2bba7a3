"""Rules over rag.yaml: only what this version does, sources that exist, knowledge without personal data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmops.documents.lint.found import Findings, error, warning
from llmops.documents.project import Project, PromptFolder, knowledge_paths, outside, resolve
from llmops.documents.reading.document import Document
from llmops.documents.reading.shapes import name_of, shown
from llmops.documents.scanning.patterns import find_personal_data
from llmops.errors import Location

# Every value that something in this version acts on. A schema would hide from editors what is still to come.
SUPPORTED: Mapping[tuple[str, ...], tuple[Any, ...]] = {
    ("loader",): ("markdown",),
    ("chunking", "strategy"): ("section", "fixed"),
    ("embedding", "provider"): ("embedded",),
    ("embedding", "model"): ("all-minilm-l6-v2",),
    ("embedding", "dimensions"): (384,),
    ("index", "backend"): ("memory",),
    ("retrieval", "reranker"): (None,),
    ("pii", "action"): ("warn", "refuse", "ignore"),
}


def check(folder: PromptFolder, project: Project) -> Findings:
    """What this version cannot do, sources without files, personal data in the knowledge."""
    if folder.rag is not None:
        yield from check_document(folder.rag, project)


def check_document(rag: Document, project: Project) -> Findings:
    """The rules on one rag.yaml, whoever refers to it."""
    if not rag.is_valid:
        return
    yield from _unsupported(rag)
    yield from _overlap(rag)
    yield from _sources(rag, project)
    yield from _personal_data(rag, project)


def _unsupported(rag: Document) -> Findings:
    for pointer, supported in SUPPORTED.items():
        value = _value_at(rag.value, pointer, supported[0])
        if value not in supported:
            listed = ", ".join("none" if one is None else str(one) for one in supported)
            what = f"{name_of(pointer)} is {shown(value)}, not supported by this version; supported: {listed}"
            yield error(
                "rag-unsupported", rag.at(*pointer), what, f"write {listed}" if listed != "none" else "remove it"
            )
    if "freshness" in rag.value:
        what = "freshness is not checked by this version"
        yield warning(
            "rag-unsupported", rag.at_key("freshness"), what, "remove it, or know that nothing watches it yet"
        )
    if "name" in rag.value.get("index", {}):
        what = "index.name names nothing in this version: a built index is named by its config and its passages"
        yield warning("rag-unsupported", rag.at_key("index", "name"), what, "remove it, or know that nothing reads it")


def _value_at(value: Mapping[str, Any], pointer: tuple[str, ...], default: Any) -> Any:
    for part in pointer[:-1]:
        value = value.get(part, {})
    return value.get(pointer[-1], default)


def _overlap(rag: Document) -> Findings:
    chunking = rag.value.get("chunking", {})
    size, overlap = chunking.get("size", 200), chunking.get("overlap", 0)
    if overlap >= size:
        what = f"chunking.overlap is {overlap}, chunking.size is {size}: windows would never move on"
        yield error("rag-overlap", rag.at("chunking", "overlap"), what, f"write an overlap below {size}")


def sources_of(rag: Mapping[str, Any]) -> tuple[str, ...]:
    """The sources of a checked rag.yaml; one text counts as a list of one."""
    sources = rag.get("sources", ())
    return (sources,) if isinstance(sources, str) else tuple(sources)


def _source_place(rag: Document, index: int) -> Location:
    return rag.at("sources", index) if isinstance(rag.value["sources"], list) else rag.at("sources")


def _sources(rag: Document, project: Project) -> Findings:
    for index, source in enumerate(sources_of(rag.value)):
        if resolve("", source) is None:
            pointer = ("sources", index) if isinstance(rag.value["sources"], list) else ("sources",)
            yield outside(rag.parsed, pointer, source)
        elif not knowledge_paths(project.tree, (source,)):
            fix = "write a path from the root of the repository: a file, a folder or a glob"
            yield error("reference-missing", _source_place(rag, index), f"no Markdown file is at '{source}'", fix)


def _personal_data(rag: Document, project: Project) -> Findings:
    action = rag.value.get("pii", {}).get("action", "warn")
    if action == "ignore":
        return
    severe = error if action == "refuse" else warning
    pages = project.tree.read_many(knowledge_paths(project.tree, sources_of(rag.value)))
    for path, data in sorted(pages.items()):
        text = data.decode("utf-8", "replace")
        for hit in find_personal_data(text, documentation=False):
            line = text.count("\n", 0, hit.start) + 1
            place = Location(path=path, line=line, column=hit.start - text.rfind("\n", 0, hit.start))
            what = f"this looks like personal data ({hit.kind}): {hit.masked}"
            yield severe("rag-personal-data", place, what, "remove it, or write `pii: {action: ignore}` in rag.yaml")
