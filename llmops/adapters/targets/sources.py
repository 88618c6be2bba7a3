"""Where the code of a `python:` target is, and how it is loaded.

Rules, in order:

1. The target's own module is the repository's, whatever is installed under the same name. One that is loaded already
   from elsewhere is refused, never replaced: others use it.
2. Everything else that is imported is looked for among what is installed first, in the repository's root last: a file
   there takes no library's place.
3. Where a trusted ref is named, the module's file, and `__init__.py` of the packages around it, are that ref's byte for
   byte; what these import is for who checks it out.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from importlib.abc import Loader
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType

from llmops.documents.config import TargetConfig
from llmops.errors import CannotAsk


def load(name: str, root: Path) -> ModuleType:
    """The module `name`, from `root` where it has one. Raises: ImportError, and whatever the module raises."""
    importlib.invalidate_caches()
    top = name.partition(".")[0]
    spec = PathFinder.find_spec(top, [str(root)])
    if spec is not None and spec.loader is not None:
        _load_top(top, spec, spec.loader)
    return importlib.import_module(name)


def _load_top(name: str, spec: ModuleSpec, loader: Loader) -> None:
    known = sys.modules.get(name)
    if known is not None:
        if getattr(known, "__file__", None) != spec.origin:
            where = getattr(known, "__file__", None) or "built in"
            raise ImportError(f"another {name} is in use here ({where}); name yours otherwise")
        return
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise


def files_of(name: str, root: Path) -> tuple[str, ...]:
    """The files below `root` that loading the module `name` runs, as paths from there; none for an installed one."""
    parts, found = name.split("."), []
    for count in range(1, len(parts) + 1):
        path = Path(*parts[:count])
        for file in (path / "__init__.py", path.with_suffix(".py")):
            if (root / file).is_file():
                found.append(file.as_posix())
                break
    return tuple(found)


def require_trusted(config: TargetConfig, *, root: Path, read: Callable[[str], bytes | None]) -> None:
    """Say whether the code of a `python:` target is the trusted one; `read` gives the trusted bytes of a path.

    Raises: CannotAsk UNTRUSTED_ENDPOINT.
    """
    if not config.address.startswith("python:"):
        return
    for path in files_of(config.address.removeprefix("python:").partition(":")[0], root):
        if (root / path).read_bytes() != read(path):
            what = f"{path}, which target {config.name} runs, is not the trusted one"
            hint = "merge the change of this file first, or check it out from what LLMOPS_TRUSTED_REF names"
            raise CannotAsk("UNTRUSTED_ENDPOINT", what, where=config.address, hint=hint)
