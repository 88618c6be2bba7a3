"""Others on the same cases and the same endpoint: ragas, DeepEval and promptfoo, where they are installed.

BENCH_DEEPEVAL_PYTHON names a Python that has deepeval, BENCH_PROMPTFOO the promptfoo program. Each tool judges the same
four metrics in its own way, with its own requests; its ideal is computed from them. Its faults are counted, not mended:
missing is how many scores it does not give.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.engine import clean, work
from benchmarks.engine.processes import CHAT, Endpoint, Taken, endpoint, taken
from benchmarks.engine.work import Setting
from benchmarks.figures import Figure, skipped
from tests.servers import repository

CASES = 50
CONCURRENCY = 32
PATIENCE_SECONDS = 300
OTHERS = Path(__file__).parent / "others"
QUIET = {
    "RAGAS_DO_NOT_TRACK": "true",
    "DEEPEVAL_TELEMETRY_OPT_OUT": "YES",
    "PROMPTFOO_DISABLE_TELEMETRY": "1",
    "PROMPTFOO_DISABLE_UPDATE": "1",
    "OPENAI_API_KEY": "none",
}
Run = Callable[[int, Endpoint], Taken]


def run(*, cases: int = CASES) -> list[Figure]:
    cases = min(cases, CASES)
    with endpoint(latency_ms=work.LATENCY_MS) as at:
        figures = [*_compared("llmops, native judge", _llmops("native"), cases, at, _rows_missing)]
        figures += _compared("llmops, ragas' metrics", _llmops("ragas"), cases, at, _rows_missing)
        for name, (program, why) in _programs().items():
            figures += _compared(name, program, cases, at, _said_missing) if program else [skipped(name, why)]
    return figures


def _programs() -> dict[str, tuple[Run | None, str]]:
    python = sys.executable if importlib.util.find_spec("ragas") else ""
    deepeval, promptfoo = os.environ.get("BENCH_DEEPEVAL_PYTHON", ""), os.environ.get("BENCH_PROMPTFOO", "")
    return {
        "ragas, collections in a gather": (_python(python, "ragas_collections"), "pip install 'llmops[eval]'"),
        "ragas, evaluate()": (_python(python, "ragas_evaluate"), "pip install 'llmops[eval]'"),
        "DeepEval, evaluate()": (_python(deepeval, "deepeval_evaluate"), "BENCH_DEEPEVAL_PYTHON is not set"),
        "promptfoo eval": (_promptfoo(promptfoo), "BENCH_PROMPTFOO is not set"),
    }


def _llmops(kind: str) -> Run:
    def go(cases: int, at: Endpoint) -> Taken:
        setting = Setting(cases=cases, concurrency=CONCURRENCY, kind=kind, metrics=work.RAGAS_METRICS)
        return clean.llmops(setting, at).runs[0]

    return go


def _python(python: str, name: str) -> Run | None:
    def go(cases: int, at: Endpoint) -> Taken:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "cases.json"
            path.write_text(json.dumps(repository.cases(cases)), encoding="utf-8")
            command = (python, str(OTHERS / f"{name}.py"), at.address, str(path), str(CONCURRENCY))
            return taken(command, at, folder=Path(folder), extra=QUIET, timeout=PATIENCE_SECONDS)

    return go if python else None


def _promptfoo(program: str) -> Run | None:
    def go(cases: int, at: Endpoint) -> Taken:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            config = _promptfoo_config(repository.cases(cases), at.address)
            (folder / "promptfooconfig.json").write_text(json.dumps(config), encoding="utf-8")
            words = ("eval", "-c", "promptfooconfig.json", "--max-concurrency", str(CONCURRENCY), "--no-cache")
            extra = {**QUIET, "PROMPTFOO_CONFIG_DIR": name, "PROMPTFOO_FAILED_TEST_EXIT_CODE": "0"}
            more = ("--no-table", "--no-progress-bar", "--no-write", "-o", "found.json")
            done = taken((program, *words, *more), at, folder=folder, extra=extra, timeout=PATIENCE_SECONDS)
            found = json.loads((folder / "found.json").read_text(encoding="utf-8"))
        parts = [
            len((row.get("gradingResult") or {}).get("componentResults") or ()) for row in found["results"]["results"]
        ]
        return _with_output(done, json.dumps({"missing": 4 * cases - sum(parts)}))

    return go if program else None


def _with_output(done: Taken, output: str) -> Taken:
    return Taken(wall=done.wall, cpu=done.cpu, peak_mb=done.peak_mb, output=output, seen=done.seen)


def _promptfoo_config(cases: Sequence[Mapping[str, Any]], address: str) -> dict[str, Any]:
    settings = {"apiBaseUrl": address, "apiKey": "none"}
    model = {"id": "openai:chat:scripted-1", "config": settings}
    vectors = {"id": "openai:embedding:scripted-vectors-1", "config": settings}
    return {
        "prompts": ["{{context}}\nQuestion: {{query}}"],
        "providers": [model],
        "defaultTest": {"options": {"provider": {"text": model, "embedding": vectors}}},
        "tests": [
            {
                "vars": {"query": case["question"], "context": "\n".join(case["contexts"])},
                "assert": [
                    {"type": "context-faithfulness", "threshold": 0},
                    {"type": "answer-relevance", "threshold": 0},
                    {"type": "context-relevance", "threshold": 0},
                    {"type": "context-recall", "threshold": 0, "value": case["ground_truth"]},
                ],
            }
            for case in cases
        ],
    }


def _compared(
    name: str, program: Run, cases: int, at: Endpoint, missing: Callable[[Taken, int], int]
) -> Sequence[Figure]:
    try:
        one, all_of_it = program(1, at), program(cases, at)
    except subprocess.TimeoutExpired:
        return [skipped(name, f"not done after {PATIENCE_SECONDS} s")]
    except subprocess.CalledProcessError as failed:
        return [skipped(name, f"exited {failed.returncode}: {(failed.stderr or failed.stdout or '').strip()[-300:]}")]
    seen = all_of_it.seen
    ideal = work.ideal(seen["distinct"][CHAT], CONCURRENCY)
    cpu = (all_of_it.cpu - one.cpu) / (all_of_it.calls - one.calls) * 1000
    return [
        Figure(
            name=f"{name}: wall",
            measured=all_of_it.wall / ideal,
            unit="x",
            note=f"{all_of_it.wall:.1f} s, ideal {ideal:.2f} s; {cpu:.1f} ms CPU a call; "
            f"peak {all_of_it.peak_mb:.0f} MB; {seen['requests']} requests, {seen['unique']} unique, "
            f"{seen['most_at_once']} at once; "
            f"{missing(all_of_it, cases)} scores missing",
        )
    ]


def _rows_missing(done: Taken, cases: int) -> int:
    return clean.absent(done.output, Setting(cases=cases, concurrency=CONCURRENCY, metrics=work.RAGAS_METRICS))


def _said_missing(done: Taken, _cases: int) -> int:
    return int(json.loads(done.output.strip().splitlines()[-1])["missing"])
