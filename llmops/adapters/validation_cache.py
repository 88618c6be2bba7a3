"""Findings of unchanged folders, kept in one file under `.llmops/`: losing it costs time only."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from llmops.adapters.filesystem import write_atomically
from llmops.errors import CannotAsk


class ValidationCache:
    """A dictionary in one JSON file, read once and written once by `save`."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "findings.json"
        self._kept = self._read()
        self._is_changed = False

    def get(self, key: str) -> bytes | None:
        kept = self._kept.get(key)
        return base64.b64decode(kept) if kept else None

    def put(self, key: str, data: bytes) -> None:
        self._kept[key] = base64.b64encode(data).decode()
        self._is_changed = True

    def save(self) -> None:
        """Write what is new. A cache that cannot be written is no reason to fail: the answer is already there."""
        if not self._is_changed:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(str(self._path), json.dumps(self._kept).encode())
        except (OSError, CannotAsk):
            self._is_changed = True

    def _read(self) -> dict[str, str]:
        try:
            value = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            return {}
        return value if isinstance(value, dict) else {}
