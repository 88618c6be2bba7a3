"""Importing ragas: late, once, and in silence.

Rules, in order:

1. Importing it takes seconds and 200 MB, so nothing here imports it before scores are asked for. One version is
   supported; which one is installed is read from the package's metadata, and another one is refused.
2. It is told not to report usage before it is imported, because it asks only once.
3. What it brings along stays for good, so the garbage collector is told to look at it no more: full collections over
   it took 0.1 s each and made up a fifth of the work of a run.
4. Where it is missing or does not import, the reason and the command that mends it are named.
"""

from __future__ import annotations

import functools
import gc
import importlib
import logging
import os
from importlib import metadata
from types import ModuleType

from llmops.errors import CannotAsk

RAGAS = "0.4.3"  # what the extra `eval` installs: a judge's digest names it, installed or not
_HINT = "pip install 'llmops[eval]': a plain `pip install ragas` may take packages that it does not import with"


def version_of(package: str) -> str:
    """The installed version. Raises: CannotAsk RAGAS_MISSING."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError as error:
        raise CannotAsk("RAGAS_MISSING", f"the judge needs {package}, which is not installed", hint=_HINT) from error


def require_version() -> None:
    """Raises: CannotAsk RAGAS_MISSING, RAGAS_VERSION."""
    found = version_of("ragas")
    if found != RAGAS:
        what = f"ragas {found} is installed, and the judge's scores are those of ragas {RAGAS}"
        raise CannotAsk("RAGAS_VERSION", what, hint=f"pip install 'llmops[eval]', which brings ragas {RAGAS}")


def load(module: str) -> ModuleType:
    """A module that imports ragas. Raises: CannotAsk RAGAS_MISSING."""
    os.environ["RAGAS_DO_NOT_TRACK"] = "true"
    # What it logs are replies that could not be used; a score says so, and stderr belongs to the command.
    logging.getLogger("instructor").addHandler(logging.NullHandler())
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise CannotAsk("RAGAS_MISSING", f"ragas does not import: {error}", hint=_HINT) from error


@functools.cache
def keep() -> None:
    """Take all that is there now out of the collector's sight, once in a process: when everything is imported."""
    gc.collect()
    gc.freeze()
