"""Which types of assert are measured, what each needs, and why the others are not.

Rules, in order:

1. Code in a file is never executed: no JavaScript, Python or Ruby, no webhook. A metric in code comes in as a plug-in,
   which somebody installed on purpose.
2. A type that would need what an observation does not hold (traces, log probabilities, a provider's configuration) is
   left out, by name.
3. Nothing is left out in silence: every type that is not measured has a reason here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Means(StrEnum):
    """How a type is measured."""

    RULE = "rule"
    REGEX = "regex"
    EMBEDDINGS = "embeddings"
    MODEL = "model"
    MODEL_AND_EMBEDDINGS = "model and embeddings"


class Takes(StrEnum):
    """What the `value` of a type may be."""

    NOTHING = "nothing"
    TEXT = "a text"
    TEXTS = "a text or a list of texts"
    NUMBER = "a text or a number"
    LIST = "a list, or texts with commas between"
    ANY = "a value"
    SCHEMA = "a JSON Schema, or nothing"
    COUNT = "a number, or `min` and `max`"
    RUBRIC = "a text or a mapping"


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """One type that is measured. `threshold` is the one it has by itself; `is_binary`: its score is 0 or 1."""

    takes: Takes
    means: Means = Means.RULE
    threshold: float | None = None
    needs_threshold: bool = False
    is_binary: bool = True
    note: str = ""


_CONTAINS = Support(takes=Takes.NUMBER)
_LISTED = Support(takes=Takes.LIST)
_OWN_PROMPT = "asked with a prompt of llmops"

SUPPORTED: Mapping[str, Support] = MappingProxyType(
    {
        "equals": Support(takes=Takes.ANY),
        "contains": _CONTAINS,
        "icontains": _CONTAINS,
        "contains-all": _LISTED,
        "contains-any": _LISTED,
        "icontains-all": _LISTED,
        "icontains-any": _LISTED,
        "starts-with": Support(takes=Takes.TEXT),
        "regex": Support(takes=Takes.TEXT, means=Means.REGEX, note="matched in a process of its own, with a deadline"),
        "is-json": Support(takes=Takes.SCHEMA),
        "contains-json": Support(takes=Takes.SCHEMA),
        "levenshtein": Support(takes=Takes.TEXT, threshold=5),
        "rouge-n": Support(takes=Takes.TEXT, threshold=0.75, is_binary=False),
        "bleu": Support(takes=Takes.TEXTS, threshold=0.5, is_binary=False),
        "word-count": Support(takes=Takes.COUNT),
        "latency": Support(takes=Takes.NOTHING, needs_threshold=True, note="the time of the reply when it was made"),
        "cost": Support(takes=Takes.NOTHING, needs_threshold=True, note="US dollars, by the prices of llmops"),
        "finish-reason": Support(takes=Takes.TEXT),
        "is-refusal": Support(takes=Takes.NOTHING, note="by the phrases that llmops knows"),
        "similar": Support(takes=Takes.TEXTS, means=Means.EMBEDDINGS, threshold=0.75, is_binary=False),
        "similar:cosine": Support(takes=Takes.TEXTS, means=Means.EMBEDDINGS, threshold=0.75, is_binary=False),
        "llm-rubric": Support(takes=Takes.RUBRIC, means=Means.MODEL, is_binary=False, note=_OWN_PROMPT),
        "g-eval": Support(
            takes=Takes.TEXTS, means=Means.MODEL, threshold=0.7, is_binary=False, note=f"{_OWN_PROMPT}, in one step"
        ),
        "model-graded-closedqa": Support(takes=Takes.TEXT, means=Means.MODEL, note=_OWN_PROMPT),
        "factuality": Support(takes=Takes.TEXT, means=Means.MODEL, note=_OWN_PROMPT),
        "model-graded-factuality": Support(takes=Takes.TEXT, means=Means.MODEL, note=_OWN_PROMPT),
        "answer-relevance": Support(
            takes=Takes.NOTHING,
            means=Means.MODEL_AND_EMBEDDINGS,
            threshold=0,
            is_binary=False,
            note="measured as `answer_relevancy` of the native judge",
        ),
        "context-faithfulness": Support(
            takes=Takes.NOTHING,
            means=Means.MODEL,
            threshold=0,
            is_binary=False,
            note="measured as `faithfulness` of the native judge, on the contexts of the case",
        ),
        "context-recall": Support(
            takes=Takes.TEXT,
            means=Means.MODEL,
            threshold=0,
            is_binary=False,
            note="measured as `context_recall` of the native judge, on the contexts of the case",
        ),
    }
)

_CODE = "it is code, and code in a file is never executed: install it as a plug-in (docs/metrics-of-your-own.md)"
_TRACES = "it reads traces, which an evaluation of llmops does not hold"
_PROVIDER = "it needs the configuration of a promptfoo provider"
_SERVICE = "it sends answers to a service that llmops does not know"
_COMPARES = "it compares the outputs of several prompts; `llmops compare` does"

_UNSUPPORTED: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("javascript", "python", "ruby"), _CODE),
        "webhook": "it sends answers to an address that the file names: install it as a plug-in",
        **dict.fromkeys(("trace-error-spans", "trace-span-count", "trace-span-duration", "skill-used"), _TRACES),
        **dict.fromkeys(
            (
                "is-valid-function-call",
                "is-valid-openai-function-call",
                "is-valid-openai-tools-call",
                "guardrails",
                "classifier",
            ),
            _PROVIDER,
        ),
        **dict.fromkeys(("moderation", "pi", "search-rubric", "agent-rubric"), _SERVICE),
        **dict.fromkeys(("perplexity", "perplexity-score"), "an observation holds no log probabilities"),
        **dict.fromkeys(("select-best", "max-score", "human"), _COMPARES),
        **dict.fromkeys(
            ("is-sql", "contains-sql", "is-xml", "contains-xml", "is-html", "contains-html"),
            "llmops has no parser for this language: install it as a plug-in",
        ),
        **dict.fromkeys(("meteor", "gleu"), "llmops does not measure it: `bleu` and `rouge-n` are near"),
        **dict.fromkeys(("similar:dot", "similar:euclidean"), "only the cosine is measured: write `similar`"),
        "tool-call-f1": "use the metric `tool_call_accuracy` and the case's `expected_tool_calls`",
        "context-relevance": "use the judge's metric `context_precision`",
        "conversation-relevance": "llmops has no metric for it",
    }
)
_FAMILIES = (("trajectory:", _TRACES), ("promptfoo:redteam:", "llmops generates no attacks"), ("select-", _COMPARES))


def why_not(kind: str) -> str:
    """Why a type is not measured; "" where it is."""
    if kind in SUPPORTED:
        return ""
    family = next((why for prefix, why in _FAMILIES if kind.startswith(prefix)), "")
    return _UNSUPPORTED.get(kind) or family or "llmops does not know this type"
