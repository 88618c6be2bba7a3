"""Rules over names and places: the folder's name, and what people wrote for people against pointers and records.

Where the tree holds no pointer or no evaluation of this behaviour, nothing is compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmops.documents.lint.found import Findings, error, warning
from llmops.documents.lint.versions import behaviour_digest
from llmops.documents.project import Project, PromptFolder
from llmops.documents.reading import json_door, yaml_door


def check(folder: PromptFolder, project: Project) -> Findings:
    """A prompt_name that is not the folder's; informational fields that disagree with pointers and records."""
    value = folder.prompt.value
    if value["prompt_name"] != folder.name:
        what = f"prompt_name is '{value['prompt_name']}', the folder is prompts/{folder.name}"
        fix = f"write '{folder.name}', or rename the folder"
        yield error("prompt-name", folder.prompt.at("prompt_name"), what, fix)
    if "environment" in value:
        yield from _against_pointer(folder, project, value["environment"])
    if value.get("evaluation"):
        yield from _against_records(folder, project)


def _against_pointer(folder: PromptFolder, project: Project, environment: str) -> Findings:
    path = f"environments/{environment}/{folder.name}.yaml"
    data = project.tree.read(path)
    pointer = yaml_door.parse(data, path).value if data is not None else None
    if data is None:
        yield from _served_elsewhere(folder, project, environment)
    if not isinstance(pointer, dict):
        return
    for key in ("version", "status"):
        said, serving = folder.prompt.value.get(key), pointer.get(key)
        if said is not None and serving is not None and said != serving:
            what = f"{key} is {said}, {path} says {serving} serves"
            fix = "the pointer is right: remove `environment`, or write what serves"
            yield warning("pointer-disagrees", folder.prompt.at(key), what, fix)


def _served_elsewhere(folder: PromptFolder, project: Project, environment: str) -> Findings:
    pointers = (entry.path.split("/") for entry in project.tree.entries("environments"))
    serving = sorted(parts[1] for parts in pointers if parts[2:] == [f"{folder.name}.yaml"])
    if serving:
        what = f"environment is {environment}, the pointers say {folder.name} serves in {', '.join(serving)}"
        fix = "the pointers are right: remove `environment`, or write where it serves"
        yield warning("pointer-disagrees", folder.prompt.at("environment"), what, fix)


def _against_records(folder: PromptFolder, project: Project) -> Findings:
    path, means = _newest_means(folder, project)
    for metric, said in folder.prompt.value["evaluation"].items():
        mean = means.get(metric)
        text = folder.prompt.parsed.texts.get(("evaluation", metric), str(said))
        if isinstance(mean, str) and not _agree(text, mean):
            what = f"{metric} is {text}, the newest evaluation of this behaviour says {mean} ({path})"
            fix = "the record is right: write its figure, or remove `evaluation`"
            yield warning("evaluation-disagrees", folder.prompt.at("evaluation", metric), what, fix)


def _newest_means(folder: PromptFolder, project: Project) -> tuple[str, Mapping[str, Any]]:
    """The newest record of an evaluation of this behaviour, and the means it gives."""
    tail = f"-evaluation-{folder.name}.json"
    paths = sorted((entry.path for entry in project.tree.entries("audit/records")), reverse=True)
    wanted = behaviour_digest(folder)
    for path in (path for path in paths if path.endswith(tail)):
        rows = json_door.parse_jsonl(project.tree.read(path) or b"", path).value or [None]
        said = _at(rows[0], "payload", "predicate")
        means = _at(said, "means")
        if _at(said, "behaviour") == wanted and isinstance(means, dict):
            return path, means
    return "", {}


def _at(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _agree(said: str, mean: str) -> bool:
    """True where `said` is the mean in the digits written; PASS means that every case passed."""
    from decimal import Decimal, InvalidOperation

    try:
        measured = Decimal(mean)
        if said.upper() in ("PASS", "FAIL"):
            return (said.upper() == "PASS") == (measured == 1)
        digits = Decimal(said).as_tuple().exponent
        return isinstance(digits, str) or abs(measured - Decimal(said)) <= Decimal((0, (5,), digits - 1))
    except InvalidOperation:
        return True
