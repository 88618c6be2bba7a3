"""Where a metric's code comes from, as far as it can move scores: package, version, and the file that holds it."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any


def origin(code: Any, distribution: metadata.Distribution | None) -> Mapping[str, str]:
    """What names a class or function. The source counts beside the version: a package that somebody works on keeps
    its version for days."""
    return {
        "package": distribution.name if distribution else "",
        "version": distribution.version if distribution else "",
        "name": f"{getattr(code, '__module__', '')}:{getattr(code, '__qualname__', type(code).__qualname__)}",
        "source": _source_digest(code),
    }


def distribution_of(module: str) -> metadata.Distribution | None:
    """The installed package that a module belongs to, None for one that only lies on the path."""
    root = module.partition(".")[0]
    names = metadata.packages_distributions().get(root, [])
    return metadata.distribution(names[0]) if names else None


def _source_digest(code: Any) -> str:
    try:
        path = inspect.getsourcefile(inspect.unwrap(code)) if callable(code) else None
        return hashlib.sha256(Path(path).read_bytes()).hexdigest() if path else ""
    except (OSError, TypeError, ValueError):
        return ""


def version_of(package: str) -> str:
    """The installed version of a package, "" where it is not installed as one."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
