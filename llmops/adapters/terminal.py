"""One key at a time from a terminal, one line at a time from anywhere else.

On a terminal a key counts as soon as it is pressed; Ctrl-C interrupts as ever. From a pipe each line is a word, so that
a loop can be scripted and tested.
"""

from __future__ import annotations

import sys
from typing import TextIO


def is_terminal(stream: TextIO | None = None) -> bool:
    """Whether somebody sits there."""
    return (stream or sys.stdin).isatty()


def read_key(stream: TextIO | None = None) -> str:
    """The next key, or the next line without its line feed; "" at the end of input."""
    source = stream or sys.stdin
    if not source.isatty():
        return source.readline().strip()
    return _pressed(source)


def _pressed(source: TextIO) -> str:
    import termios
    import tty

    handle = source.fileno()
    before = termios.tcgetattr(handle)
    try:
        # cbreak, not raw: Ctrl-C stays an interrupt. What was typed ahead counts, so nothing is flushed.
        tty.setcbreak(handle, termios.TCSADRAIN)
        return source.read(1)
    finally:
        termios.tcsetattr(handle, termios.TCSADRAIN, before)
