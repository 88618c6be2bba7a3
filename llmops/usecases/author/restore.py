"""restore NAME@VERSION: bring an old release back to the working files, ready for an edit and a new lock."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llmops.documents.freezing import thaw
from llmops.documents.trees import FileChange, Plan, Tree
from llmops.errors import CannotAsk
from llmops.usecases.frozen import find_release
from llmops.usecases.ports import Repository
from llmops.usecases.results import WrittenFiles


def run(
    repository: Repository,
    records_tree: Tree,
    name: str,
    version: str,
    *,
    dirty_paths: Callable[[Sequence[str]], tuple[str, ...]],
    is_dry_run: bool = False,
) -> WrittenFiles:
    """Write prompt.yaml, rag.yaml and thresholds.yaml as that release froze them.
    Raises: CannotAsk RELEASE_MISSING, DIRTY_PATHS where uncommitted edits would be lost."""
    release = find_release(repository.index_tree(), records_tree, name, version)
    files = {f"prompts/{name}/{file}": data for file, data in thaw.thaw(release).items()}
    dirty = dirty_paths(tuple(files))
    if dirty:
        raise CannotAsk(
            "DIRTY_PATHS",
            f"uncommitted edits would be lost: {', '.join(dirty)}",
            hint="commit or stash them, then run the same command again",
        )
    if not is_dry_run:
        repository.apply(Plan(files=tuple(FileChange(path=path, content=data) for path, data in files.items())))
    notes = (
        f"prompts/{name}/ is {version} again; edit it, set a version above {version}, "
        f"then `git add` it and `llmops lock {name} --base {version}`",
    )
    return WrittenFiles(files=tuple(files), notes=notes, is_dry_run=is_dry_run)
