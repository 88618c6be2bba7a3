"""Whether an answer declines.

A sentence declines if it says that the sources do not hold the answer, or that the speaker cannot or will not give
one. An answer is a refusal if every sentence declines, or only points elsewhere ("please contact …") beside one that
does; or if it declines on grounds of policy, at length (`policy_refusals`). English phrases only; that is a limit and
is said in the documentation. `declines` is what the embedded judge reads; the wider reading is of `is_refusal` alone.
"""

from __future__ import annotations

import re

from llmops.evaluation.scoring.policy_refusals import is_policy_refusal
from llmops.evaluation.scoring.words import fold, sentences, without_markers

_SOURCES = r"(?:context|passage|guideline|source|text|excerpt|material|knowledge base|information)s?"
_ANY_SOURCES = rf"(?:{_SOURCES}|(?:document|page|article|polic(?:y|ie))s?)"
_NOT = r"(?:do(?:es)? not|don't|doesn't|did not|didn't)"
# Verbs of saying decline whatever the subject; "the policy does not cover floods" is an answer.
_SAYS = r"(?:say|state|mention|specify|address|describe|tell|explain|answer|discuss|indicate)"
_HOLDS = r"(?:contain|include|cover|provide|give|list|have|offer)"
_SAID = r"(?:mentioned|stated|specified|described|addressed|discussed|answered)"
_HELD = r"(?:covered|provided|given|included|contained|available|found)"
_WE_CANNOT = (
    r"(?:cannot|can't|can not|could not|couldn't|am unable to|are unable to|'m unable to|'re unable to|am not able to"
    r"|are not able to|'m not able to|won't|will not|must decline|have to decline|decline)"
)
_DECLINES = re.compile(
    "|".join(
        (
            rf"\b{_ANY_SOURCES}\b(?: [\w-]+){{0,6}}? {_NOT} (?:\w+ ){{0,2}}{_SAYS}\b",
            rf"\b{_SOURCES}\b(?: [\w-]+){{0,3}}? {_NOT} (?:\w+ ){{0,2}}{_HOLDS}\b",
            rf"\b(?:is|are|was|were) (?:not|nowhere) (?:\w+ ){{0,2}}{_SAID}\b",
            rf"\b(?:isn't|aren't|wasn't|not|nowhere) (?:\w+ )?{_HELD} (?:in|by|within) (?:\w+ ){{0,3}}{_ANY_SOURCES}\b",
            rf"\bno (?:\w+ )?(?:mention|{_SOURCES})\b(?: \w+){{0,4}} (?:in|on|about|regarding|of)\b",
            rf"\bno (?:{_SOURCES}|details?) (?:is |are |was )?(?:provided|given|available|found)\b",
            rf"\bnot (?:enough|sufficient) {_SOURCES}|\binsufficient (?:context|information)\b",
            r"\b(?:i|we) (?:do not|don't) (?:know|have (?:\w+ ){0,4}(?:information|details|answer|access|data))\b",
            rf"\b(?:i|we)(?: | also )?{_WE_CANNOT}\b",
            r"\bcannot be (?:answered|determined)\b|^unable to (?:answer|help|determine|assist|comply)\b",
            r"\b(?:outside|beyond) (?:of )?(?:the |my |our )?scope of (?:the |this |my |our )?(?:\w+ )?"
            rf"(?:{_ANY_SOURCES}|assistant|service)\b|\b(?:outside|beyond) my scope\b",
        )
    )
)
_GOES_ON = re.compile(r"\b(?:but|however|although|though)\b|;")
_POINTS_ELSEWHERE = re.compile(
    r"^(?:(?:i'm|i am|we're|we are) )?(?:sorry|apologi[sz]e)\b"
    r"|^(?:please|for (?:more|further|help)|you (?:may|should|can|could|might)) .{0,40}"
    r"\b(?:contact|ask|call|reach|consult|speak|check|refer|visit|provide|let me)\b"
)


def declines(sentence: str) -> bool:
    """True where the sentence says that there is no answer to be had, and does not go on to give one."""
    text = fold(without_markers(sentence))
    found = _DECLINES.search(text)
    return found is not None and _GOES_ON.search(text, found.end()) is None


def is_refusal(text: str) -> bool:
    """True where the whole answer declines; answering after a disclaimer is answering."""
    if is_policy_refusal(text):
        return True
    found = sentences(text)
    if not any(declines(sentence) for sentence in found):
        return False
    return all(declines(sentence) or _POINTS_ELSEWHERE.search(fold(sentence)) for sentence in found)
