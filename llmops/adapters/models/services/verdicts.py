"""What a complaint means, by the rules that all services share; a service puts its own before them.

Rules, in order; the first that fits decides:

1. A redirect is a wrong address: a key follows nobody.
2. A content filter's refusal is an answer.
3. Longer than the model's window, or larger than the account's limit a minute: this request alone.
4. Money or quota spent: waiting does not help.
5. An unknown model, told apart from a wrong address by the words: both come as 404.
6. A wrong key or a missing right.
7. `max_tokens` under another name: another way to write the same.
8. A page that is no API's, or a path that nobody knows: the address.
9. A limit of the account (429): later. Trouble over there (408, 409, 425, 5xx): again. What a server does not do at all
   (501) it will not do the next time.
10. A setting that the model does not take (the complaint names a field other than the question's): every request has
    it. Any other 400, 413, 422: this request alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from llmops.adapters.keys import origin
from llmops.adapters.models.services.pauses import seconds_of
from llmops.adapters.models.services.service import LONGEST_WORDS, Complaint, Kind, Mend
from llmops.adapters.models.services.words import Words

QUESTION_FIELDS = ("messages", "input", "inputs", "prompt", "tools", "contents")
_FILTERED = {"content_filter", "content_policy_violation", "responsibleaipolicyviolation", "invalid_prompt"}
_TOO_LONG = {"context_length_exceeded", "exceed_context_size_error", "string_above_max_length", "context_exceeded"}
_SPENT = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "budget_exceeded"}
_NO_MODEL = {"model_not_found", "deploymentnotfound", "model_not_supported", "key_model_access_denied"}
_NO_KEY = {"invalid_api_key", "auth_error", "authentication_error", "authenticationerror", "token_not_found_in_db"}
_SETTING = {"unsupported_parameter", "unsupported_value", "unknown_parameter", "unknownmodelparameter"}
_TOO_LONG_SAID = re.compile(
    r"(?:maximum|model's|max) (?:context|model) length|context length is only|available context size"
    r"|context size has been exceeded|(?:exceeds?|larger than|longer than) (?:the )?(?:max(?:imum)? )?context"
    r"|must have less than \d+ tokens|must be <= \d+|prompt is too long|exceeds? the context window"
    r"|input length exceeds",
    re.IGNORECASE,
)
_FILTER_SAID = re.compile(r"triggering .{0,60}content management policy|ContentPolicyViolationError", re.IGNORECASE)
_SPENT_SAID = re.compile(
    r"exceeded your current quota|budget has been exceeded|over budget\. spend|exceeded ?budget|crossed budget",
    re.IGNORECASE,
)
_NO_MODEL_SAID = re.compile(
    r"\bmodel\b.{0,160}\b(?:not found|does not exist|not exist|not supported by any provider)|invalid model name"
    r"|not allowed to access model|no access to model|does not have access to model",
    re.IGNORECASE,
)
_NO_KEY_SAID = re.compile(
    r"authentication error|invalid (?:api key|proxy server token|token|credentials)", re.IGNORECASE
)
_TOO_LARGE_SAID = re.compile(r"request too large", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What to do, in the words of one service."""

    key: str
    model: str
    address: str
    spent: str = "raise the limit or add credit there, then run the same command: what was answered is kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A reply that is no completion. `headers` have small names; `status` is the one that counts: a failure that
    comes with 200 says its own."""

    status: int
    words: Words
    headers: Mapping[str, str]
    advice: Advice
    now: float

    def says(self, names: set[str], pattern: re.Pattern[str]) -> bool:
        """True where a type or code is one of `names`, or the message has `pattern`."""
        return bool(self.words.names & names) or bool(pattern.search(self.words.message))

    def complaint(
        self, kind: Kind, hint: str = "", *, words: str = "", seconds: float | None = None, mend: Mend | None = None
    ) -> Complaint:
        """A complaint in the endpoint's own words."""
        said = words or self.words.message
        return Complaint(kind=kind, words=_shortened(said), hint=hint, seconds=seconds, mend=mend)

    @property
    def seconds(self) -> float | None:
        said = seconds_of(self.headers, self.words.message, now=self.now)
        return self.words.seconds if said is None else said


Rule = Callable[[Reply], Complaint | None]


def verdict(reply: Reply, own: tuple[Rule, ...] = ()) -> Complaint:
    """What `reply` means; the rules of its service come first."""
    for rule in (*own, *_RULES):
        if found := rule(reply):
            return found
    return reply.complaint(Kind.REFUSED, "mend the request or the model's entry in llmops.yaml")


def _shortened(words: str) -> str:
    """The beginning of `words`, cut between two of them: half a key would no longer be known as one."""
    if len(words) <= LONGEST_WORDS:
        return words
    return f"{words[: LONGEST_WORDS - 1].rpartition(' ')[0]} …"


def _redirect(reply: Reply) -> Complaint | None:
    if not 300 <= reply.status < 400:
        return None
    to = origin(reply.headers.get("location", "")) or "another path"
    hint = "if that address is the service's, write it as base_url in llmops.yaml"
    return reply.complaint(Kind.ADDRESS, hint, words=f"redirects to {to}, and no question or key follows a redirect")


def _content_filter(reply: Reply) -> Complaint | None:
    if not reply.says(_FILTERED, _FILTER_SAID):
        return None
    found = f" ({', '.join(reply.words.filtered)})" if reply.words.filtered else ""
    return reply.complaint(Kind.CONTENT_FILTER, words=f"content filter{found}: {reply.words.message}")


def _too_long(reply: Reply) -> Complaint | None:
    if reply.status == 429 and _TOO_LARGE_SAID.search(reply.words.message):
        return reply.complaint(
            Kind.INPUT, "this request alone exceeds the limit a minute: shorten it or raise the limit"
        )
    if reply.status != 429 and reply.says(_TOO_LONG, _TOO_LONG_SAID):
        return reply.complaint(
            Kind.INPUT, "shorten the case, lower max_tokens or top_k, or use a model with more context"
        )
    return None


def _spent(reply: Reply) -> Complaint | None:
    is_spent = reply.status == 402 or reply.says(_SPENT, _SPENT_SAID)
    return reply.complaint(Kind.REFUSED, reply.advice.spent) if is_spent else None


def _no_model(reply: Reply) -> Complaint | None:
    # By its words alone only where the words can be about the model: a tool may "not exist" as well.
    may_be = reply.status in (403, 404) or (reply.status in (400, 401) and reply.words.param in ("", "model"))
    is_unknown = bool(reply.words.names & _NO_MODEL) or (may_be and bool(_NO_MODEL_SAID.search(reply.words.message)))
    return reply.complaint(Kind.MODEL, reply.advice.model) if is_unknown else None


def _no_key(reply: Reply) -> Complaint | None:
    said = reply.status == 400 and reply.says(_NO_KEY, _NO_KEY_SAID)
    is_refused = reply.status in (401, 403, 407) or said
    return reply.complaint(Kind.KEY, reply.advice.key) if is_refused else None


def _other_name(reply: Reply) -> Complaint | None:
    if (
        reply.status in (400, 422)
        and "max_completion_tokens" in reply.words.message
        and "max_tokens" in reply.words.message
    ):
        return reply.complaint(Kind.MEND, mend=Mend.COMPLETION_TOKENS)
    return None


def _no_api(reply: Reply) -> Complaint | None:
    is_page = reply.status == 200 and reply.words.is_page
    is_gone = reply.status in (404, 405, 410)
    return reply.complaint(Kind.ADDRESS, reply.advice.address) if is_page or is_gone else None


def _later(reply: Reply) -> Complaint | None:
    if reply.status == 429:
        return reply.complaint(Kind.LIMITED, seconds=reply.seconds)
    is_trouble = reply.status in (200, 408, 409, 424, 425) or (reply.status >= 500 and reply.status != 501)
    return reply.complaint(Kind.AGAIN, seconds=reply.seconds) if is_trouble else None


def _at_fault(reply: Reply) -> Complaint | None:
    if reply.status not in (400, 413, 422):
        return None
    field = re.split(r"[.\[]", reply.words.param)[0]
    is_setting = (bool(field) and field not in QUESTION_FIELDS) or (not field and bool(reply.words.names & _SETTING))
    if is_setting:
        hint = f"change or leave out {field or 'the setting'} in the prompt's or judge's parameters"
        return reply.complaint(Kind.REFUSED, hint)
    return reply.complaint(Kind.INPUT, "this request cannot be answered; look at the case and its template")


_RULES: tuple[Rule, ...] = (
    _redirect,
    _content_filter,
    _too_long,
    _spent,
    _no_model,
    _no_key,
    _other_name,
    _no_api,
    _later,
    _at_fault,
)
