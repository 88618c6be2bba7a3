"""doctor: every probe's answer in one list; a probe that raises is a problem with its remedy."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llmops.errors import LlmopsError
from llmops.usecases.results.auditing import Check, Diagnosis

Probe = tuple[str, Callable[[], str]]


def run(probes: Sequence[Probe]) -> Diagnosis:
    """Ask them all; none keeps another from being asked."""
    return Diagnosis(checks=tuple(_ask(name, probe) for name, probe in probes))


def _ask(name: str, probe: Callable[[], str]) -> Check:
    try:
        return Check(name=name, state="ok", message=probe())
    except LlmopsError as error:
        details = "".join(f"; {line}" for line in error.details)
        where = f"{error.where}: " if error.where else ""
        return Check(name=name, state="problem", message=f"{where}{error.what}{details}", fix=error.hint)
