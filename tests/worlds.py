"""A small repository with a team and a prompt, on fakes: what use cases and golden files are tested on.

`a_world()` has documents and nothing else; its verbs take it one step further each, the way a person would.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from llmops.documents.releases import path_of
from llmops.documents.spending import Ledger
from llmops.errors import LostRace
from llmops.evaluation import pooling, summary
from llmops.evaluation.evidence import EvidenceRow, Score, Tokens, measured
from llmops.evaluation.panels import EMBEDDED_PANEL
from llmops.evaluation.scoring import lexical
from llmops.retrieval.passages import Passage
from llmops.usecases.author import lock
from llmops.usecases.evaluate import recording, subjects
from llmops.usecases.evaluate.bench import metric_names
from llmops.usecases.evaluate.subjects import Subject
from llmops.usecases.records.ledgers import Desk, Records, RecordsBranch
from llmops.usecases.release import approve, policy, promote, publish
from llmops.usecases.results.evaluating import Evaluated
from llmops.usecases.results.releasing import Act
from tests.fakes import FakeClock, FakeRepository, FakeSigner

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PROMPT = "support"
GENERATOR = {"provider": "fake", "model": "fake-1"}

PROMPT_YAML = """\
prompt_name: support
version: {version}
use_case: Answers owners' questions about a lamp.
owner: lamps
model: fake
temperature: 0
messages:
  - role: {role}
    content: |
      {text}
      {{% for context in contexts %}}[{{{{ context.number }}}}] {{{{ context.text }}}}
      {{% endfor %}}
  - role: user
    content: "{{{{ tone }}}}: {{{{ question }}}}"
variables:
  tone: {{type: string, default: plain}}
rag: rag.yaml
evalset: lamp
fallback: Please read the page about the lamp.
changelog: {changelog}
"""
RAG = "sources: [evalsets/lamp/knowledge]\nretrieval: {strategy: sparse, top_k: 1}\n"
BARS = "judge: embedded-lexical\nrelease:\n  groundedness: {min: 0.6}\n  contains: {min: 0.5}\n"
EVALSET = "name: lamp\nversion: 1.0.0\ndescription: A lamp.\nlicence: CC0-1.0\nsource: cases.jsonl\nslices: [numeric]\n"
PAGE = """\
# Lamp

## Bulb

The lamp takes a bulb of 40 watts.

## Cord

The cord is 2 metres long.

## Switch

Turn the switch on the foot twice.
"""
CASES: tuple[dict[str, Any], ...] = (
    {
        "id": "bulb",
        "question": "Which bulb does the lamp take?",
        "ground_truth": "A bulb of 40 watts.",
        "relevant": ["lamp#bulb"],
        "contains": ["40"],
        "tags": ["numeric"],
        "must_pass": True,
    },
    {
        "id": "cord",
        "question": "How long is the cord?",
        "ground_truth": "2 metres.",
        "relevant": ["lamp#cord"],
        "contains": ["2 metres"],
        "tags": ["numeric"],
    },
    {
        "id": "switch",
        "question": "Where is the switch?",
        "ground_truth": "On the foot.",
        "relevant": ["lamp#switch"],
        "contains": ["foot"],
    },
)
GOOD = {"bulb": 0.9, "cord": 0.8, "switch": 1.0}
POOR = {"bulb": 0.9, "cord": 0.1, "switch": 0.2}

DANA = ("root", "author", "publisher", "evaluator", "operator")
RAVI = ("reviewer", "compliance", "rollback")
EVERYTHING = ("root", "author", "publisher", "reviewer", "quality", "compliance", "evaluator", "operator", "rollback")


def cases_file(cases: Sequence[Mapping[str, Any]] = CASES) -> bytes:
    return "".join(json.dumps(case) + "\n" for case in cases).encode()


def a_prompt_file(
    version: str = "1.0.0", *, text: str = "Answer from the page.", role: str = "system", changelog: str = "First."
) -> bytes:
    return PROMPT_YAML.format(version=version, text=text, role=role, changelog=changelog).encode()


def a_person(name: str, roles: Sequence[str]) -> dict[str, object]:
    return {"keys": [FakeSigner(name).public_key], "roles": list(roles), "emails": [f"{name}@example.org"]}


def a_team(**changes: object) -> dict[str, object]:
    """Dana works, Ravi judges; staging takes an advisory judge, production only a calibrated one."""
    return {
        "base_branch": "main",
        "records_branch": "main",
        "root_threshold": 1,
        "principals": {"dana": a_person("dana", DANA), "ravi": a_person("ravi", RAVI)},
        "environments": {
            "staging": {
                "judges": ["advisory", "calibrated"],
                "approvals": [{"role": "reviewer", "count": 1, "accept": ["key"]}],
            },
            "production": {
                "after": ["staging"],
                "judges": ["calibrated"],
                "approvals": [{"role": "reviewer", "count": 1, "accept": ["key"]}],
            },
        },
        "classes": {"system": {"approvals": [{"role": "compliance", "count": 1}]}},
        **changes,
    }


def alone() -> dict[str, object]:
    """Dana is everything, and approves her own work where an approval is wanted."""
    free = {"judges": ["advisory", "calibrated"], "self_approval": "allowed"}
    return a_team(
        principals={"dana": a_person("dana", EVERYTHING)},
        environments={
            "dev": {**free, "approvals": []},
            "demo": {**free, "approvals": [{"role": "reviewer", "count": 1, "accept": ["key"]}]},
        },
        classes={"system": {"approvals": [], "environments": []}},
    )


def configuration(governance: Mapping[str, object]) -> bytes:
    models = {"fake": {"provider": "openai", "model": "fake-1", "base_url": "http://127.0.0.1:9/v1"}}
    return json.dumps({"governance": governance, "models": models}, indent=1).encode()


def documents(governance: Mapping[str, object], *, prompt: bytes | None = None) -> dict[str, bytes]:
    return {
        "llmops.yaml": configuration(governance),
        f"prompts/{PROMPT}/prompt.yaml": a_prompt_file() if prompt is None else prompt,
        f"prompts/{PROMPT}/rag.yaml": RAG.encode(),
        f"prompts/{PROMPT}/thresholds.yaml": BARS.encode(),
        "evalsets/lamp/evalset.yaml": EVALSET.encode(),
        "evalsets/lamp/cases.jsonl": cases_file(),
        "evalsets/lamp/knowledge/lamp.md": PAGE.encode(),
    }


class RacingRepository(FakeRepository):
    """Loses its next `races` commits to somebody else, who does `rival` each time."""

    races = 0

    def rival(self) -> None:
        self.commit("somebody else was here")

    def apply(self, plan: Any) -> str:
        if plan.ref and self.races:
            self.races -= 1
            self.rival()
            raise LostRace(plan.ref)
        return super().apply(plan)


@dataclass
class World:
    """A fake repository, its people, and a clock that moves a minute with every act."""

    repository: RacingRepository
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOW))
    branch: RecordsBranch = field(default_factory=lambda: RecordsBranch(name="main"))
    ids: int = 0

    def new_id(self) -> str:
        self.ids += 1
        return f"00000000-0000-4000-8000-{self.ids:012d}"

    def desk(self, who: str = "dana", *, is_dry_run: bool = False) -> Desk:
        self.clock.advance(minutes=1)
        return Desk(
            repository=self.repository,
            branch=self.branch,
            now=self.clock.now(),
            new_id=self.new_id,
            signer=FakeSigner(who),
            is_dry_run=is_dry_run,
        )

    def records(self) -> Records:
        return self.desk().read()

    @property
    def refs(self) -> dict[str, str]:
        return dict(self.repository.refs)

    def put(self, files: Mapping[str, bytes], message: str = "edit", author: str = "dana") -> str:
        """Write, stage and commit files."""
        for path, data in files.items():
            self.repository.write(path, data)
        self.repository.stage(*files)
        return self.repository.commit(message, author=(author.title(), f"{author}@example.org"))

    def apply_policy(self) -> World:
        policy.apply(self.desk(), self.repository.work_tree())
        return self

    def lock(self, version: str = "1.0.0", *, author: str = "dana", **prompt: str) -> World:
        """Edit the prompt to `version`, lock it, and commit both."""
        self.repository.write(f"prompts/{PROMPT}/prompt.yaml", a_prompt_file(version, **prompt))
        self.repository.stage(f"prompts/{PROMPT}/prompt.yaml")
        lock.run(self.repository, lock.Request(name=PROMPT), base_branch="main")
        assert path_of(PROMPT, version) in self.repository.index
        self.repository.commit(f"{PROMPT} {version}", author=(author.title(), f"{author}@example.org"))
        return self

    def subject(self, version: str = "1.0.0") -> Subject:
        return subjects.locked(self.repository, self.records().tree, PROMPT, version)

    def record(self, version: str = "1.0.0", groundedness: Mapping[str, float] = GOOD, **more: Any) -> World:
        subject = self.subject(version)
        recording.record(self.desk(), subject, an_evaluation(subject, groundedness, **more))
        return self

    def publish(self, version: str = "1.0.0") -> World:
        publish.run(self.desk(), PROMPT, version)
        return self

    def approve(self, version: str = "1.0.0", environment: str = "staging", who: str = "ravi", **more: Any) -> World:
        request = approve.Request(name=PROMPT, version=version, environment=environment, **more)
        approve.sign(self.desk(who), request, approve.look(self.desk(who), request))
        return self

    def promote(self, version: str = "1.0.0", environment: str = "staging", **more: Any) -> Act:
        request = promote.Request(name=PROMPT, version=version, environment=environment, **more)
        return promote.run(self.desk(), request)

    def ready(self, version: str = "1.0.0", **prompt: str) -> World:
        """Everything up to the promotion to staging."""
        return self.lock(version, **prompt).record(version).publish(version).approve(version)


def a_world(governance: Mapping[str, object] | None = None, **more: Any) -> World:
    """Documents committed on main; no policy in force yet."""
    rules = a_team() if governance is None else governance
    settings = {"user.name": "Dana", "user.email": "dana@example.org"}
    world = World(repository=RacingRepository(settings=settings))
    world.put(documents(rules, **more), "first")
    return world


def a_row(subject: Subject, case: Any, groundedness: float | None, contains: float = 1.0) -> EvidenceRow:
    judged = Score(value=None, reason="no answer") if groundedness is None else _grounded(groundedness)
    scores = {name: measured(1.0) for name in metric_names(subject)}
    scores |= {"groundedness": judged, "contains": measured(contains)}
    return EvidenceRow(
        case=case.id,
        group=case.group,
        slices=subject.evalset.slices_of(case),
        must_pass=case.must_pass,
        input_digest="1" * 64,
        request_digest=subject.release.behaviour_digest,
        answer=f"An answer about the {case.id}.",
        retrieved=(f"lamp#{case.id}",),
        scores=scores,
        tokens=Tokens(input=40, output=8),
        latency_ms=120,
    )


def _grounded(value: float) -> Score:
    reason = "" if value >= 0.6 else "not supported: 'The lamp floats.'"
    return measured(value, reason, judge=lexical.LABEL)


def an_evaluation(
    subject: Subject, groundedness: Mapping[str, float | None], contains: Mapping[str, float] | None = None
) -> Evaluated:
    """An evaluation with these scores, as if the model had been asked."""
    rows = tuple(
        a_row(subject, case, groundedness[case.id], (contains or {}).get(case.id, 1.0))
        for case in subject.evalset.cases
        if case.id in groundedness
    )
    return Evaluated(
        prompt=subject.release.name,
        version=subject.release.version,
        behaviour=subject.release.behaviour_digest,
        evalset=subject.evalset.name,
        judge=lexical.LABEL,
        index=subject.index,
        is_frozen=subject.is_frozen,
        model_calls=len(rows),
        summary=summary.summarise(pooling.pool([rows]), subject.evalset),
        rows=rows,
        judge_identity=EMBEDDED_PANEL.judge,
        scorers={name: EMBEDDED_PANEL.versions[name] for name in metric_names(subject)},
        generator=GENERATOR,
        ledger=Ledger(),
    )


class WordRetriever:
    """Ranks passages by the words they share with the question."""

    index_digest = "0" * 64

    def __init__(self, passages: Sequence[Passage], top_k: int) -> None:
        self._passages = passages
        self._top_k = top_k

    async def retrieve(self, question: str) -> tuple[Passage, ...]:
        words = set(re.findall(r"\w+", question.lower())) - {"is", "the"}
        ranked = sorted(
            self._passages, key=lambda item: (-len(words & set(re.findall(r"\w+", item.text.lower()))), item.id)
        )
        return tuple(ranked[: self._top_k])


def build_retriever(config: Mapping[str, Any], passages: Sequence[Passage], door: object) -> WordRetriever:
    return WordRetriever(passages, config["retrieval"]["top_k"])


class Silent:
    """A progress that remembers its last step."""

    last: tuple[int, int, int] = (0, 0, 0)

    def step(self, done: int, total: int, *, spent_nano_usd: int = 0) -> None:
        self.last = (done, total, spent_nano_usd)
