"""A world with forty recorded answers, half of which the judge passes, and people who disagree with it now and then."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from llmops.evaluation.calibration.calibrations import Judged, answer_digest
from llmops.evaluation.calibration.labels import Label, line_of
from llmops.evaluation.panels import EMBEDDED_PANEL
from llmops.usecases.calibrate import calibrating, labelling
from llmops.usecases.calibrate.calibrating import Asked
from llmops.usecases.calibrate.labelling import Said, Sample, Shown, Wanted
from llmops.usecases.evaluate import evaluating, recording, scorers
from llmops.usecases.evaluate.scorers import Scorers
from llmops.usecases.ports import ModelDoor
from llmops.usecases.results.calibrating import Calibrated
from tests import worlds
from tests.fakes_models import FakeDoor
from tests.worlds import Silent, World, build_retriever

PATH = "evalsets/lamp/labels.jsonl"
NAMES = tuple(f"case-{at:02d}" for at in range(40))
SCORES = {name: 0.9 if at % 2 else 0.2 for at, name in enumerate(NAMES)}
WRONG = frozenset({"case-01", "case-03", "case-04"})  # the judge passes two and fails one against people
METRIC = "groundedness"


def cases() -> list[dict[str, Any]]:
    return [
        {"id": name, "question": f"What of {name}?", "ground_truth": "A lamp.", "answer": f"Given: {name}."}
        for name in NAMES
    ]


def a_world() -> World:
    """Locked and recorded; quinn answers for quality."""
    return _unlocked().lock().record(groundedness=SCORES)


def _unlocked() -> World:
    people = {"dana": worlds.DANA, "ravi": worlds.RAVI, "quinn": ("quality",)}
    rules = worlds.a_team(principals={name: worlds.a_person(name, roles) for name, roles in people.items()})
    world = worlds.a_world(rules)
    world.put({"evalsets/lamp/cases.jsonl": worlds.cases_file(cases())})
    return world.apply_policy()


TWICE = f"{EMBEDDED_PANEL.versions[METRIC]} x2"


def a_world_judged_twice() -> World:
    """As `a_world`, by bars that have a model judge each answer twice; the evidence is of that measure."""
    world = _unlocked()
    thresholds = f"{worlds.BARS}judge_repeats: 2\n".encode()
    world.put({f"prompts/{worlds.PROMPT}/thresholds.yaml": thresholds})
    subject = world.lock().subject()
    once = worlds.an_evaluation(subject, SCORES)
    recording.record(world.desk(), subject, replace(once, scorers={**once.scorers, METRIC: TWICE}))
    return world


def by_a_model(_door: ModelDoor, _judge: str) -> Scorers:
    """The embedded judge, as if it asked a model."""
    return replace(scorers.embedded(_door, _judge), model="some-model")


def recorded(name: str) -> str:
    """What the model answered to this case, as `worlds.a_row` has it."""
    return answer_digest(f"An answer about the {name}.")


def truth(name: str) -> int:
    return int((SCORES[name] >= 0.5) != (name in WRONG))


def a_label(name: str, **changes: Any) -> Label:
    said: dict[str, Any] = {"case": name, "metric": METRIC, "label": truth(name), "annotator": "ann"}
    return Label(**{**said, "answer": recorded(name), **changes})


def lines(labels: Iterable[Label]) -> bytes:
    return b"".join(map(line_of, labels))


def labels_of(names: Sequence[str] = NAMES) -> bytes:
    return lines(map(a_label, names))


@dataclass
class Doors:
    """Opens doors that no judge needs."""

    opened: int = 0

    def __call__(self, cap: int | None) -> FakeDoor:  # noqa: ARG002 - the port's
        self.opened += 1
        return FakeDoor(lambda _: "")


def tools() -> evaluating.Tools:
    return evaluating.Tools(open_door=Doors(), build_retriever=build_retriever, progress=Silent())


def calibrate(world: World, labels: bytes | None = None, who: str = "", **changes: Any) -> Calibrated:
    """Calibrate; recorded by `who`, where somebody is named."""
    data = labels_of() if labels is None else labels
    asked = Asked(**{"subject": world.subject(), "metric": METRIC, "labels": data, "path": PATH, **changes})
    return calibrating.calibrate(tools(), asked, world.records(), world.desk(who) if who else None)


def a_sample(world: World, count: int = 30, **changes: Any) -> Sample:
    wanted = Wanted(**{"metric": METRIC, "count": count, "annotator": "ann", "path": PATH, **changes})
    return labelling.sample(world.records(), world.subject(), scorers.embedded(FakeDoor(lambda _: ""), ""), wanted)


def drawn(world: World, count: int = 30) -> tuple[Judged, ...]:
    return a_sample(world, count).first


@dataclass
class Paper:
    """A notebook in memory."""

    data: bytes = b""

    def read(self) -> bytes:
        return self.data

    def append(self, line: bytes) -> None:
        self.data += line

    def drop(self, line: bytes) -> None:
        assert self.data.endswith(line)
        self.data = self.data.removesuffix(line)


@dataclass
class Scripted:
    """Says these words in turn, then leaves; remembers what was shown."""

    words: Sequence[str]
    shown: list[Shown] = field(default_factory=list)

    def ask(self, shown: Shown) -> Said:
        self.shown.append(shown)
        at = len(self.shown) - 1
        return Said(self.words[at]) if at < len(self.words) else Said.QUIT


@dataclass
class Honest:
    """Labels everything by the truth."""

    shown: list[str] = field(default_factory=list)

    def ask(self, shown: Shown) -> Said:
        self.shown.append(shown.known.case.id)
        return Said.PASS if truth(shown.known.case.id) else Said.FAIL
