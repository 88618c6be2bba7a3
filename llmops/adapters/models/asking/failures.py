"""One attempt that failed, and what is said of it in the end.

Rules, in order:

1. An endpoint's complaint is read by its service (`services`); the transport's own failures are told apart here.
2. What would fail for every request is `CannotAsk`; what is the fault of this request or of its reply alone is
   `InputRefused`: a run goes on without it, and names it.
3. So is a request that is given up while others are answered: the endpoint is there. But a key, a right, a setting or
   money that was refused is refused for all.
4. Every message names the model, says what happened in the endpoint's own words, and what to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from llmops.adapters.models.services.service import Complaint, Kind
from llmops.errors import CannotAsk, InputRefused

LONGEST_MESSAGE = 300
LONGEST_ASKED_SECONDS = 300.0  # what is not waited for


class Cause(StrEnum):
    """What failed: the endpoint complained, or the way to it."""

    COMPLAINT = "complaint"
    CONNECTION = "connection"
    TIMEOUT = "timeout"
    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    REDIRECT = "redirect"
    CERTIFICATE = "certificate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why an attempt failed; `kind` is what has to happen next, `seconds` what the endpoint asks to wait."""

    cause: Cause
    what: str
    kind: Kind
    hint: str = ""
    seconds: float | None = None
    complaint: Complaint | None = None


class AttemptFailed(Exception):
    """One attempt failed. `pause` is how long to wait before the next one, None where there is none."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.what)
        self.trouble = trouble
        self.pause: float | None = None


_KINDS = {
    Cause.CONNECTION: Kind.AGAIN,
    Cause.TIMEOUT: Kind.AGAIN,
    Cause.MALFORMED: Kind.AGAIN,
    Cause.TOO_LARGE: Kind.INPUT,
    Cause.REDIRECT: Kind.ADDRESS,
    Cause.CERTIFICATE: Kind.REFUSED,
}
_CODES = {
    Kind.KEY: "KEY_REFUSED",
    Kind.MODEL: "MODEL_NOT_FOUND",
    Kind.ADDRESS: "MODEL_ADDRESS",
}
_HINTS = {
    Kind.KEY: "check the key in the variable that `key_env` (or `token_env`) names in llmops.yaml, and its rights",
    Kind.MODEL: "check `model` (Azure: `deployment`) of the model in llmops.yaml",
    Kind.ADDRESS: "check `base_url` of the model in llmops.yaml: it usually ends in /v1",
    Kind.LIMITED: "set `requests_per_minute` or `tokens_per_minute` of the model, then run the same command: "
    "what was answered is kept",
    Kind.AGAIN: "check the endpoint, then run the same command: what was answered is kept",
    Kind.INPUT: "shorten or mend this case: the endpoint refuses it, and takes others",
}
# What may be the fault of one request: others show whether it is.
_OF_ONE = frozenset({Kind.AGAIN, Kind.LIMITED, Kind.ADDRESS, Kind.MODEL})
_HINT_OF_ONE = (
    "other requests to this model were answered meanwhile: look at this case, or run the same command again; "
    "what was answered is kept"
)


def failed(cause: Cause, what: str, hint: str = "") -> AttemptFailed:
    """The failure of an attempt on the way to the endpoint, or in its reply."""
    return AttemptFailed(Trouble(cause=cause, what=what, kind=_KINDS[cause], hint=hint))


def complained(status: int, complaint: Complaint) -> AttemptFailed:
    """The failure of an attempt that the endpoint answered with a complaint."""
    said = f"HTTP {status}" if status != 200 else "an error in place of a reply"
    what = f"{said}: {complaint.words[:LONGEST_MESSAGE]}" if complaint.words else said
    trouble = Trouble(
        cause=Cause.COMPLAINT,
        what=what,
        kind=complaint.kind,
        hint=complaint.hint,
        seconds=complaint.seconds,
        complaint=complaint,
    )
    return AttemptFailed(trouble)


def last_word(trouble: Trouble, *, where: str, attempts: int, others: int = 0) -> CannotAsk:
    """What is raised when no further attempt is made. `others` were answered since the first attempt began."""
    times = f"after {attempts} attempt{'s' if attempts > 1 else ''}"
    hint = trouble.hint or _HINTS.get(trouble.kind, "mend the request or the model's entry in llmops.yaml")
    if trouble.cause is Cause.MALFORMED:
        hint = trouble.hint or "look at what the endpoint sends, or leave this case out"
        return InputRefused("REPLY_MALFORMED", f"no usable reply {times}: {trouble.what}", where=where, hint=hint)
    if trouble.cause is Cause.TOO_LARGE:
        return InputRefused("REPLY_TOO_LARGE", trouble.what, where=where, hint="set `max_tokens`")
    if trouble.kind is Kind.INPUT:
        return InputRefused("INPUT_REFUSED", trouble.what, where=where, hint=hint)
    raised: type[CannotAsk] = CannotAsk
    if others and trouble.kind in _OF_ONE:
        raised, hint = InputRefused, _HINT_OF_ONE
        where = f"{where} ({others} other{'s' if others > 1 else ''} answered meanwhile)"
    if trouble.kind in (Kind.AGAIN, Kind.LIMITED):
        asked = f" (asks to wait {trouble.seconds:.0f} s)" if (trouble.seconds or 0) > LONGEST_ASKED_SECONDS else ""
        return raised("MODEL_UNAVAILABLE", f"no answer {times}: {trouble.what}{asked}", where=where, hint=hint)
    return raised(_CODES.get(trouble.kind, "MODEL_REFUSED"), trouble.what, where=where, hint=hint)
