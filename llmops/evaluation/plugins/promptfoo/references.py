"""Files that an assertion file names, read from the same tree and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from llmops.documents import canonical

PREFIX = "file://"
READABLE = (".json", ".yaml", ".yml", ".txt", ".md")


class NotFound(ValueError):
    """A reference to a file that is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """The files beside `path`. `digests` gathers what was read: path to SHA-256."""

    path: str
    read: Callable[[str], bytes | None]
    digests: dict[str, str] = field(default_factory=dict)

    def bytes_of(self, reference: str) -> tuple[str, bytes]:
        """The path from the root that `file://…` names, and its bytes. Raises: NotFound."""
        path = self._inside(reference.removeprefix(PREFIX))
        data = self.read(path)
        if data is None:
            raise NotFound(f"there is no file {path}")
        self.digests[path] = canonical.sha256(data)
        return path, data

    def _inside(self, written: str) -> str:
        parts = [] if written.startswith("/") else self.path.split("/")[:-1]
        for part in written.split("/"):
            if part == "..":
                if not parts:
                    raise NotFound(f"{written} leads out of the repository")
                parts.pop()
            elif part not in ("", "."):
                parts.append(part)
        return "/".join(parts)


def is_code(reference: str) -> bool:
    """True where the file is not plain data: a script, or a function in one (`file://check.py:name`)."""
    return not reference.lower().endswith(READABLE)
