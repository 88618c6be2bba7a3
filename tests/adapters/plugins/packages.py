"""Packages that offer metrics, as an installer leaves them behind: a module and its `.dist-info` on the path."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest


class Packages:
    """Installs into one folder."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._monkeypatch = monkeypatch
        monkeypatch.syspath_prepend(str(folder))

    def install(self, package: str, code: str, *, version: str = "1.0.0", **points: str) -> None:
        """A package with one module; `points` are its metrics, `name="attribute"`."""
        module = package.replace("-", "_")
        (self._folder / f"{module}.py").write_text(textwrap.dedent(code))
        info = self._folder / f"{module}-{version}.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
        lines = [f"{name.replace('_', '-')} = {module}:{attribute}" for name, attribute in points.items()]
        (info / "entry_points.txt").write_text("[llmops.metrics]\n" + "\n".join(lines) + "\n")
        (info / "RECORD").write_text(f"{module}.py,,\n")
        self.forget(package)

    def forget(self, package: str) -> None:
        """The module is imported anew."""
        import importlib

        self._monkeypatch.delitem(sys.modules, package.replace("-", "_"), raising=False)
        importlib.invalidate_caches()
