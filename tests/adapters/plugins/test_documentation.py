"""What docs/metrics-of-your-own.md shows is what happens."""

from __future__ import annotations

import re
from pathlib import Path

from llmops.adapters.plugins import load
from llmops.documents import config
from llmops.documents.reading import schemas, yaml_door
from llmops.documents.trees import MemoryTree
from llmops.evaluation.plugins.promptfoo import support
from tests.adapters.plugins.packages import Packages
from tests.evaluation.plugins.builders import an_observation
from tests.fakes_models import FakeDoor

PAGE = (Path(__file__).parents[3] / "docs" / "metrics-of-your-own.md").read_text()


def _block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found, f"the page shows no {language}"
    return found[1]


async def test_the_example_works_as_shown(packages: Packages) -> None:
    packages.install(
        "acme-metrics", _block("python"), **dict(re.findall(r'([\w-]+) = "acme_metrics:(\w+)"', _block("toml")))
    )
    parsed = yaml_door.parse(_block("yaml").encode(), "llmops.yaml")
    checked = schemas.check("llmops", parsed)
    assert checked.findings == ()
    shown = config.parse(checked.value).metrics
    chosen = {name: shown[name] for name in ("politeness", "tone")}

    polite, tone = load(chosen, door=FakeDoor("0.9"), tree=MemoryTree())

    score = await polite.score(an_observation("Please sit down."))
    assert (score.value, score.reason) == (0.5, "holds 1 of 2 words")
    assert (await tone.score(an_observation("Please sit down."))).value == 0.9


def test_the_table_names_every_type_that_is_measured() -> None:
    assert [kind for kind in support.SUPPORTED if f"`{kind}`" not in PAGE] == []
