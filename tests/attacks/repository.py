"""A repository under attack: branches, the real command line, and the people whose keys sign."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.attacks import plans
from tests.attacks.plans import PROMPT
from tests.cli.conftest import Cli, Done

NEXT = "1.1.0"


@dataclass(frozen=True)
class Verdict:
    """What the release job was told: by the gate, and by the promotion."""

    gate: Done
    promote: Done

    @property
    def verdict(self) -> str:
        return str(self.decision["verdict"])

    @property
    def decision(self) -> dict[str, Any]:
        found: dict[str, Any] = self.gate.json["result"]["decision"]
        return found

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the gate's reasons, each once, in order."""
        return tuple(dict.fromkeys(reason["code"] for reason in self.decision["reasons"]))

    @property
    def said(self) -> str:
        return "\n".join(reason["message"] for reason in self.decision["reasons"])

    @property
    def loosenings(self) -> tuple[str, ...]:
        """What a quality approval would have to name."""
        return tuple(f"{item['subject']}:{item['before']}>{item['after']}" for item in self.decision["loosenings"])


@dataclass
class Attacked(Cli):
    """The repository; `mia` writes on branches, the release job publishes, evaluates, gates and promotes on main."""

    def sign_as(self, person: str) -> None:
        self.git("config", "user.signingkey", str(self.home / ".ssh" / person))
        self.git("config", "user.name", person)
        self.git("config", "user.email", f"{person}@example.org")

    @contextmanager
    def pull_request(self, name: str = "attack", version: str = NEXT) -> Iterator[None]:
        """Mia's branch: what the block writes is locked, committed, and merged to main."""
        self.sign_as("mia")
        self.git("switch", "-q", "-c", name)
        self.prompt(version)
        yield
        self.git("add", "-A")
        self.ok("lock", PROMPT)
        self.git("commit", "-q", "-m", name)
        self.git("switch", "-q", "main")
        self.git("merge", "-q", "--squash", name)
        self.git("commit", "-q", "-m", f"merge {name}")
        self.sign_as("release-job")

    def prompt(self, version: str = NEXT, text: str = plans.RIGHT, **more: str) -> None:
        self.write({f"prompts/{PROMPT}/prompt.yaml": plans.prompt_file(version, text, **more)})

    def bars(self, change: Callable[[dict[str, Any]], Any] | None = None) -> None:
        self.write({f"prompts/{PROMPT}/thresholds.yaml": plans.bars_file(change)})

    def cases(self, rows: list[dict[str, Any]], *, slices: str = "[fees]") -> None:
        manifest = plans.EVALSET.format(name="plans", slices=slices)
        self.write(
            {
                "evalsets/plans/cases.jsonl": plans.cases_file(rows),
                "evalsets/plans/evalset.yaml": manifest.encode(),
            }
        )

    def ok(self, *words: str) -> Done:
        done = self(*words)
        assert done.code == 0, (words, done.out, done.err)
        return done

    def evaluate(self, version: str = NEXT, *more: str) -> None:
        self.ok("eval", f"{PROMPT}@{version}", "--record", *more)

    def approve(self, person: str, *accept: str, version: str = NEXT, environment: str = "staging") -> Done:
        self.sign_as(person)
        named = [word for item in accept for word in ("--accept", item)]
        role = plans.PEOPLE[person][0]
        done = self("approve", f"{PROMPT}@{version}", "--env", environment, "--role", role, "--yes", "--json", *named)
        self.sign_as("release-job")
        return done

    def release(self, version: str = NEXT, environment: str = "staging", *, evaluated: bool = False) -> Verdict:
        """What the release job does after the merge."""
        self.sign_as("release-job")
        gate = self("gate", f"{PROMPT}@{version}", "--env", environment, "--json", *(("--eval",) if evaluated else ()))
        self.publish(version)
        return Verdict(gate, self("promote", f"{PROMPT}@{version}", "--to", environment, "--json"))

    def publish(self, version: str = NEXT) -> None:
        done = self("publish", f"{PROMPT}@{version}", "--json")
        assert done.code == 0 or "[PUBLISHED]" in done.err or '"PUBLISHED"' in done.out, done.out

    def serves(self, environment: str = "staging") -> str:
        """The version that serves there."""
        rows = self.ok("status", "--json").json["result"]["rows"]
        return next(str(row["pointer"]["version"]) for row in rows if row["environment"] == environment)

    def tamper(self, path: str, change: Callable[[bytes], bytes], message: str = "mend a record") -> None:
        """Commit a file of main edited by hand."""
        file = self.folder / path
        self.commit({path: change(file.read_bytes())}, message)

    def newest(self, kind: str) -> str:
        """The path of the newest record of a kind."""
        found = sorted((self.folder / "audit" / "records").rglob(f"*-{kind}*.json"))
        return str(found[-1].relative_to(self.folder))

    def payload(self, path: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = json.loads((self.folder / path).read_bytes())["payload"]
        return found

    def forget_answers(self) -> None:
        """Empty this machine's cache, so that the model is asked again."""
        shutil.rmtree(self.folder / ".llmops", ignore_errors=True)


SAID_AS = {"NO_EVIDENCE": ("EVIDENCE_MISSING", "GATE")}  # a promotion names missing evidence by its own rule
EXITS = {"FAIL": 1, "UNDECIDED": 4, "NOT_RUN": 4}


def assert_refused(repo: Attacked, found: Verdict, *codes: str, verdict: str = "UNDECIDED") -> None:
    """Neither the gate nor the promotion lets it through, for exactly these reasons, and nothing else serves now."""
    assert (found.verdict, found.codes) == (verdict, codes), found.said
    assert found.gate.code == EXITS[verdict]
    assert found.promote.code == 1, found.promote.out
    error = found.promote.json["error"]
    assert error["code"] == "PROMOTION_REFUSED"
    details = "\n".join(error["details"])
    for code in codes:
        assert any(f"[{known}]" in details for known in (code, *SAID_AS.get(code, ()))), (code, details)
    assert repo.serves() == "1.0.0"
    assert repo("audit", "verify").code == 0
