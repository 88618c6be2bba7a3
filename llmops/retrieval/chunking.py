"""How Markdown pages are cut into passages.

Rules, in order:

1. Pages go by id; a page's id is its file name without folder and ending, and no two pages share one.
2. `section`: one passage for each `## ` section, id `page#slug`, text "Title — Section", line feed, body. Text before
   the first section is `page#introduction`. A body of more than `size` words is cut at ends of sentences; the pieces
   are `page#slug`, `page#slug~2`, `page#slug~3`, and each begins with the last `overlap` words of the one before.
3. `fixed`: windows of `size` words that share `overlap` words, ids `page#window-1`, `page#window-2`, ...
4. Lines inside fenced code are never headings.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from llmops.errors import CannotAsk
from llmops.retrieval.passages import Passage

INTRODUCTION: Final = "introduction"
_FENCE: Final = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING: Final = re.compile(r"(#{1,2})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*")
_WORD: Final = re.compile(r"\S+")
# A sentence ends with its mark (quotes and brackets after it belong to it), and so does every line.
_SENTENCE_END: Final = re.compile(r"[.!?…][\"'”’)\]]*(?=\s)|\n")


class Strategy(StrEnum):
    """How a page is cut."""

    SECTION = "section"
    FIXED = "fixed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One Markdown page of a knowledge base."""

    id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunking:
    """How to cut: `size` and `overlap` are in words."""

    strategy: Strategy = Strategy.SECTION
    size: int = 200
    overlap: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Section:
    heading: str
    body: str


def page_of(path: str, text: str) -> Page:
    """The page in the file at `path`: its id is the file's name without the ending."""
    name = path.rpartition("/")[2]
    return Page(id=name.rpartition(".")[0] or name, text=text.replace("\r\n", "\n"))


def chunking_of(retrieval: Mapping[str, Any]) -> Chunking:
    """The chunking of a normalised retrieval config. Raises: CannotAsk CHUNKING_INVALID."""
    fields = retrieval["chunking"]
    if fields["strategy"] not in list(Strategy):
        what = f"chunking.strategy is {fields['strategy']!r}, known are {', '.join(Strategy)}"
        raise CannotAsk("CHUNKING_INVALID", what, hint="change chunking.strategy in rag.yaml")
    chunking = Chunking(strategy=Strategy(fields["strategy"]), size=fields["size"], overlap=fields["overlap"])
    _check(chunking)
    return chunking


def chunk(pages: Iterable[Page], chunking: Chunking) -> tuple[Passage, ...]:
    """The passages of `pages`, by page, then as they stand on it. Raises: CannotAsk CHUNKING_INVALID, PAGE_TWICE."""
    _check(chunking)
    ordered = sorted(pages, key=lambda page: page.id)
    for before, after in itertools.pairwise(ordered):
        if before.id == after.id:
            hint = "rename one of the files: passages are named after their page"
            raise CannotAsk("PAGE_TWICE", f"two pages of the knowledge are named {after.id!r}", hint=hint)
    cut = _sections if chunking.strategy is Strategy.SECTION else _windows
    return tuple(passage for page in ordered for passage in cut(page, chunking))


def slug(heading: str) -> str:
    """`heading` as a part of an id: lower case, every run of anything but a-z and 0-9 one hyphen."""
    return re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-") or "section"


def _check(chunking: Chunking) -> None:
    if chunking.size < 1 or not 0 <= chunking.overlap < chunking.size:
        what = f"chunking.overlap is {chunking.overlap} words and chunking.size {chunking.size}"
        raise CannotAsk("CHUNKING_INVALID", what, hint="overlap goes from 0 to one word less than size")


def _sections(page: Page, chunking: Chunking) -> Iterator[Passage]:
    title, sections = _parse(page)
    taken: set[str] = set()
    for section in sections:
        if not section.body.strip():
            continue
        name = _unique(slug(section.heading) if section.heading else INTRODUCTION, taken)
        heading = f"{title} — {section.heading}" if section.heading else title
        for number, piece in enumerate(_pieces(section.body.strip(), chunking), start=1):
            suffix = "" if number == 1 else f"~{number}"
            yield Passage(id=f"{page.id}#{name}{suffix}", text=f"{heading}\n{piece}")


def _unique(name: str, taken: set[str]) -> str:
    """`name`, or with `-2`, `-3` and so on where a heading stands twice on a page."""
    number, chosen = 1, name
    while chosen in taken:
        number += 1
        chosen = f"{name}-{number}"
    taken.add(chosen)
    return chosen


def _parse(page: Page) -> tuple[str, tuple[_Section, ...]]:
    """The page's title (its first `# ` heading, else its id) and its sections, the introduction first."""
    title, heading, body = "", "", list[str]()
    sections: list[_Section] = []
    for line, found in _lines(page.text):
        if found is None:
            body.append(line)
        elif len(found[1]) == 2:
            sections.append(_Section(heading=heading, body="\n".join(body)))
            heading, body = found[2], []
        elif title:
            body.append(line)
        else:
            title = found[2]
    sections.append(_Section(heading=heading, body="\n".join(body)))
    return title or page.id, tuple(sections)


def _lines(text: str) -> Iterator[tuple[str, re.Match[str] | None]]:
    """Every line, with its match where it is a heading of level one or two outside fenced code."""
    fence = ""
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if fence:
            fence = "" if mark and mark[1].startswith(fence) and not line.strip().strip(fence[0]) else fence
            yield line, None
        elif mark:
            fence = mark[1]
            yield line, None
        else:
            yield line, _HEADING.fullmatch(line)


def _pieces(body: str, chunking: Chunking) -> Iterator[str]:
    """`body` in pieces of at most `size` words, cut at ends of sentences where there is one."""
    words = list(_WORD.finditer(body))
    ends = _ends_of_sentences(body, words)
    start = 0
    while start < len(words):
        end = min(start + chunking.size, len(words))
        if end < len(words):
            # A cut inside the overlap would never get past it.
            fitting = [place for place in ends if start + chunking.overlap < place <= end]
            end = fitting[-1] if fitting else end
        yield body[words[start].start() : words[end - 1].end()]
        start = end if end == len(words) else end - chunking.overlap


def _ends_of_sentences(body: str, words: list[re.Match[str]]) -> list[int]:
    """After how many words a sentence ends, ascending."""
    marks = [found.end() for found in _SENTENCE_END.finditer(body)]
    ends, mark = [], 0
    for count, word in enumerate(words, start=1):
        following = words[count].start() if count < len(words) else len(body)
        while mark < len(marks) and marks[mark] < word.end():
            mark += 1
        if mark < len(marks) and marks[mark] <= following:
            ends.append(count)
    return ends


def _windows(page: Page, chunking: Chunking) -> Iterator[Passage]:
    words = list(_WORD.finditer(page.text))
    step = chunking.size - chunking.overlap
    starts = range(0, max(len(words) - chunking.overlap, min(len(words), 1)), step)
    for number, start in enumerate(starts, start=1):
        last = words[min(start + chunking.size, len(words)) - 1]
        yield Passage(id=f"{page.id}#window-{number}", text=page.text[words[start].start() : last.end()])
