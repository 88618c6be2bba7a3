"""restore NAME@VERSION: bring an old release back to the working files, ready for an edit and a new lock.

A release does not hold everything that people write. Production monitors are taken over from the present
thresholds.yaml; what else is lost from the present files is named in the notes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from llmops.documents.freezing import thaw
from llmops.documents.reading import yaml_door
from llmops.documents.trees import FileChange, Plan, Tree
from llmops.errors import CannotAsk
from llmops.usecases.frozen import find_release
from llmops.usecases.ports import Repository
from llmops.usecases.results.writing import WrittenFiles

NOT_HELD = (
    "a release does not hold comments, descriptions, `status`, `environment`, `evaluation`, `freshness`, `index.name` "
    "or shared paths: what the files said of these before is in git (`git diff`)"
)


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
    kept, notes = _with_monitors(repository.work_tree(), files, f"prompts/{name}/thresholds.yaml")
    files |= kept
    if not is_dry_run:
        repository.apply(Plan(files=tuple(FileChange(path=path, content=data) for path, data in files.items())))
    again = (
        f"prompts/{name}/ is {version} again; edit it, set a version above {version}, "
        f"then `git add` it and `llmops lock {name} --base {version}`"
    )
    return WrittenFiles(files=tuple(files), notes=(again, *notes, NOT_HELD), is_dry_run=is_dry_run)


def _with_monitors(tree: Tree, files: Mapping[str, bytes], path: str) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """The bars with the `production:` section of the present file, and what to say about it. Monitors belong to what
    runs, not to a release. Raises: CannotAsk DOCUMENT_UNREADABLE where the present file cannot be read."""
    present = tree.read(path)
    parsed = yaml_door.parse(present, path) if present is not None else None
    if parsed is None or path not in files:
        return {}, ()
    if not parsed.is_readable:
        raise CannotAsk(
            "DOCUMENT_UNREADABLE",
            f"its `production:` section is to be kept, and the file cannot be read: {parsed.findings[0].message}",
            where=path,
            hint="mend the file, or remove it",
        )
    monitors = parsed.value.get("production") if isinstance(parsed.value, dict) else None
    if not monitors:
        return {}, ()
    added = thaw.dump({"production": monitors})
    return {path: files[path] + added}, (f"{path} keeps the `production:` section it has now",)
