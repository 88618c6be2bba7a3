"""Git: reading files at a ref against `git cat-file --batch`, and our commit against `git commit`."""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.figures import Figure, git
from llmops.adapters.git.repository import open_repository
from llmops.documents.trees import FileChange, Plan

FILES, READS, COMMITS = 2_000, 7, 7


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = _repository(Path(name))
        ours, floor = _reading(folder)
        mine, theirs = _committing(folder)
    return [
        Figure(
            name=f"read {FILES} files at a ref, wall",
            measured=ours / floor,
            unit="x",
            goal=1.3,
            floor=f"ls-tree and cat-file --batch: {floor * 1000:.0f} ms",
        ),
        Figure(name="commit, wall", measured=mine / theirs, unit="x", goal=1.5, floor=f"git: {theirs * 1000:.0f} ms"),
    ]


def _repository(folder: Path) -> Path:
    for at in range(FILES):
        path = folder / f"releases/p{at % 50:02}/{at}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'{{"at": {at}, "text": "{"x" * 800}"}}\n', encoding="utf-8")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "config", "user.name", "Bench")
    git(folder, "config", "user.email", "bench@example.com")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "files")
    return folder


def _reading(folder: Path) -> tuple[float, float]:
    """Seconds of ours, and of git listing the commit and giving every object of the list in one go."""
    commit = git(folder, "rev-parse", "HEAD")
    paths = git(folder, "ls-tree", "-r", "--name-only", commit).splitlines()
    ours, floor = [], []
    for _ in range(READS):
        started = time.perf_counter()
        listed = subprocess.run(("git", "ls-tree", "-r", "-z", commit), cwd=folder, capture_output=True, check=True)
        asked = b"".join(row.split()[2] + b"\n" for row in listed.stdout.split(b"\0")[:-1])
        subprocess.run(("git", "cat-file", "--batch"), cwd=folder, input=asked, capture_output=True, check=True)
        floor.append(time.perf_counter() - started)
        repository = open_repository(str(folder))
        started = time.perf_counter()
        found = repository.tree_at(commit).read_many(paths)
        repository.close()
        ours.append(time.perf_counter() - started)
        if len(found) != len(paths):
            raise AssertionError(f"read {len(found)} files of {len(paths)}")
    return median(ours), median(floor)


def _committing(folder: Path) -> tuple[float, float]:
    """Seconds of a plan of two files applied to the branch that is checked out, and of `git add` and `git commit`."""
    mine, theirs = [], []
    repository = open_repository(str(folder))
    for turn in range(COMMITS):
        text = f'{{"turn": {turn}}}\n'
        (folder / f"audit-{turn}.json").write_text(text, encoding="utf-8")
        (folder / f"pointer-{turn}.json").write_text(text, encoding="utf-8")
        started = time.perf_counter()
        git(folder, "add", f"audit-{turn}.json", f"pointer-{turn}.json")
        git(folder, "commit", "-q", "-m", "a record")
        theirs.append(time.perf_counter() - started)
        files = tuple(
            FileChange(path=f"audit/{name}-{turn}.json", content=text.encode()) for name in ("record", "pointer")
        )
        old = repository.resolve("HEAD") or ""
        started = time.perf_counter()
        repository.apply(Plan(files=files, message="a record", ref="refs/heads/main", old=old))
        mine.append(time.perf_counter() - started)
    repository.close()
    return median(mine), median(theirs)
