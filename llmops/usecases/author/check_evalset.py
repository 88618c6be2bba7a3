"""evalset check: do the prompts that an evalset measures know its cases?

Looked at is every prompt that names the evalset: its few-shots, its messages, and the pages of knowledge that it
retrieves from (there only questions count: answers are meant to be found). Words are compared by the rules of
`documents.leaks`; what is said in other words by the cosine of embeddings, questions with questions and lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from llmops.documents import leaks, project
from llmops.documents.evalsets import Evalset
from llmops.documents.leaks import GivenText, Leak, LeakKind
from llmops.documents.lint.leaks import given_texts
from llmops.documents.project import Project, PromptFolder
from llmops.documents.trees import Tree
from llmops.errors import CannotAsk
from llmops.usecases.frozen import evalset_named
from llmops.usecases.ports import ModelDoor
from llmops.usecases.results.evalsets import Alike, CheckedEvalset

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_COMPARED = 5_000  # cases, each with every other: more would take memory and minutes


async def run(tree: Tree, name: str, similar: float | None, door: ModelDoor | None) -> CheckedEvalset:
    """What was found. Without a door, or with `similar` None, nothing is embedded.

    Raises: CannotAsk EVALSET_MISSING, TOO_MANY_CASES, and as the door; InvalidDocuments.
    """
    loaded = project.load(tree)
    evalset = evalset_named(loaded, name)
    prompts = tuple(
        folder for folder in _prompts(loaded) if (folder.prompt.value.get("evalset") or folder.name) == name
    )
    given = tuple(text for folder in prompts for text in (*given_texts(folder.prompt), *_knowledge(tree, folder)))
    found = leaks.find((text for case in evalset.cases for text in leaks.texts_of(case)), given)
    alike: tuple[Alike, ...] = ()
    if door is not None and similar is not None:
        _require_few(evalset)
        vectors = await door.embed([case.question for case in evalset.cases])
        alike = tuple(_alike(evalset, vectors, similar, leaks.duplicates(evalset.cases)))
        found = (*found, *await _by_meaning(evalset, vectors, given, similar, door, found))
    return CheckedEvalset(
        evalset=name,
        cases=len(evalset.cases),
        prompts=tuple(folder.name for folder in prompts),
        similar=similar if door is not None else None,
        leaks=found,
        duplicates=leaks.duplicates(evalset.cases),
        alike=alike,
    )


def _prompts(loaded: Project) -> Iterator[PromptFolder]:
    for name in loaded.prompt_names:
        folder = loaded.prompt(name)
        if folder is not None and folder.prompt.is_valid:
            yield folder


def _knowledge(tree: Tree, folder: PromptFolder) -> Iterator[GivenText]:
    sources = folder.rag.value.get("sources") or () if folder.rag else ()
    pages = tree.read_many(project.knowledge_paths(tree, (sources,) if isinstance(sources, str) else sources))
    for path, data in pages.items():
        yield GivenText(path=path, label="knowledge", text=data.decode("utf-8", "replace"), is_knowledge=True)


def _require_few(evalset: Evalset) -> None:
    if len(evalset.cases) > MOST_COMPARED:
        what = f"{evalset.name} has {len(evalset.cases)} cases; up to {MOST_COMPARED} are compared by meaning"
        raise CannotAsk("TOO_MANY_CASES", what, hint="`--similar 0` compares words only")


def _alike(evalset: Evalset, vectors: NDArray[Any], similar: float, same: Iterable[tuple[str, ...]]) -> Iterator[Alike]:
    """Pairs of cases, the closest first; those that ask the same in the same words are reported as that."""
    import numpy as np

    groups = {case: group for group in same for case in group}
    ids = [case.id for case in evalset.cases]
    cosines = np.triu(vectors @ vectors.T, k=1)
    pairs = sorted(((-float(cosines[a, b]), int(a), int(b)) for a, b in np.argwhere(cosines >= similar)))
    for cosine, one, other in pairs:
        if ids[other] not in groups.get(ids[one], ()):
            yield Alike(case=ids[one], other=ids[other], cosine=round(-cosine, 4))


async def _by_meaning(
    evalset: Evalset,
    vectors: NDArray[Any],
    given: Sequence[GivenText],
    similar: float,
    door: ModelDoor,
    known: Iterable[Leak],
) -> tuple[Leak, ...]:
    """Questions that stand in a text in other words; what was found by its words is not said again."""
    lines = [(text, line) for text in given for line in leaks.lines_of(text)]
    if not lines:
        return ()
    cosines = vectors @ (await door.embed([line for _, line in lines])).T
    said = {(leak.case, leak.path, leak.label) for leak in known}
    found: dict[tuple[str, str, str], float] = {}
    for at, case in enumerate(evalset.cases):
        for (text, _), cosine in zip(lines, cosines[at], strict=True):
            key = (case.id, text.path, text.label)
            if cosine >= similar and key not in said:
                found[key] = max(found.get(key, 0.0), float(cosine))
    return tuple(
        Leak(case=case, field="question", kind=LeakKind.EMBEDDING, path=path, label=label, share=round(cosine, 4))
        for (case, path, label), cosine in found.items()
    )
