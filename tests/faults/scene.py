"""A repository, a server that misbehaves, and the real command line between them.

After each command it is checked that nothing was recorded, and that the key stands nowhere: not in what was printed,
not in the cache, not in any other file.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from llmops.cli.app import run
from tests.servers import repository
from tests.servers.model_server import Act, Asked, ModelServer
from tests.servers.repository import PROMPT

EVAL = ("eval", PROMPT, "--working", "--json")
CASES = 4
METRICS = ("faithfulness", "context_precision")
KEY_ENV = "SCENE_KEY"
TIMES = frozenset({"latency_ms", "ttft_ms"})


@dataclass(frozen=True)
class Done:
    """What one command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        found: dict[str, Any] = self.json["error"]
        return found

    @property
    def rows(self) -> dict[str, Any]:
        """The evidence by case."""
        return {row["case"]: row for row in self.json["result"]["rows"]}


@dataclass(kw_only=True)
class Scene:
    """See above. `key` is new for each test."""

    folder: Path
    server: ModelServer
    capsys: Any = None
    key: str = field(default_factory=lambda: f"sk-{secrets.token_hex(20)}")

    def write(self, *, cases: int = CASES, metrics: tuple[str, ...] = METRICS, **model: Any) -> Scene:
        """The repository; what is given is written into its model's entry."""
        settings = {"key_env": KEY_ENV, "timeout_seconds": 5, **model}
        address = settings.pop("base_url", self.server.address)
        config = repository.configuration(address, **settings)
        repository.write(self.folder, repository.cases(cases), config, metrics)
        return self

    def eval(self, *more: str) -> Done:
        """`llmops eval` in this process."""
        self.capsys.readouterr()
        code = run(("-C", str(self.folder), *EVAL, *more))
        shown = self.capsys.readouterr()
        return self._checked(Done(int(code), shown.out, shown.err))

    def start(self, *more: str, **options: Any) -> subprocess.Popen[str]:
        """`llmops eval` in a process of its own."""
        env = {**os.environ, KEY_ENV: self.key, "HOME": str(self.folder), **options.pop("env", {})}
        return subprocess.Popen(
            (sys.executable, "-m", "llmops", *EVAL, *more),
            cwd=self.folder,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def finish(self, process: subprocess.Popen[str]) -> Done:
        out, err = process.communicate(timeout=60)
        return self._checked(Done(process.returncode, out, err))

    def _checked(self, done: Done) -> Done:
        assert "Traceback" not in done.err
        assert self.key not in done.out + done.err
        for path in self.folder.rglob("*"):
            assert not path.is_file() or self.key.encode() not in path.read_bytes(), path
        refs = subprocess.run(("git", "for-each-ref"), cwd=self.folder, capture_output=True, text=True, check=True)
        assert refs.stdout == ""
        assert not (self.folder / "audit").exists()
        return done


def of_case(number: int, act: Act, *, judge: bool) -> Any:
    """Do `act` to what is asked about one case: by its judge, or by the generator."""

    def mischief(asked: Asked) -> Act | None:
        is_judge = "response_format" in asked.body
        concerned = is_judge == judge and f"plan {number}-1" in asked.said
        return act if concerned and asked.path.endswith("/chat/completions") else None

    return mischief


def everywhere(act: Act) -> Any:
    """Do `act` to every request."""
    return lambda _asked: act


def complains(done: Done, code: str, *words: str) -> Mapping[str, Any]:
    """The error of a run that could not ask: where, what, what to do. Asserts exit code 2."""
    assert done.code == 2, done.out + done.err
    error = done.error
    assert error["code"] == code
    assert error["what"]
    assert error["hint"]
    said = " ".join([error["what"], error["where"], error["hint"], *error["details"]])
    for word in words:
        assert word in said
    return error


def timeless(value: Any) -> Any:
    """Without what differs between two runs of a live endpoint."""
    if isinstance(value, dict):
        return {key: timeless(item) for key, item in value.items() if key not in TIMES}
    return [timeless(item) for item in value] if isinstance(value, list) else value
