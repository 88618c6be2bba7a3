"""`validate` over a tree of prompts, each in a folder of its own: cold, unchanged, and with ten changed among many.

CPU of the whole process, git's included, less that of the same command in a repository with one prompt.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.figures import LLMOPS, Figure, alternate, cost, exponent, git, skipped

MANY, CHANGED = 10_000, 10
SIZES = (250, 500, 1_000)
PROMPT = """\
prompt_name: {name}
version: 1.0.0
owner: lending
use_case: Answers questions about loans.
model: small
temperature: 0
parameters: {{max_tokens: 96}}
variables:
  tone: {{type: string, default: plain, max_length: 20}}
messages:
  - role: system
    content: |
      You answer questions about loans in a {{{{ tone }}}} tone.
      {{% if tone == "plain" %}}Use short words.{{% else %}}Be exact.{{% endif %}}
  - role: user
    content: "Question: {{{{ question }}}}"
changelog: [First version.]
"""


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        one, many = _tree(root / "one", 1), _tree(root / "many", MANY)
        start = alternate({"one": (*LLMOPS, "validate")}, folder=one, times=5)["one"]
        cold = cost((*LLMOPS, "validate"), folder=many)
        _settle(many)
        cost((*LLMOPS, "validate"), folder=many)
        unchanged = alternate({"many": (*LLMOPS, "validate")}, folder=many, times=7)["many"]
        some = alternate(
            {"many": (*LLMOPS, "validate")}, folder=many, times=7, before=lambda _, turn: _change(many, turn)
        )["many"]
        growth = {size: _cold(root / str(size), size, start.cpu) for size in SIZES}
        peer = _yamllint(many)
    each = 1_000_000 / MANY
    git_share = "git ls-files, lstat: about two thirds"
    return [
        Figure(name="validate cold, a file", measured=(cold.cpu - start.cpu) * each, unit="us", goal=3_000, floor=peer),
        Figure(name="validate unchanged, a file", measured=(unchanged.cpu - start.cpu) * each, unit="us", goal=100),
        Figure(
            name=f"{CHANGED} of {MANY} changed, CPU beyond start",
            measured=(some.cpu - start.cpu) * 1000,
            unit="ms",
            goal=150,
            floor=git_share,
        ),
        Figure(
            name=f"{CHANGED} of {MANY} changed, wall beyond start",
            measured=(some.wall - start.wall) * 1000,
            unit="ms",
            goal=150,
        ),
        Figure(name="validate cold, growth over 4x", measured=exponent(growth), unit="exp", goal=1.1),
        *_missing_peer(),
    ]


def _tree(folder: Path, count: int) -> Path:
    for at in range(count):
        place = folder / "prompts" / f"p{at:05}"
        place.mkdir(parents=True)
        (place / "prompt.yaml").write_text(PROMPT.format(name=place.name), encoding="utf-8")
    (folder / "llmops.yaml").write_text("models:\n  small: {provider: embedded}\n", encoding="utf-8")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "prompts")
    return folder


def _settle(folder: Path) -> None:
    """Until every file is older than the clocks of file systems are coarse: newer ones are read, to be safe."""
    newest = max(path.stat().st_mtime for path in folder.glob("prompts/*/prompt.yaml"))
    time.sleep(max(0.0, newest + 2.5 - time.time()))


def _change(folder: Path, turn: int) -> None:
    for at in range(CHANGED):
        path = folder / "prompts" / f"p{at * 997 % MANY:05}" / "prompt.yaml"
        path.write_text(PROMPT.format(name=path.parent.name) + f"# {turn}\n", encoding="utf-8")
        os.utime(path, (time.time() - 60 + turn, time.time() - 60 + turn))


def _cold(folder: Path, size: int, start: float) -> float:
    _tree(folder, size)
    return max(cost((*LLMOPS, "validate", "--no-cache"), folder=folder).cpu - start, 1e-6)


def _yamllint(folder: Path) -> str:
    """What yamllint takes for a hundred of the files, its start included; "" where it is not installed."""
    program = shutil.which("yamllint", path=str(Path(sys.executable).parent))
    if not program:
        return ""
    files = sorted(str(path) for path in folder.glob("prompts/p000*/prompt.yaml"))[:100]
    taken = cost((program, "-d", "{}", *files), folder=folder)
    return f"yamllint: {taken.cpu / len(files) * 1e6:.0f} us"


def _missing_peer() -> list[Figure]:
    if shutil.which("yamllint", path=str(Path(sys.executable).parent)):
        return []
    return [skipped("yamllint, a file", "not installed: pip install yamllint")]
