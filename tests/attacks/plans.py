"""What the attacked repository holds: a prompt about savings plans, its bars and evalset, a team, and who answers.

The scripted model reads how it is told to answer: from the passage (right), by guessing (wrong on most plans), or by
gambling (wrong on them until it was asked often enough), by skipping the first plan, which must pass, or by halving.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tests.servers import replies
from tests.servers.model_server import Act, Asked

PROMPT = "plans"
COUNT = 24
RIGHT = "Answer from the passage."
BRIEF = "Answer from the passage, briefly."
GUESSING = "Answer quickly and guess."
GAMBLING = "Answer and gamble."
SKIPPING = "Answer, but skip the first plan."
HALVING = "Answer half of the questions."
HARD = range(4, 50)  # what guessing gets wrong
WRONG, UNSUPPORTED = 999, 998  # only the second is seen by the judge
LUCKY = 3  # from this attempt on, gambling is right

_MESSAGES = """\
prompt_name: plans
version: {version}
use_case: Answers questions about savings plans from the passages that come with them.
owner: savings
model: served
temperature: 0
messages:
  - role: system
    content: |
      {text}
  - role: user
    content: |
      {{% for context in contexts %}}{{{{ context.text }}}}
      {{% endfor %}}
      Question: {{{{ question }}}}
evalset: plans
changelog: {changelog}
"""
EVALSET = """\
name: {name}
version: 1.0.0
description: Made-up plans.
licence: CC0-1.0
source: cases.jsonl
slices: {slices}
"""

BARS: Mapping[str, Any] = {
    "judge": "strict",
    "repeats": 2,
    "judge_repeats": 2,
    "min_coverage": 1.0,
    "quarantine": [{"case": "plan-23", "reason": "the passage is out of date", "until": "2098-01-01"}],
    "release": {
        "contains": {
            "min": 0.75,
            "max_drop": 0.3,
            "decide_on": "interval",
            "confidence": 0.95,
            "min_cases": 20,
            "slices": {"fees": {"min": 0.6}},
        },
        "tokens": {"max": 900},
        "safety": {"require": "PASS"},
        "faithfulness": {"min": 0.5, "pass_at": 0.5},
        "style": {"min": 0.9},
    },
}

STYLE = "evals/style.yaml"
STYLE_FILE = b"assert:\n  - {type: contains, value: dollars a year}\n"

PEOPLE: Mapping[str, tuple[str, ...]] = {
    "rosa": ("root",),
    "mia": ("author",),
    "quinn": ("quality",),
    "ravi": ("reviewer", "compliance"),
    "release-job": ("publisher", "evaluator", "operator"),
}


def a_case(number: int) -> dict[str, Any]:
    case = {
        "id": f"plan-{number:02}",
        "question": f"What does plan {number} cost?",
        "ground_truth": f"Plan {number} costs {number + 40} dollars a year.",
        "contexts": [f"Plan {number} pays 3.5 percent and costs {number + 40} dollars a year."],
        "contains": [f"{number + 40} dollars"],
    }
    return {**case, **({"tags": ["fees"]} if number % 2 else {}), **({"must_pass": True} if number in (0, 2) else {})}


def cases(count: int = COUNT) -> list[dict[str, Any]]:
    return [a_case(number) for number in range(count)]


def cases_file(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def prompt_file(version: str, text: str = RIGHT, changelog: str = "A change.") -> bytes:
    return _MESSAGES.format(version=version, text=text, changelog=changelog).encode()


def bars_file(change: Callable[[dict[str, Any]], Any] | None = None) -> bytes:
    """The bars, after `change` had its way with them."""
    bars = copy.deepcopy(dict(BARS))
    if change:
        change(bars)
    return json.dumps(bars, indent=1).encode()


def governance(keys: Mapping[str, str]) -> dict[str, Any]:
    people: dict[str, dict[str, Any]] = {
        name: {"keys": [keys[name]], "roles": list(roles), "emails": [f"{name}@example.org"]}
        for name, roles in PEOPLE.items()
    }
    people["release-job"]["machine"] = True
    open_to_all = {"judges": ["advisory", "calibrated"], "approvals": [], "min_cases": 10}
    return {
        "base_branch": "main",
        "records_branch": "main",
        "root_threshold": 1,
        "principals": people,
        "environments": {
            "staging": {**open_to_all, "floors": {"contains": {"min": 0.7}}},
            "strict": {**open_to_all, "judges": ["calibrated"]},
            "closed": {**open_to_all, "evalsets": ["plans"]},
        },
        "classes": {"system": {"approvals": [], "environments": []}},
    }


def configuration(address: str, keys: Mapping[str, str]) -> dict[str, Any]:
    served = {"provider": "openai", "base_url": address, "prices": {"input": 1, "output": 2}}
    judge = {"kind": "native", "embeddings": "served-vectors"}
    return {
        "governance": governance(keys),
        "models": {
            "served": {"model": "scripted-1", **served},
            "kind": {"model": "scripted-kind-1", **served},
            "served-vectors": {"model": "scripted-vectors-1", **served},
        },
        "metrics": {"style": {"promptfoo": STYLE}},
        "judges": {"strict": {**judge, "model": "served"}, "lenient": {**judge, "model": "kind"}},
    }


def answer(asked: Asked) -> Act | None:
    """What the scripted model does with a question; a judge finds answers of one kind unsupported."""
    if not asked.path.endswith("/chat/completions"):
        return None
    if "response_format" in asked.body:
        return _unfavourable(asked) if f"costs {UNSUPPORTED} dollars" in asked.said else None
    system = str(asked.body["messages"][0]["content"])
    found = re.search(r"What does plan (\d+) cost", asked.said)
    if found is None:
        return None
    number = int(found[1])
    is_luckless = "guess" in system or ("gamble" in system and asked.attempt < LUCKY)
    is_wrong = is_luckless and number in HARD
    is_skipped = number == 0 and "skip" in system
    is_odd = number % 2 and "half" in system
    fee = UNSUPPORTED if is_odd else WRONG if is_wrong or is_skipped else number + 40
    return Act(text=f"Plan {number} costs {fee} dollars a year.")


def _unfavourable(asked: Asked) -> Act:
    """A judge's form filled against the answer: it claims what is wrong, and such claims are not supported."""
    text = replies.text_of(asked.body, f"that costs {UNSUPPORTED} dollars")
    return Act(text=text.replace('"supported"', '"unsupported"'))


def labels(rows: Iterable[Mapping[str, Any]], metric: str, label: Callable[[Mapping[str, Any]], int]) -> bytes:
    """What a person says of the answers in evidence, one line an answer."""
    lines = [
        {
            "case": row["case"],
            "metric": metric,
            "label": label(row),
            "annotator": "quinn",
            "answer": hashlib.sha256(row["answer"].encode()).hexdigest(),
        }
        for row in rows
        if row["repeat"] == 0
    ]
    return "".join(json.dumps(line) + "\n" for line in lines).encode()
