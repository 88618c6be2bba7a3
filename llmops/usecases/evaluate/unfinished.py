"""What a run says that could not measure every case: what is kept, what is missing, and why."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from llmops.errors import CannotAsk

NAMED = 8


def stopped(error: CannotAsk, cases: Sequence[str], answered: Collection[str]) -> CannotAsk:
    """The failure that ended the run, with how far it came."""
    if not answered or error.code.startswith("CASSETTE"):
        return error  # saved replies that lack an answer lack it the next time too
    missing = [case for case in cases if case not in answered]
    more = f" and {len(missing) - NAMED} more" if missing[NAMED:] else ""
    named = f"; missing: {', '.join(missing[:NAMED])}{more}" if missing else ""
    kept = f"{len(cases) - len(missing)} of {len(cases)} answers are kept, the same command continues{named}"
    hint = f"{error.hint}; {kept}" if error.hint else kept
    return CannotAsk(error.code, error.what, where=error.where, hint=hint)


def incomplete(failed: Mapping[str, CannotAsk], total: int) -> CannotAsk:
    """Cases that could not be measured although others could: each with its own reason."""
    return CannotAsk(
        "INCOMPLETE",
        f"{len(failed)} of {total} cases could not be measured; nothing is recorded",
        hint="mend what is listed, then run the same command: the other answers are kept",
        details=tuple(_line(case, error) for case, error in sorted(failed.items())),
    )


def _line(case: str, error: CannotAsk) -> str:
    where = f" ({error.where})" if error.where else ""
    hint = f"; {error.hint}" if error.hint else ""
    return f"{case}: {error.what}{where}  [{error.code}]{hint}"
