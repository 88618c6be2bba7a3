"""The calibration that ships with the project gives its figures anywhere: no model, no network, no record."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from llmops.documents import project
from llmops.usecases.calibrate import calibrating
from llmops.usecases.evaluate import subjects
from llmops.usecases.frozen import evalset_named
from llmops.usecases.records import ledgers
from tests.fakes import FakeRepository
from tests.usecases.calibrate.builders import tools

PROJECT = Path(__file__).resolve().parents[3]
FOLDERS = ("prompts/mortgage-assistant", "evalsets/mortgage-assistant", "evalsets/mortgage-answers")
LABELS = "evalsets/mortgage-answers/labels.jsonl"


def test_the_shipped_labels_give_the_figures_of_the_docs() -> None:
    repository = FakeRepository(settings={})
    for path in (file for folder in FOLDERS for file in (PROJECT / folder).rglob("*") if file.is_file()):
        repository.write(path.relative_to(PROJECT).as_posix(), path.read_bytes())
    repository.write("llmops.yaml", (PROJECT / "llmops.yaml").read_bytes())
    subject = subjects.working(repository, "mortgage-assistant")
    subject = replace(subject, evalset=evalset_named(project.load(repository.work_tree()), "mortgage-answers"))
    asked = calibrating.Asked(
        subject=subject, metric="groundedness", labels=(PROJECT / LABELS).read_bytes(), path=LABELS, pass_at=0.5
    )
    records = ledgers.read(repository, ledgers.RecordsBranch(name="main"))
    found = calibrating.calibrate(tools(), asked, records)
    confusion = found.agreement.confusion
    table = (confusion.true_pass, confusion.false_pass, confusion.false_fail, confusion.true_fail)
    assert (found.answers, table) == (69, (23, 20, 0, 26))
    assert set(found.unscored.values()) == {"the answer has no sentence to judge"}
    assert found.agreement.kappa.value is not None
    assert round(found.agreement.kappa.value, 3) == 0.464
    assert found.is_calibrated
    assert not found.is_drawn
