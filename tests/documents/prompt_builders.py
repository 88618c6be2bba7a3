"""Builders and strategies for prompts, retrieval configs and thresholds. They say what differs."""

from __future__ import annotations

from hypothesis import strategies as st

from llmops.documents import prompts
from llmops.documents.freezing import freeze

DIGEST = "0" * 64


def a_prompt(**fields):
    value = {"prompt_name": "support", "version": "1.0.0", "model": "gpt-4o", "template": "Be kind.", **fields}
    if "messages" in fields:
        del value["template"]
    return prompts.parse(value, "prompts/support/prompt.yaml")


def a_release(*, rag=None, thresholds=None, evalset="cases", digest=DIGEST, base="", **fields):
    thresholds = {"release": {"groundedness": {"min": 0.8}}} if thresholds is None else thresholds
    prompt = a_prompt(**fields)
    return freeze.freeze(prompt, rag=rag, thresholds=thresholds, evalset=evalset, evalset_digest=digest, base=base)


# The YAML door lets in neither halves of surrogate pairs nor control characters.
NASTY = (
    *("no", "1.0", "1e5", "0x1f", "null", "~", "=", "<<", "2020-01-01", "a: b", "- a", "# a", "a #b", "@", "'", "\t"),
    *("two\nlines", "two\n lines \n", " lead\nx", "{{ a }}", "x\r\ny", "\n", "|", "%a", "---", "? a"),
)
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30) | st.sampled_from(NASTY)
NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True).filter(lambda name: name not in prompts.RESERVED)
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | TEXTS, inner, max_size=3),
    max_leaves=6,
)
SHARES = st.floats(0, 1)


def optional(**fields):
    """Mappings that have any of the fields."""
    return st.fixed_dictionaries({}, optional=fields)


VARIABLES = st.lists(NAMES, max_size=3, unique=True) | st.dictionaries(
    NAMES,
    st.none()
    | optional(
        type=st.sampled_from(["string", "integer", "array"]),
        default=JSON,
        max_length=st.integers(1, 99),
        enum=st.lists(JSON, min_size=1, max_size=3),
        description=TEXTS,
        trusted=st.booleans(),
    ),
    max_size=3,
)
MESSAGES = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["system", "user", "assistant"]), "content": TEXTS}),
    min_size=1,
    max_size=3,
)
PROMPTS = st.one_of(
    st.fixed_dictionaries({"template": TEXTS | st.just("Q: {{ question }}")}),
    st.fixed_dictionaries({"messages": MESSAGES}),
).flatmap(
    lambda text: optional(
        variables=VARIABLES,
        temperature=SHARES,
        parameters=st.dictionaries(NAMES, JSON, max_size=2),
        few_shots=st.lists(st.fixed_dictionaries({"user": TEXTS, "assistant": TEXTS}), max_size=2),
        tools=st.lists(st.dictionaries(NAMES, JSON, max_size=2), max_size=2),
        output_schema=st.dictionaries(NAMES, JSON, max_size=2),
        fallback=TEXTS | st.dictionaries(NAMES, JSON, max_size=2),
        owner=TEXTS,
        changelog=TEXTS,
        use_case=TEXTS,
        labels=st.lists(TEXTS, max_size=2) | st.dictionaries(NAMES, TEXTS, max_size=2),
    ).map(lambda fields: {**text, **fields})
)
RAGS = st.none() | st.fixed_dictionaries(
    {"sources": st.sampled_from(["a", "./a/", ["b", "a/"], ["a", "b"]])},
    optional={
        "loader": st.just("markdown"),
        "chunking": optional(strategy=st.sampled_from(["section", "fixed"]), size=st.integers(1, 9)),
        "embedding": optional(model=st.sampled_from(["all-minilm-l6-v2", "other"]), dimensions=st.just(7)),
        "index": optional(backend=st.just("memory"), name=TEXTS),
        "retrieval": optional(top_k=st.integers(1, 9), score_threshold=st.none() | SHARES),
        "context": optional(max_tokens=st.none() | st.integers(1, 99)),
        "freshness": st.just({"max_age": "30d"}),
    },
)
SLICES = st.lists(NAMES, max_size=2, unique=True) | st.dictionaries(NAMES, optional(min=SHARES, max=SHARES), max_size=2)
THRESHOLDS = st.fixed_dictionaries(
    {
        "release": st.dictionaries(
            NAMES,
            optional(
                min=SHARES, max=SHARES, require=st.just("PASS"), max_drop=SHARES, confidence=SHARES, slices=SLICES,
                decide_on=st.sampled_from(["mean", "interval"]), min_cases=st.integers(1, 9),
            ),
            max_size=2,
        )
    },
    optional={
        "judge": NAMES,
        "repeats": st.integers(1, 3),
        "min_coverage": SHARES,
        "quarantine": st.lists(
            st.fixed_dictionaries({"case": NAMES, "reason": TEXTS, "until": st.just("2026-01-01")}), max_size=2
        ),
        "production": st.just({"groundedness": {"min": 0.1}}),
    },
)  # fmt: skip
