"""One key at a time from a terminal, one line at a time from anywhere else.

Rules, in order:

1. On a terminal a key counts as soon as it is pressed; Ctrl-C interrupts as ever, and Ctrl-D is the end of input.
2. What arrives at once with something else is no key that somebody pressed: an arrow or function key sends several
   bytes, and so does pasted text. All of it is swallowed until nothing more comes, and counts as one key without
   meaning.
3. From a pipe each line is a word, so that a loop can be scripted and tested; a blank line is none.
"""

from __future__ import annotations

import os
import select
import sys
from typing import TextIO

NO_KEY = "?"  # what was pressed, or pasted, and means nothing
_QUIET = 0.05  # seconds: what comes sooner after a byte than this belongs to it, and no two fingers are as fast
_END = b"\x04"


def is_terminal(stream: TextIO | None = None) -> bool:
    """Whether somebody sits there."""
    return (stream or sys.stdin).isatty()


def forget(stream: TextIO | None = None) -> None:
    """Throw away what was typed at a terminal before the question that follows: it answers nothing that was seen."""
    source = stream or sys.stdin
    if source.isatty():
        import termios

        termios.tcflush(source.fileno(), termios.TCIFLUSH)


def read_key(stream: TextIO | None = None) -> str:
    """The next key, or the next line that is not blank, without its line feed; "" at the end of input."""
    source = stream or sys.stdin
    if source.isatty():
        return _pressed(source)
    while line := source.readline():
        if word := line.strip():
            return word
    return ""


def _pressed(source: TextIO) -> str:
    import termios
    import tty

    handle = source.fileno()
    before = termios.tcgetattr(handle)
    try:
        # cbreak, not raw: Ctrl-C stays an interrupt.
        tty.setcbreak(handle, termios.TCSADRAIN)
        found = _together(handle)
    finally:
        termios.tcsetattr(handle, termios.TCSADRAIN, before)
    if found in (b"", _END):
        return ""
    return found.decode("ascii") if len(found) == 1 and found.isalnum() else NO_KEY


def _together(handle: int) -> bytes:
    """What comes in one go, at most the first two bytes of it: more is told from one key by them. b"" at the end."""
    # From the handle itself: what Python read ahead could not be thrown away before the next question.
    found = _some(handle)
    while found and select.select([handle], [], [], _QUIET)[0]:
        more = _some(handle)
        if not more:
            break
        found = (found + more)[:2]
    return found


def _some(handle: int) -> bytes:
    try:
        return os.read(handle, 4096)
    except OSError:
        return b""  # how a terminal says that nobody is left
