"""The files of a checkout as a service reads them: where its root is, and what was read, so that a change is noticed.

The root is, in this order: the one that was given; LLMOPS_ROOT_DIR; the nearest folder upwards from the working folder
that holds llmops.yaml, `.git`, or both releases/ and environments/.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from llmops.documents.trees import REGULAR_FILE, TreeEntry
from llmops.runtime.errors import PromptError

ROOT_VARIABLE = "LLMOPS_ROOT_DIR"
# Time of change, size and file number: git, editors and `mv` all change at least one of them.
Stamp = tuple[int, int, int]


class Checkout:
    """A folder as a tree. `stamps` holds what every file that was asked for looked like (None: it was not there)."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.stamps: dict[str, Stamp | None] = {}

    def read(self, path: str) -> bytes | None:
        """The bytes of one file, or None where there is none. Raises: PromptError FILE_UNREADABLE."""
        full = self.root / path
        # Stamped before it is read: a change in between is seen at the next look.
        self.stamps[path] = stamp_of(full)
        try:
            return full.read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as error:
            what = f"the file cannot be read: {error.strerror or error}"
            raise PromptError("FILE_UNREADABLE", what, where=path, hint="give read permission") from error

    def read_many(self, paths: Iterable[str]) -> dict[str, bytes]:
        found = {path: self.read(path) for path in paths}
        return {path: data for path, data in found.items() if data is not None}

    def entries(self, prefix: str = "") -> tuple[TreeEntry, ...]:
        """Every file at or below the folder `prefix`, sorted by path."""
        files = (Path(folder, name) for folder, _, names in os.walk(self.root / prefix) for name in names)
        return tuple(sorted((self._entry(file) for file in files), key=lambda entry: entry.path))

    def _entry(self, file: Path) -> TreeEntry:
        stamp = stamp_of(file)
        path = file.relative_to(self.root).as_posix()
        return TreeEntry(path=path, mode=REGULAR_FILE, size=stamp[1] if stamp else -1)

    def folders(self, path: str) -> tuple[str, ...]:
        """The names of the folders right below a folder, sorted."""
        return tuple(sorted(each.name for each in _listed(self.root / path) if each.is_dir()))

    def files(self, path: str, suffix: str) -> tuple[str, ...]:
        """The names of the files right below a folder, without their suffix, sorted."""
        return tuple(sorted(each.stem for each in _listed(self.root / path) if each.suffix == suffix))

    def has_folder(self, path: str) -> bool:
        return (self.root / path).is_dir()


def stamp_of(file: Path) -> Stamp | None:
    """What a file looks like from outside, None where there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def find_root(given: str | os.PathLike[str] | None) -> Path:
    """The folder of the repository. Raises: PromptError ROOT_MISSING."""
    named = os.fspath(given) if given is not None else os.environ.get(ROOT_VARIABLE, "")
    if named:
        return _existing(Path(named), "root=" if given is not None else ROOT_VARIABLE)
    start = _working_folder()
    for folder in (start, *start.parents):
        if _is_root(folder):
            return folder
    what = "there is no llmops repository here or above: no llmops.yaml, no .git"
    hint = f"start the service inside the checkout, set {ROOT_VARIABLE}, or give root="
    raise PromptError("ROOT_MISSING", what, where=str(start), hint=hint)


def _existing(folder: Path, said_by: str) -> Path:
    if not folder.is_dir():
        what = f"{said_by} names a folder that is not there"
        raise PromptError("ROOT_MISSING", what, where=str(folder), hint="name the root of a checkout")
    return folder.absolute()


def _working_folder() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        hint = f"set {ROOT_VARIABLE}, or give root="
        raise PromptError("ROOT_MISSING", "the working folder is gone", where=".", hint=hint) from error


def _is_root(folder: Path) -> bool:
    if (folder / "llmops.yaml").is_file() or (folder / ".git").exists():
        return True
    return (folder / "releases").is_dir() and (folder / "environments").is_dir()


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []
