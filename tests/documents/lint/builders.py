"""Small repositories for the rules: a builder says what differs from a good one."""

from __future__ import annotations

from llmops.documents import lint, project
from llmops.documents.trees import MemoryTree
from llmops.errors import Finding

METRICS = ("groundedness", "safety", "mrr")
CONFIG = "models:\n  smollm2: {provider: embedded}\n"
TEMPLATE = "'{{ question }}'"


def a_prompt(*, template: str = TEMPLATE, version: str = "1.0.0", name: str = "support", more: str = "") -> str:
    return f"prompt_name: {name}\nversion: {version}\nmodel: smollm2\ntemplate: {template}\n{more}"


def a_tree(prompt: str | None = None, **files: str | bytes) -> MemoryTree:
    """A repository with one prompt; other files by their path."""
    paths: dict[str, str | bytes] = {"llmops.yaml": CONFIG, "prompts/support/prompt.yaml": prompt or a_prompt()}
    paths.update(files)
    return MemoryTree({path: text.encode() if isinstance(text, str) else text for path, text in paths.items()})


def findings(tree: MemoryTree, vocabulary: project.Vocabulary | None = None) -> tuple[Finding, ...]:
    return lint.check(project.load(tree, vocabulary or project.Vocabulary(metrics=METRICS)))


def told(tree: MemoryTree) -> list[str]:
    """The rules that hit, with line and column."""
    return [f"{one.rule} {one.location.line}:{one.location.column}" for one in findings(tree)]
