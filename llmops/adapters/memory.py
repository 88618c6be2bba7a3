"""A head remembered outside the repository: one small JSON file, replaced atomically after each good verification."""

from __future__ import annotations

import json
from pathlib import Path

from llmops.adapters.filesystem import write_atomically
from llmops.errors import CannotAsk
from llmops.governance.verification import Remembered


class Memory:
    """Recalls and keeps a head; with no path it does neither."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def recall(self) -> Remembered | None:
        """What was kept last, None at the first time. Raises: CannotAsk MEMORY_INVALID."""
        if self._path is None or not self._path.exists():
            return None
        try:
            value = json.loads(self._path.read_text(encoding="utf-8"))
            return Remembered(repository=value["repository"], sequence=value["sequence"], head=value["head"])
        except (ValueError, KeyError, TypeError) as error:
            raise CannotAsk(
                "MEMORY_INVALID",
                f"not a remembered head: {error}",
                where=str(self._path),
                hint="restore the file from a backup; deleting it gives up the protection against rewritten history",
            ) from error

    def keep(self, head: Remembered) -> None:
        """Replace the file. Raises: CannotAsk where it cannot be written."""
        if self._path is not None:
            value = {"repository": head.repository, "sequence": head.sequence, "head": head.head}
            write_atomically(str(self._path), json.dumps(value, indent=2).encode() + b"\n")
