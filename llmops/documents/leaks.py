"""Cases that stand in what the model is given: a prompt that has seen the question measures memory, not skill.

Rules, in order:

1. Texts are compared as words: case, marks and spacing do not matter. Jinja tags are no words.
2. `exact`: a text, or one of its lines, is the case's question or answer. An answer that several cases share is a
   label, and one of fewer than `LEAST_WORDS` words ("yes", "6 percent") is nobody's property: neither is looked for.
3. `ngram`: at least `SHARE` of the runs of `RUN` words of a question or answer (of all its words, where it has fewer)
   stand in the text. Texts of fewer than `LEAST_WORDS` words, and answers in JSON, whose keys all answers share, are
   not looked for so.
4. Pages of knowledge are there to hold answers: in them only a question, verbatim, counts.
5. `duplicates` are cases that ask the same with the same contexts, turns and variables.

What is said in other words is for embeddings to find (`llmops evalset check`).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from llmops.documents import canonical
from llmops.documents.evalsets import Case

RUN = 8
LEAST_WORDS = 4
SHARE = 0.5
_WORD = re.compile(r"[^\W_]+")
_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_LABEL = re.compile(r"^\s*(?:question|q|user|answer|a|assistant)\s*:\s*", re.IGNORECASE)


class LeakKind(StrEnum):
    """How a case was found again."""

    EXACT = "exact"
    NGRAM = "ngram"
    EMBEDDING = "embedding"


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenText:
    """A text that the model is given: the file it stands in, and what it is there (`few_shots[2].user`)."""

    path: str
    label: str
    text: str
    is_knowledge: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """A question or an answer of a case that stands in a text. `share` of its runs were found, or its cosine."""

    case: str
    field: str
    kind: LeakKind
    path: str
    label: str
    share: float


@dataclass(frozen=True, slots=True)
class CaseText:
    """One text of a case, as words and hashed runs of them."""

    case: str
    field: str
    words: tuple[str, ...]
    runs: frozenset[int]


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text, folded."""
    return tuple(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def texts_of(case: Case) -> Iterator[CaseText]:
    """Question and answers of a case, those that are there."""
    answers = [case.ground_truth] if case.answer == case.ground_truth else [case.ground_truth, case.answer or ""]
    yield text_of(case.id, "question", case.question)
    for field, text in zip(("ground_truth", "answer"), answers, strict=False):
        if text:
            yield text_of(case.id, field, text)


def text_of(case: str, field: str, text: str) -> CaseText:
    """One text of a case, hashed once however many prompts it is looked for in."""
    words = words_of(text)
    is_json = field != "question" and text.lstrip().startswith(("{", "["))
    is_looked_for = len(words) >= LEAST_WORDS and not is_json
    return CaseText(case, field, words, frozenset(_runs(words, min(RUN, len(words))) if is_looked_for else ()))


class CaseIndex:
    """Where each run of words stands in the questions and answers of an evalset: made once, however many texts are
    looked through."""

    def __init__(self, texts: Iterable[CaseText]) -> None:
        own = _own(texts)
        self._whole: dict[tuple[str, ...], list[CaseText]] = {}
        self._by_run: dict[int, list[CaseText]] = {}
        for item in own:
            self._whole.setdefault(item.words, []).append(item)
            for run in item.runs:
                self._by_run.setdefault(run, []).append(item)
        self._lengths = sorted({min(RUN, len(item.words)) for item in own if item.runs})

    def find(self, given: Iterable[GivenText]) -> tuple[Leak, ...]:
        """Every question and answer that stands in a given text, in the order of `given`."""
        return tuple(leak for source in given for leak in self._in_source(source))

    def _in_source(self, source: GivenText) -> Iterator[Leak]:
        plain = _TAG.sub("\n", source.text)
        words = words_of(plain)
        lines = dict.fromkeys((words, *(words_of(_LABEL.sub("", line)) for line in plain.splitlines())))
        exact = {id(item): item for line in lines for item in self._whole.get(line, ())}
        for item in exact.values():
            if item.field == "question" or not source.is_knowledge:
                yield _leak(item, LeakKind.EXACT, source, 1.0)
        hits: dict[int, tuple[CaseText, int]] = {}
        for run in dict.fromkeys(run for length in self._lengths for run in _runs(words, length)):
            for item in self._by_run.get(run, ()):
                hits[id(item)] = (item, hits.get(id(item), (item, 0))[1] + 1)
        for item, count in hits.values():
            share = count / len(item.runs)
            if id(item) not in exact and _is_leak(item, share, source):
                yield _leak(item, LeakKind.NGRAM, source, share)


def find(texts: Iterable[CaseText], given: Iterable[GivenText]) -> tuple[Leak, ...]:
    """Every question and answer that stands in a given text, in the order of `given`."""
    return CaseIndex(texts).find(given)


def _is_leak(item: CaseText, share: float, source: GivenText) -> bool:
    return share >= 1.0 and item.field == "question" if source.is_knowledge else share >= SHARE


def _own(texts: Iterable[CaseText]) -> tuple[CaseText, ...]:
    """The texts that are a case's own: every question, and answers that are no label."""
    every = [item for item in texts if item.words]
    answers = {(item.case, item.words) for item in every if item.field != "question"}
    sharing = Counter(words for _, words in answers)
    return tuple(
        item
        for item in every
        if item.field == "question" or (sharing[item.words] == 1 and len(item.words) >= LEAST_WORDS)
    )


def _leak(item: CaseText, kind: LeakKind, source: GivenText, share: float) -> Leak:
    return Leak(case=item.case, field=item.field, kind=kind, path=source.path, label=source.label, share=share)


def _runs(words: tuple[str, ...], length: int) -> Iterator[int]:
    return (hash(words[at : at + length]) for at in range(len(words) - length + 1))


def lines_of(source: GivenText) -> tuple[str, ...]:
    """What of a given text is worth comparing in meaning: its lines of some length, of knowledge those that ask."""
    plain = (_LABEL.sub("", line).strip() for line in _TAG.sub("\n", source.text).splitlines())
    long = (line for line in plain if len(words_of(line)) >= LEAST_WORDS)
    return tuple(line for line in long if not source.is_knowledge or line.endswith("?"))


def duplicates(cases: Iterable[Case]) -> tuple[tuple[str, ...], ...]:
    """Groups of cases that ask the same, each in the order of the evalset."""
    found: dict[str, list[str]] = {}
    for case in cases:
        rest = {
            "contexts": list(case.contexts),
            "messages": [dict(each) for each in case.messages],
            "variables": dict(case.variables),
        }
        found.setdefault(canonical.digest({"question": " ".join(words_of(case.question)), **rest}), []).append(case.id)
    return tuple(tuple(ids) for ids in found.values() if len(ids) > 1)
