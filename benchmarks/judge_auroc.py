"""How well the judge `embedded-lexical` agrees with people: AUROC on two labelled sets, with a bootstrap interval.

    python benchmarks/judge_auroc.py [FOLDER]

FOLDER holds `ragtruth_qa.jsonl` and `aggrefact_cliff.jsonl` (default: `shared/data` beside the checkout). The sets
are for measuring only: nothing in the judge is trained on them or tuned to them. Where they are absent the script
says so and exits 0. It prints one JSON object a set to stdout with `--json`, a table otherwise.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from llmops.evaluation.scoring import lexical

GOALS = {"ragtruth_qa": 0.73, "aggrefact_cliff": 0.80}
DRAWS = 1_000


def auroc(labels: list[int], scores: list[float]) -> float:
    """The chance that a supported answer scores above an unsupported one; ties count half (Mann and Whitney, 1947)."""
    import numpy as np

    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    positive = np.asarray(labels) == 1
    count = int(positive.sum())
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * (len(labels) - count)))


def interval(rows: list[dict], scores: list[float]) -> tuple[float, float]:
    """The 95 % bootstrap interval; source documents are drawn whole, because answers to one share it."""
    import numpy as np

    documents: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        documents.setdefault(row["doc_id"], []).append(place)
    groups = list(documents.values())
    generator = np.random.default_rng(0)
    drawn = []
    for _ in range(DRAWS):
        places = [place for group in generator.integers(len(groups), size=len(groups)) for place in groups[group]]
        labels = [rows[place]["label"] for place in places]
        if 0 < sum(labels) < len(labels):
            drawn.append(auroc(labels, [scores[place] for place in places]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def measure(path: Path) -> dict[str, object]:
    """The figures of one set. The words' weights come from the contexts of the whole set, as from a knowledge base."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    started = time.process_time()
    background = lexical.Background.of({context for row in rows for context in row["contexts"]})
    verdicts = [lexical.judge(row["answer"], row["contexts"], background) for row in rows]
    spent = time.process_time() - started
    labels = [row["label"] for row in rows]
    figures: dict[str, object] = {"set": path.stem, "answers": len(rows), "goal": GOALS[path.stem]}
    for name in ("groundedness", "faithfulness"):
        # An answer with nothing to judge is placed in the middle: the judge has no opinion on it.
        scores = [0.5 if (value := getattr(verdict, name)) is None else value for verdict in verdicts]
        low, high = interval(rows, scores)
        figures[name] = {"auroc": round(auroc(labels, scores), 3), "low": round(low, 3), "high": round(high, 3)}
    return {**figures, "cpu_ms_an_answer": round(1000 * spent / len(rows), 2)}


def show(figures: dict) -> str:
    shown = [f"{figures['set']}: {figures['answers']} answers, {figures['cpu_ms_an_answer']} ms CPU an answer"]
    for name in ("groundedness", "faithfulness"):
        found = figures[name]
        shown.append(f"  {name:13} AUROC {found['auroc']:.3f} ({found['low']:.3f} to {found['high']:.3f})")
    is_met = figures["groundedness"]["auroc"] >= figures["goal"]
    return "\n".join([*shown, f"  goal for groundedness {figures['goal']:.2f}: {'met' if is_met else 'not met'}"])


def main(arguments: list[str]) -> int:
    names = [argument for argument in arguments if argument != "--json"]
    folder = Path(names[0]) if names else Path(__file__).resolve().parents[2] / "shared" / "data"
    for name in GOALS:
        path = folder / f"{name}.jsonl"
        if not path.is_file():
            print(f"{name}: not measured, there is no {path}", file=sys.stderr)
            continue
        figures = measure(path)
        print(json.dumps(figures) if "--json" in arguments else show(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
