"""What every command shares: options that may stand anywhere on the line, and the screen."""

from __future__ import annotations

import gc
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from llmops.errors import CannotAsk
from llmops.render.page import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class Globals:
    """Options of every command: `-C DIR` (work there) and `--json`."""

    folder: str = "."
    is_json: bool = False


def split_globals(argv: Sequence[str]) -> tuple[Globals, list[str]]:
    """The shared options and the rest of the line. Words after `--` are left alone. Raises: CannotAsk USAGE."""
    folder, is_json, rest = ".", False, list[str]()
    words = iter(argv)
    for word in words:
        if word == "--":
            rest.extend([word, *words])
        elif word == "--json":
            is_json = True
        elif word == "-C":
            following = next(words, None)
            if following is None:
                raise CannotAsk("USAGE", "-C needs a folder", hint="llmops -C DIR COMMAND")
            folder = str(Path(folder) / following)
        else:
            rest.append(word)
    if not Path(folder).is_dir():
        raise CannotAsk("USAGE", "no such folder", where=folder, hint="-C names an existing folder")
    return Globals(folder=folder, is_json=is_json), rest


def page_for(stream: object) -> Page:
    """An empty page as wide as the terminal; coloured only where `stream` is one and NO_COLOR is not set."""
    isatty = getattr(stream, "isatty", lambda: False)()
    return Page(width=_width(), is_coloured=bool(isatty) and not os.environ.get("NO_COLOR"))


def _width() -> int:
    # COLUMNS wins, then the terminal, then 80: golden files and CI logs must not depend on the machine.
    return max(40, min(160, shutil.get_terminal_size((80, 24)).columns))


def collect_rarely() -> None:
    """Look for garbage in cycles far less often. What a long run makes lives until its end, and to look at all of
    it again and again was a tenth of its CPU; what it drops, it drops without cycles."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def say(text: str) -> None:
    """A message for people: standard error, so that standard output holds results only."""
    page = page_for(sys.stderr)
    page.paragraph(text)
    sys.stderr.write(str(page))
    sys.stderr.flush()
