"""An evaluation with the embedded model: again without a change, and with `--slow` from an empty cache.

The repository is kept in `.llmops/bench/evaluation`, so only the first run of this file waits for the model.
"""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.figures import CHECKOUT, LLMOPS, Figure, alternate, git, skipped

PROMPT = "mortgage-assistant"
KEPT = CHECKOUT / ".llmops" / "bench" / "evaluation"
PEAK_OF = "import resource,subprocess,sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL); \
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
HEAVY = ("numpy", "openai", "onnxruntime", "tokenizers", "xllamacpp", "jsonschema", "rich", "git", "bm25s", "pydantic")


def run(*, slow: bool = False) -> list[Figure]:
    if not _has_weights():
        return [skipped("eval", "no weights: llmops setup embedded")]
    return [*_unchanged(), *(_whole() if slow else [skipped("eval of the whole evalset", "takes minutes: --slow")])]


def _has_weights() -> bool:
    return subprocess.run((*LLMOPS, "setup", "embedded", "--check"), capture_output=True, check=False).returncode == 0


def _unchanged() -> list[Figure]:
    command = (*LLMOPS, "eval", PROMPT, "--working", "--offline", "--json")
    _repository(KEPT, short=True)
    subprocess.run(command, cwd=KEPT, stdout=subprocess.DEVNULL, check=True)
    costs = alternate({"again": command}, folder=KEPT, times=5)["again"]
    result = json.loads(costs.output)["result"]
    heavy = _imports(KEPT, command[1:])
    count = len({row["case"] for row in result["rows"]})
    return [
        Figure(name="eval again: model calls", measured=result["model_calls"], unit="calls", goal=0),
        Figure(name=f"eval again, {count} cases: CPU", measured=costs.cpu, unit="s", goal=0.5, floor="python: 0.01 s"),
        Figure(name=f"eval again, {count} cases: wall", measured=costs.wall, unit="s", goal=2.0),
        Figure(
            name="eval again: heavy packages imported",
            measured=len(heavy),
            unit="",
            note=", ".join(heavy) or "none",
        ),
    ]


def _whole() -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "repository"
        _repository(folder, short=False)
        busy = os.getloadavg()[0]
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        command = (sys.executable, "-c", PEAK_OF, *LLMOPS, "eval", PROMPT, "--working", "--offline", "--json")
        done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
        wall = time.perf_counter() - started
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        again = json.loads(alternate({"a": command[3:]}, folder=folder, times=1)["a"].output)["result"]
    count = len({row["case"] for row in again["rows"]})
    note = f"{os.cpu_count()} cores, load {busy:.1f} before; {cpu:.0f} CPU seconds"
    return [
        Figure(name=f"eval of {count} cases, wall", measured=wall / 60, unit="min", goal=4.0, note=note),
        Figure(name=f"eval of {count} cases, peak memory", measured=int(done.stdout) / 1024, unit="MB", goal=700),
    ]


def _repository(folder: Path, *, short: bool) -> None:
    """The example, as it stands in this checkout; `short`: pointed at thirty of its cases."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in ("prompts", "evalsets"):
        shutil.rmtree(folder / part, ignore_errors=True)
        shutil.copytree(CHECKOUT / part, folder / part)
    shutil.copy(CHECKOUT / "llmops.yaml", folder / "llmops.yaml")
    if short:
        path = folder / "prompts" / PROMPT / "prompt.yaml"
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r"(?m)^evalset: .*$", f"evalset: {PROMPT}-short", text), encoding="utf-8")
    if not (folder / ".git").exists():
        git(folder, "init", "-q", "-b", "main")


def _imports(folder: Path, words: tuple[str, ...]) -> list[str]:
    """Which of the heavy packages a command has imported when it is done."""
    code = (
        "import sys, io; from llmops.__main__ import main; out, sys.stdout = sys.stdout, io.StringIO(); main(); "
        f"print(','.join(name for name in {HEAVY!r} if name in sys.modules), file=out)"
    )
    done = subprocess.run((sys.executable, "-c", code, *words), cwd=folder, capture_output=True, text=True, check=True)
    return [name for name in done.stdout.strip().split(",") if name]
