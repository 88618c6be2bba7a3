"""Findings of unchanged folders, kept in one file under `.llmops/`: losing it costs time only."""

from __future__ import annotations

import contextlib
from pathlib import Path

from llmops.adapters.filesystem import state_folder, write_atomically
from llmops.errors import CannotAsk


class ValidationCache:
    """The bytes of one file: b"" where there is none, whole or not written."""

    def __init__(self, root: str) -> None:
        self._root = root

    def get(self) -> bytes:
        try:
            return Path(self._root, ".llmops", "validate", "findings.json").read_bytes()
        except OSError:
            return b""

    def put(self, data: bytes) -> None:
        """A cache that cannot be written is no reason to fail: the answer is already there."""
        with contextlib.suppress(OSError, CannotAsk):
            write_atomically(Path(state_folder(self._root, "validate")) / "findings.json", data)
