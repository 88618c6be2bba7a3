"""The command line: how topics become one program, and the boundary where every answer becomes an exit code.

Exit codes: 0 yes · 1 no · 2 could not ask · 3 our bug · 4 undecided or not run · 130 interrupted. Decided here alone.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from llmops.cli.session import Globals, page_for, split_globals
from llmops.errors import Answer, CannotAsk, InvalidDocuments, LlmopsError, Refusal

if TYPE_CHECKING:
    from llmops.cli.outcome import Outcome


class ExitCode(IntEnum):
    """What a process answers."""

    YES = 0
    NO = 1
    COULD_NOT_ASK = 2
    BUG = 3
    UNDECIDED = 4
    INTERRUPTED = 130


_GROUPS = ("policy", "audit", "setup")  # the first words that name a group of commands
_SECOND = {"calibrate": ("sample",)}  # those that are a command, or a group with these second words
_ANSWERS = {
    Answer.YES: ExitCode.YES,
    Answer.NO: ExitCode.NO,
    Answer.UNDECIDED: ExitCode.UNDECIDED,
    Answer.COULD_NOT_ASK: ExitCode.COULD_NOT_ASK,
}


def run(argv: Sequence[str]) -> int:
    """Run one command line; prints its result or its error and returns the exit code."""
    options, command, outcome = Globals(is_json="--json" in argv), "llmops", None
    _show_what_cannot_be_encoded()
    try:
        options, rest = split_globals(argv or ["--help"])
        command = _command(rest)
        outcome = _dispatch(rest, options)
        if not hasattr(outcome, "answer"):
            return int(outcome or 0)
        return _finish(outcome, command, options)
    except KeyboardInterrupt:
        return _fail(command, options, CannotAsk("INTERRUPTED", "interrupted", hint="the same command continues"), 130)
    except LlmopsError as error:
        return _fail(command, options, error, _code_of(error))
    except BrokenPipeError:
        # The reader has left (`llmops … | head`); nobody would read a message, and the answer stays what it was.
        _leave_output()
        return _ANSWERS[getattr(outcome, "answer", Answer.YES)]
    except OSError as error:
        _settle_output()
        return _fail(command, options, _from_os(error), ExitCode.COULD_NOT_ASK)
    except Exception as error:  # noqa: BLE001 - the boundary: whatever is left is our bug, and says so
        return _bug(command, options, error)


def _print(text: str) -> None:
    """Write an error's envelope; where even that cannot be written, the message on standard error remains."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError:
        _leave_output()


def _settle_output() -> None:
    """Write what is still buffered; what cannot be written is given up, or the interpreter would fail on it at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        _leave_output()


def _leave_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _show_what_cannot_be_encoded() -> None:
    """A terminal that knows fewer characters than our texts gets them spelled out, never an exception."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _command(rest: Sequence[str]) -> str:
    """The command that a line names, as the envelope calls it: `validate`, `audit verify`."""
    words = [word for word in rest if not word.startswith("-")] or ["llmops"]
    is_group = words[0] in _GROUPS or (words[1:2] and words[1] in _SECOND.get(words[0], ()))
    return " ".join(words[: 2 if is_group else 1])


def _dispatch(rest: list[str], options: Globals) -> Any:
    import typer

    from llmops.cli import topics

    program = topics.program(options)
    try:
        outcome = program(args=rest, prog_name="llmops", standalone_mode=False)
    except topics.usage_errors() as error:
        raise CannotAsk("USAGE", topics.usage_problem(error), hint=topics.usage_hint(rest)) from error
    except typer.Abort as abort:
        raise KeyboardInterrupt from abort
    except SystemExit as leaving:
        # The only exit that is left without standalone mode: the reader of a help page has gone.
        raise BrokenPipeError from leaving
    if outcome == ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    return outcome


def _finish(outcome: Outcome, command: str, options: Globals) -> int:
    code = _ANSWERS[outcome.answer]
    if outcome.raw is not None:
        sys.stdout.write(outcome.raw)
    elif options.is_json:
        from llmops.render import envelope

        sys.stdout.write(
            envelope.render(command=command, exit_code=code, result=outcome.result, findings=outcome.findings)
        )
    else:
        page = page_for(sys.stdout)
        outcome.show(page)
        sys.stdout.write(str(page))
    sys.stdout.flush()
    return code


def _fail(command: str, options: Globals, error: LlmopsError, code: int) -> int:
    from llmops.render import envelope, messages

    findings = error.findings if isinstance(error, InvalidDocuments) else ()
    if options.is_json:
        _print(envelope.render(command=command, exit_code=int(code), findings=findings, error=error))
    page = page_for(sys.stderr)
    messages.findings(page, findings)
    messages.error(page, error)
    sys.stderr.write(str(page))
    return int(code)


def _code_of(error: LlmopsError) -> ExitCode:
    return ExitCode.NO if isinstance(error, Refusal | InvalidDocuments) else ExitCode.COULD_NOT_ASK


def _from_os(error: OSError) -> CannotAsk:
    hints = {
        errno.ENOSPC: "make room on the disk, then run the same command again",
        errno.EACCES: "check who owns the file and its permissions",
        errno.EROFS: "the file system is read-only",
    }
    hint = hints.get(error.errno or 0, "mend this, then run the same command again")
    return CannotAsk("SYSTEM", error.strerror or str(error), where=str(error.filename or ""), hint=hint)


def _bug(command: str, options: Globals, error: Exception) -> int:
    import traceback

    from llmops.render import show

    what = f"bug in llmops: {type(error).__name__}: {error}"
    report = LlmopsError("BUG", what, hint="please report this with the lines below")
    code = _fail(command, options, report, ExitCode.BUG)
    sys.stderr.write(show.terminal("".join(traceback.format_exception(error))))
    return code
