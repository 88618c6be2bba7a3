"""Rules over names and places: the folder's name, the owner's words against the pointer."""

from __future__ import annotations

from llmops.documents.lint.found import Findings, error, warning
from llmops.documents.project import Project, PromptFolder
from llmops.documents.reading import yaml_door


def check(folder: PromptFolder, project: Project) -> Findings:
    """A prompt_name that is not the folder's; informational fields that disagree with the pointer in the tree."""
    value = folder.prompt.value
    if value["prompt_name"] != folder.name:
        what = f"prompt_name is '{value['prompt_name']}', the folder is prompts/{folder.name}"
        fix = f"write '{folder.name}', or rename the folder"
        yield error("prompt-name", folder.prompt.at("prompt_name"), what, fix)
    if "environment" in value:
        yield from _against_pointer(folder, project, value["environment"])


def _against_pointer(folder: PromptFolder, project: Project, environment: str) -> Findings:
    path = f"environments/{environment}/{folder.name}.yaml"
    data = project.tree.read(path)
    pointer = yaml_door.parse(data, path).value if data is not None else None
    if not isinstance(pointer, dict):
        return
    for key in ("version", "status"):
        said, serving = folder.prompt.value.get(key), pointer.get(key)
        if said is not None and serving is not None and said != serving:
            what = f"{key} is {said}, {path} says {serving} serves"
            fix = "the pointer is right: remove `environment`, or write what serves"
            yield warning("pointer-disagrees", folder.prompt.at(key), what, fix)
