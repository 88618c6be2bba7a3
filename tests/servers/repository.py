"""A small repository whose prompt, judge and embeddings ask one server: what evaluations are measured and broken on.

Each case brings three passages and a ground truth, so that all judged metrics have what they need, and nothing is
retrieved or embedded on this machine.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

PROMPT = "plans"
JUDGE = "strict"
EVALSET = "plans"
CONTEXTS = 3
METRICS = ("faithfulness", "answer_relevancy", "context_precision", "context_recall", "groundedness", "coherence")

_PROMPT = """\
prompt_name: plans
version: 1.0.0
use_case: Answers questions about savings plans from the passages that come with them.
owner: savings
model: served
temperature: 0
messages:
  - role: system
    content: |
      Answer from the passages, in two sentences.
  - role: user
    content: |
      {% for context in contexts %}[{{ context.number }}] {{ context.text }}
      {% endfor %}
      Question: {{ question }}
evalset: plans
changelog: First.
"""
_EVALSET = "name: plans\nversion: 1.0.0\ndescription: Made-up savings plans.\nlicence: CC0-1.0\nsource: cases.jsonl\n"


def cases(count: int) -> list[dict[str, Any]]:
    """Cases that differ, about 150 words of passages each."""
    return [_case(number) for number in range(1, count + 1)]


def _case(number: int) -> dict[str, Any]:
    filler = "Deposits are booked on the day on which they arrive, and interest is paid out once a year in January. "
    passages = [
        f"Plan {number}-{passage} pays 3.5 percent and costs {number + passage} dollars a year. {filler * 2}"
        for passage in range(1, CONTEXTS + 1)
    ]
    return {
        "id": f"plan-{number:05d}",
        "question": f"What does plan {number}-1 pay, and what does it cost?",
        "ground_truth": f"It pays 3.5 percent. It costs {number + 1} dollars a year.",
        "contexts": passages,
    }


def configuration(address: str, *, kind: str = "native", concurrency: int = 32, **model: Any) -> dict[str, Any]:
    """llmops.yaml: one model and its embeddings at `address`."""
    served = {"provider": "openai", "base_url": address, "concurrency": concurrency, **model}
    judge = {"kind": kind, "model": "served", "embeddings": "served-vectors"}
    return {
        "models": {
            "served": {"model": "scripted-1", "prices": {"input": 1, "output": 2}, **served},
            "served-vectors": {"model": "scripted-vectors-1", "prices": {"input": 1}, **served},
        },
        "judges": {JUDGE: judge},
    }


def thresholds(metrics: Iterable[str] = METRICS, *, repeats: int = 1) -> str:
    """Bars that any reply passes: what they name is measured."""
    bars = "".join(f"  {metric}: {{min: 0.01}}\n" for metric in metrics)
    return f"judge: {JUDGE}\nrepeats: {repeats}\nrelease:\n{bars}"


def write(
    folder: Path, asked: Sequence[Mapping[str, Any]], config: Mapping[str, Any], metrics: Iterable[str] = METRICS
) -> Path:
    """The repository in `folder`, working files only."""
    files = {
        "llmops.yaml": json.dumps(config, indent=1),
        f"prompts/{PROMPT}/prompt.yaml": _PROMPT,
        f"prompts/{PROMPT}/thresholds.yaml": thresholds(metrics),
        f"evalsets/{EVALSET}/evalset.yaml": _EVALSET,
        f"evalsets/{EVALSET}/cases.jsonl": "".join(json.dumps(case) + "\n" for case in asked),
        ".gitignore": ".llmops/\n",
    }
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    if not (folder / ".git").exists():
        subprocess.run(("git", "init", "-q", "-b", "main", str(folder)), check=True)
    return folder
