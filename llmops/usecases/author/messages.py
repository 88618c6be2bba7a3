"""render: the exact messages that one question would send, with tokens and price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from llmops.documents import rendering
from llmops.documents.config import Settings
from llmops.errors import CannotAsk
from llmops.usecases.evaluate.bench import BuildRetriever
from llmops.usecases.evaluate.subjects import Subject
from llmops.usecases.ports import ModelDoor
from llmops.usecases.results.authoring import Rendered


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`case` takes question and variables from the evalset; `question` and `variables` override them."""

    question: str = ""
    case: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)


async def run(
    subject: Subject, request: Request, settings: Settings, door: ModelDoor, build_retriever: BuildRetriever
) -> Rendered:
    """Retrieve and render. Raises: CannotAsk CASE_UNKNOWN, VARIABLE_…, TEMPLATE_…"""
    behaviour = subject.release.behaviour
    question, variables = _inputs(subject, request)
    retrieval = behaviour.get("retrieval")
    retriever = build_retriever(retrieval, subject.passages, door) if retrieval else None
    passages = await retriever.retrieve(question) if retriever else ()
    messages = rendering.render_messages(behaviour, question, passages, variables)
    tokens = sum([await door.count_tokens(behaviour["model"], message["content"]) for message in messages])
    model = settings.model(subject.release.model)
    prices = settings.prices_of(subject.release.model)
    return Rendered(
        prompt=subject.release.name,
        version=subject.release.version,
        model=subject.release.model,
        messages=messages,
        passages=tuple(passage.id for passage in passages),
        parameters=behaviour["parameters"],
        tokens=tokens,
        is_estimate=model is None or model.provider != "embedded",
        nano_usd=round(tokens * prices.input * 1000) if prices and prices.input is not None else None,
    )


def _inputs(subject: Subject, request: Request) -> tuple[str, dict[str, object]]:
    typed = _typed(subject, request.variables)
    if not request.case:
        return request.question, typed
    case = next((case for case in subject.evalset.cases if case.id == request.case), None)
    if case is None:
        raise CannotAsk(
            "CASE_UNKNOWN",
            f"{subject.evalset.name} has no case {request.case}",
            where=f"evalsets/{subject.evalset.name}/",
        )
    return request.question or case.question, {**case.variables, **typed}


def _typed(subject: Subject, texts: Mapping[str, str]) -> dict[str, object]:
    behaviour = subject.release.behaviour
    unknown = rendering.unknown_variables(behaviour, texts)
    if unknown:
        raise CannotAsk(
            "VARIABLE_UNKNOWN",
            f"{subject.release.name} has no variable {', '.join(unknown)}; "
            f"it has: {', '.join(behaviour['variables']) or 'none'}",
            hint="--var NAME=VALUE",
        )
    return dict(rendering.from_text(behaviour, texts))
