"""Every folder in valid/ and invalid/ is a small repository; expected.txt holds what is said about it.

`LLMOPS_GOLDEN=rewrite pytest tests/examples` writes what is said now; review the difference.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from llmops.documents import lint, project
from llmops.documents.trees import MemoryTree
from llmops.errors import Finding

HERE = Path(__file__).parent
METRICS = ("groundedness", "faithfulness", "safety", "mrr", "latency_ms", "cost_usd", "exact_match")
EXPECTED = "expected.txt"
RATIOS = ("cost_efficiency",)
SHARES = ("groundedness", "faithfulness", "safety", "mrr", "exact_match")
PERCENTILES = ("latency_p95_ms",)
LOWER = ("latency_ms", "noise_sensitivity")
VOCABULARY = project.Vocabulary(
    metrics=(*METRICS, *RATIOS, *PERCENTILES, "noise_sensitivity"),
    shares=(*SHARES, "noise_sensitivity"),
    ratios=RATIOS,
    percentiles=PERCENTILES,
    lower=LOWER,
)


def _folders(kind: str) -> list[Path]:
    return sorted(path for path in (HERE / kind).iterdir() if path.is_dir())


def _tree(folder: Path) -> MemoryTree:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != EXPECTED)
    return MemoryTree({path.relative_to(folder).as_posix(): path.read_bytes() for path in files})


def _findings(folder: Path) -> tuple[Finding, ...]:
    return lint.check(project.load(_tree(folder), VOCABULARY))


def _lines(findings: tuple[Finding, ...]) -> str:
    return "".join(f"{one.severity} {one.location}: {one.message} [{one.rule}]\n  fix: {one.fix}\n" for one in findings)


def _rewrite(folder: Path, findings: tuple[Finding, ...]) -> None:
    if os.environ.get("LLMOPS_GOLDEN") == "rewrite":
        (folder / EXPECTED).write_text(_lines(findings))


@pytest.mark.parametrize("folder", _folders("valid"), ids=lambda folder: folder.name)
def test_valid_example_has_no_error_and_the_warnings_that_stand_beside_it(folder: Path) -> None:
    findings = _findings(folder)
    _rewrite(folder, findings)

    assert [one for one in findings if one.is_error] == []
    assert _lines(findings) == (folder / EXPECTED).read_text()


@pytest.mark.parametrize("folder", _folders("invalid"), ids=lambda folder: folder.name)
def test_invalid_example_has_exactly_the_findings_that_stand_beside_it(folder: Path) -> None:
    findings = _findings(folder)
    _rewrite(folder, findings)

    assert findings, "an invalid example without a finding"
    assert _lines(findings) == (folder / EXPECTED).read_text()


@pytest.mark.parametrize("folder", _folders("invalid"), ids=lambda folder: folder.name)
def test_every_finding_says_where_and_what_to_do(folder: Path) -> None:
    for one in _findings(folder):
        assert one.location.path
        assert one.message
        assert one.fix
        assert len(one.message) < 500


@pytest.mark.parametrize("folder", _folders("invalid"), ids=lambda folder: folder.name)
def test_units_on_their_own_say_the_same_as_the_whole(folder: Path) -> None:
    tree, vocabulary = _tree(folder), VOCABULARY
    units = lint.units(project.load(tree, vocabulary))
    apart = {finding for unit in units for finding in lint.check_unit(tree, unit, vocabulary).findings}

    assert apart == set(_findings(folder))
