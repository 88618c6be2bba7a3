"""Deciding from stored evidence: `llmops gate` in a real repository, and a verdict on a million scores.

What is asked: 12 metrics with a bar each, half of them by their interval, and two slices. A million scores are decided
on in this process, from evidence that was read; reading it is shown beside it. With `--slow` a repository of that size
is made, and the whole command measured in it.
"""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.figures import LLMOPS, Figure, alternate, cpu_of, git
from llmops.documents import canonical
from llmops.documents.bars import Bars, parse_threshold
from llmops.documents.evalsets import Case, Evalset
from llmops.documents.trees import MemoryTree
from llmops.evaluation import evidence, pooling, summary
from llmops.evaluation.evidence import EvidenceRow, Score, Tokens, measured
from llmops.evaluation.gating import gate
from llmops.evaluation.gating.decisions import GateQuestion, Verdict
from llmops.evaluation.panels import EMBEDDED_PANEL
from llmops.evaluation.scoring import lexical
from llmops.evaluation.sheets import reading
from llmops.governance import verification
from llmops.usecases.evaluate import recording
from tests import worlds

METRICS = (
    "groundedness", "faithfulness", "answer_similarity", "context_precision", "context_recall", "recall_at_k",
    "precision_at_k", "mrr", "ndcg", "contains", "safety", "citation_coverage",
)  # fmt: skip
JUDGED = ("groundedness", "faithfulness")
PASS_OR_FAIL = ("contains", "safety")
SLICES = ("a", "b")
JUDGE = "embedded-lexical"
SMALL, LARGE = 1_000, 83_334  # cases; times 12 metrics the latter are a million scores
EVALUATED = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ANSWER = "The rule asks for 30 days of notice in writing, counted from the day on which the letter arrives [1]."


def run(*, slow: bool = False) -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        figures = _in_repository(Path(name), SMALL, goal=0.3)
    figures += _in_process(LARGE)
    if slow:
        with tempfile.TemporaryDirectory() as name:
            figures += _in_repository(Path(name), LARGE, goal=None)
    return figures


def _in_repository(folder: Path, cases: int, goal: float | None) -> list[Figure]:
    """The whole command, and what of it the start and the verification of the log are."""
    files = _written(folder, cases)
    asked = (*LLMOPS, "gate", "support@1.0.0", "--env", "staging")
    found = alternate({"gate": asked, "start": (*LLMOPS, "--version")}, folder=folder, times=5 if goal else 1)
    if f"support 1.0.0 for staging: {Verdict.PASS}" not in found["gate"].output:
        raise AssertionError(f"not PASS: {found['gate'].output[:200]}")
    tree = MemoryTree(files)
    verify = cpu_of(lambda: verification.verify(tree, recompute=_recomputed), times=3)
    size = f"{cases:,} cases x {len(METRICS)} metrics"
    return [
        Figure(
            name=f"gate, {size}, whole CPU",
            measured=found["gate"].cpu,
            unit="s",
            goal=goal,
            floor=f"`llmops --version`: {found['start'].cpu * 1000:.0f} ms",
            note=f"wall {found['gate'].wall:.2f} s",
        ),
        Figure(name="of it: verifying the log, shards read anew", measured=verify, unit="s"),
    ]


def _recomputed(shards: Iterable[bytes]) -> pooling.Recomputed:
    # Reading is kept by the bytes: from the second time on it would cost nothing here.
    found = tuple(shards)
    for shard in found:
        reading.read_anew(shard)
    return pooling.recompute(found)


def _in_process(cases: int) -> list[Figure]:
    evalset = Evalset(name="lamp", version="1.0.0", cases=tuple(map(_case, range(cases))), slices=SLICES)
    shards = evidence.shards(_rows(evalset))
    read = cpu_of(lambda: [reading.read_anew(shard) for shard in shards], times=1)
    sheets = [reading.read_anew(shard) for shard in shards]
    verdicts = []

    def decide() -> None:
        verdicts.append(gate.decide(_question(evalset, pooling.pool(sheets))).verdict)

    decided = cpu_of(decide, times=3)
    if set(verdicts) != {Verdict.PASS}:
        raise AssertionError(f"{verdicts}, not PASS")
    size = sum(map(len, shards)) / 1e6
    return [
        Figure(
            name="decide on 1,000,000 scores, evidence read, CPU",
            measured=decided,
            unit="s",
            goal=1.0,
            note=f"{cases:,} cases; pooling, the seed's digest and every interval included",
        ),
        Figure(name="reading them from their shards, CPU", measured=read, unit="s", note=f"{size:.0f} MB, row by row"),
    ]


def _question(evalset: Evalset, candidate: pooling.Pool) -> GateQuestion:
    thresholds = tuple(parse_threshold(name, fields) for name, fields in _bars().items())
    return GateQuestion(
        bars=Bars(thresholds=thresholds, judge=JUDGE, evalset=evalset.name, evalset_digest=evalset.digest),
        evalset=evalset,
        candidate=candidate,
        now=EVALUATED,
        accepted_judges=frozenset({"advisory", "calibrated"}),
    )


def _bars() -> dict[str, dict[str, Any]]:
    """A bar a metric, every other one by its interval, the first one with slices."""
    bars: dict[str, dict[str, Any]] = {
        name: {"min": 0.5, "decide_on": "interval" if at % 2 else "mean"} for at, name in enumerate(METRICS)
    }
    bars[METRICS[0]]["slices"] = {name: {"min": 0.5} for name in SLICES}
    return bars


def _fields(at: int) -> dict[str, Any]:
    """A case as its evalset has it."""
    return {
        "id": f"case-{at:06}",
        "question": f"What does rule {at} of the handbook ask for?",
        "ground_truth": f"Rule {at} asks for {at % 97} days.",
        "relevant": ["lamp#bulb"],
        "contains": [f"Rule {at}"],
        "tags": [SLICES[at % 2]],
    }


def _case(at: int) -> Case:
    own: dict[str, Any] = {name: tuple(each) if isinstance(each, list) else each for name, each in _fields(at).items()}
    return Case(**own)


def _rows(evalset: Evalset) -> Iterator[EvidenceRow]:
    drawn = random.Random(7)
    for case in evalset.cases:
        name = case.id.encode()
        yield EvidenceRow(
            case=case.id,
            slices=evalset.slices_of(case),
            input_digest=canonical.sha256(name),
            request_digest=canonical.sha256(name + b" asked"),
            answer=ANSWER,
            scores={metric: _score(metric, drawn) for metric in METRICS},
            retrieved=("lamp#bulb", "lamp#cord", "lamp#switch"),
            tokens=Tokens(input=412, output=37),
            latency_ms=drawn.randint(200, 900),
        )


def _score(metric: str, drawn: random.Random) -> Score:
    """Pass or fail, steps, or anything from 0 to 1; from the judge with its reason."""
    if metric in PASS_OR_FAIL:
        return measured(float(drawn.random() < 0.9))
    if metric in JUDGED:
        return measured(round(drawn.uniform(0.6, 1), 4), "not supported: 'The notice is in writing.'", lexical.LABEL)
    return measured(drawn.uniform(0.6, 1) if metric == "answer_similarity" else drawn.randint(5, 10) / 10)


def _written(folder: Path, count: int) -> dict[str, bytes]:
    """A repository with a locked and published release and one evaluation of it; gives its files."""
    world = worlds.World(repository=worlds.RacingRepository())
    manifest = worlds.EVALSET.replace("[numeric]", f"[{', '.join(SLICES)}]")
    world.put(
        {
            **worlds.documents(worlds.a_team()),
            "evalsets/lamp/evalset.yaml": manifest.encode(),
            "evalsets/lamp/cases.jsonl": worlds.cases_file([_fields(at) for at in range(count)]),
            f"prompts/{worlds.PROMPT}/thresholds.yaml": json.dumps({"judge": JUDGE, "release": _bars()}).encode(),
        }
    )
    world.apply_policy().lock("1.0.0")
    subject = world.subject("1.0.0")
    rows = tuple(_rows(subject.evalset))
    evaluated = replace(
        worlds.an_evaluation(subject, {}),
        rows=rows,
        summary=summary.summarise(pooling.pool([rows]), subject.evalset),
        scorers={name: EMBEDDED_PANEL.versions[name] for name in METRICS},
    )
    recording.record(world.desk(), subject, evaluated)
    world.publish("1.0.0")
    files = dict(world.repository.commits[world.repository.refs["refs/heads/main"]].files)
    for path, data in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "records")
    return files
