"""Writing plans without a ref: files of the work tree, and the index where asked.

Everything that can fail comes first: paths, symlinks, contents on disk as temporary files, the index. Only then are the
files renamed into place. What is there already is replaced: whether that may be is the use case's question.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from llmops.adapters.filesystem import refused_by_disk, write_beside
from llmops.adapters.git.opening import Place
from llmops.adapters.git.writing import journal, new_commits
from llmops.adapters.git.writing.checkouts import Checkout, Entry, remove_empty_folders
from llmops.adapters.git.writing.paths import refuse_links, refuse_unsafe
from llmops.documents.trees import REGULAR_FILE, FileChange, Plan
from llmops.errors import CannotAsk


def write(place: Place, plan: Plan) -> None:
    """Write the files of a plan. Raises: CannotAsk, and then nothing was written."""
    paths = [change.path for change in plan.files]
    refuse_unsafe(paths)
    refuse_links(place.root, paths)
    _refuse_what_stands_there(place.root, paths)
    with journal.writers_lock(place.common_dir):
        Checkout(place.root).sweep(paths)
        made: list[Path] = []
        try:
            ready = [(change, _prepare(place.root, change, made)) for change in plan.files]
            if plan.stage:
                _stage(place, plan)
            for change, temporary in ready:
                _put(place.root, change, temporary)
        finally:
            _clear(made)
    if plan.stage:
        Checkout(place.root).refresh([change.path for change in plan.files if change.content is not None])


def _stage(place: Place, plan: Plan) -> None:
    checkout = Checkout(place.root)
    kept = [change for change in plan.files if change.content is not None]
    scratch = journal.folder(place.common_dir)
    ids = new_commits.store_blobs(checkout.git, [change.content or b"" for change in kept], scratch)
    entries: dict[str, Entry] = {change.path: None for change in plan.files}
    entries |= {change.path: (REGULAR_FILE, oid) for change, oid in zip(kept, ids, strict=True)}
    checkout.stage(entries)


def _prepare(root: str, change: FileChange, made: list[Path]) -> Path | None:
    """The temporary file that holds a change; what was made on the way is noted, to be cleared if we fail."""
    if change.content is None:
        return None
    target = Path(root, change.path)
    missing = [folder for folder in target.parents if not folder.exists()]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as refused:
        raise refused_by_disk(target, refused) from refused
    finally:
        made.extend(reversed(missing))
    temporary = write_beside(target, change.content, mode=_mode(target))
    made.append(temporary)
    return temporary


def _put(root: str, change: FileChange, temporary: Path | None) -> None:
    target = Path(root, change.path)
    try:
        if temporary is not None:
            temporary.replace(target)
            return
        target.unlink(missing_ok=True)
    except OSError as refused:
        raise refused_by_disk(target, refused) from refused
    remove_empty_folders(root, change.path)


def _clear(made: list[Path]) -> None:
    """Remove temporary files, and folders that stayed empty because we failed."""
    for path in reversed(made):
        if path.is_dir():
            if not any(path.iterdir()):
                path.rmdir()
        else:
            path.unlink(missing_ok=True)


def _mode(target: Path) -> int:
    return 0o755 if target.exists() and target.stat().st_mode & 0o100 else 0o644


def _refuse_what_stands_there(root: str, paths: Iterable[str]) -> None:
    for path in paths:
        target = Path(root, path)
        if target.is_dir():
            raise _conflict(path, f"{path} is a folder, and a file is to be written there")
        above = next(folder for folder in target.parents if folder.exists())
        if not above.is_dir():
            raise _conflict(path, f"{above.relative_to(root)} is a file, and a folder is needed there")


def _conflict(path: str, what: str) -> CannotAsk:
    return CannotAsk("PATH_CONFLICT", what, where=path, hint="remove or rename it")
