"""A world with two locked versions, and experiments on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from llmops.documents.chat import ChatRequest
from llmops.usecases.evaluate.evaluating import Tools
from llmops.usecases.experiments import arms
from llmops.usecases.experiments.arms import Assembled
from tests.fakes_models import FakeDoor
from tests.worlds import CASES, PROMPT, Silent, World, a_world, build_retriever, cases_file

PATH = "experiments/versions.yaml"
TWO = ["1.0.0", "1.1.0"]


def grounded(request: ChatRequest) -> str:
    """`fake` copies what the page says; `other` invents."""
    if request.model == "other":
        return "Whales sing in the deep ocean all winter long."
    return str(request.messages[0]["content"]).partition("[1] ")[2].strip()


def a_door(**more: Any) -> FakeDoor:
    return FakeDoor(more.pop("answer", grounded), models=more.pop("models", ("fake", "other")), **more)


def tools(door: FakeDoor, **more: Any) -> Tools:
    return Tools(open_door=lambda _cap: door, build_retriever=build_retriever, progress=Silent(), **more)


def many_cases() -> tuple[dict[str, Any], ...]:
    """Each case four times in other words: as many as a difference between two arms needs to be seen."""
    asked = ("", "Tell me: ", "Please say, ", "One thing more. ")
    return tuple(
        {**case, "id": f"{case['id']}-{place}", "question": words + str(case["question"])}
        for place, words in enumerate(asked)
        for case in CASES
    )


def two_versions(cases: Sequence[Mapping[str, Any]] = CASES) -> World:
    world = a_world()
    world.put({"evalsets/lamp/cases.jsonl": cases_file(cases)})
    return world.apply_policy().lock("1.0.0").lock("1.1.0", text="Reply from the page.")


def put(world: World, **experiment: Any) -> World:
    """The world with the experiment staged and committed."""
    value = {"prompt": PROMPT, "versions": TWO, **experiment}
    world.put({PATH: yaml.safe_dump(value).encode()})
    return world


def assembled(world: World, *, is_staged: bool = False, path: str = PATH) -> Assembled:
    return arms.assemble(arms.sources(world.repository, world.records().tree, is_staged=is_staged), path)
