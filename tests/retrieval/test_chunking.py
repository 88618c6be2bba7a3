"""How pages are cut into passages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.errors import CannotAsk
from llmops.retrieval.chunking import Chunking, Page, Strategy, chunk, chunking_of, page_of, slug

PAGE = """Loose words.

# Rate locks

Before any section.

## Lock period

A lock lasts 45 days. It costs nothing.

### Extensions

One extension is free.

## Fees & "points"!

```
## no heading
```
Done.

## Empty

## Lock period

Again.
"""


def cut(text, **fields):
    return [(passage.id, passage.text) for passage in chunk([Page(id="page", text=text)], Chunking(**fields))]


def test_sections_become_passages_under_the_title():
    assert cut(PAGE) == [
        ("page#introduction", "Rate locks\nLoose words.\n\n\nBefore any section."),
        (
            "page#lock-period",
            "Rate locks — Lock period\n"
            "A lock lasts 45 days. It costs nothing.\n\n### Extensions\n\nOne extension is free.",
        ),
        ("page#fees-points", 'Rate locks — Fees & "points"!\n```\n## no heading\n```\nDone.'),
        ("page#lock-period-2", "Rate locks — Lock period\nAgain."),
    ]


def test_page_without_title_or_sections_is_one_introduction():
    assert cut("Only words.") == [("page#introduction", "page\nOnly words.")]
    assert cut("\n# Title\n\n") == []


def test_long_section_is_cut_at_the_ends_of_sentences():
    text = "## S\nOne two three. Four five. Six seven eight nine. Ten."
    assert cut(text, size=5) == [
        ("page#s", "page — S\nOne two three. Four five."),
        ("page#s~2", "page — S\nSix seven eight nine. Ten."),
    ]


def test_overlap_repeats_the_last_words():
    text = "## S\nOne two three. Four five six. Seven eight."
    assert [text.partition("\n")[2] for _, text in cut(text, size=5, overlap=2)] == [
        "One two three.",
        "two three. Four five six.",
        "five six. Seven eight.",
    ]


def test_sentence_longer_than_the_size_is_cut_between_words():
    assert [text.partition("\n")[2] for _, text in cut("## S\na b c d e", size=2)] == ["a b", "c d", "e"]


def test_decimal_point_ends_no_sentence_and_a_line_does():
    text = "## S\nRates of 2.75 percent\nand more"
    assert [text.partition("\n")[2] for _, text in cut(text, size=5)] == ["Rates of 2.75 percent", "and more"]


def test_fixed_windows_share_their_overlap():
    windows = cut("# T\na b c d e f", strategy=Strategy.FIXED, size=4, overlap=2)
    assert windows == [("page#window-1", "# T\na b"), ("page#window-2", "a b c d"), ("page#window-3", "c d e f")]
    assert cut("one", strategy=Strategy.FIXED, size=4, overlap=2) == [("page#window-1", "one")]
    assert cut(" \n", strategy=Strategy.FIXED, size=4, overlap=2) == []


@pytest.mark.parametrize(
    ("heading", "expected"),
    [
        ("Rate Locks", "rate-locks"), ("  5/6 & 7/6?", "5-6-7-6"), ("Über", "ber"), ("日本", "section"), ("a_b", "a-b")
    ],
)  # fmt: skip
def test_slug_keeps_letters_and_digits(heading, expected):
    assert slug(heading) == expected


def test_pages_go_by_id_and_are_named_after_their_file():
    pages = [page_of("knowledge/b.md", "## S\r\ntwo"), page_of("a.faq.md", "one"), page_of("README", "three")]
    assert [passage.id for passage in chunk(pages, Chunking())] == [
        "README#introduction",
        "a.faq#introduction",
        "b#s",
    ]
    assert pages[0].text == "## S\ntwo"


def test_two_pages_of_one_name_are_refused():
    with pytest.raises(CannotAsk) as caught:
        chunk([page_of("a/x.md", "1"), page_of("b/x.md", "2")], Chunking())
    assert caught.value.code == "PAGE_TWICE"


@pytest.mark.parametrize(("size", "overlap"), [(0, 0), (5, 5), (5, 6), (5, -1)])
def test_overlap_must_leave_room(size, overlap):
    with pytest.raises(CannotAsk) as caught:
        chunk([], Chunking(size=size, overlap=overlap))
    assert caught.value.code == "CHUNKING_INVALID"
    with pytest.raises(CannotAsk) as caught:
        chunking_of({"chunking": {"strategy": "fixed", "size": size, "overlap": overlap}})
    assert caught.value.code == "CHUNKING_INVALID"


def test_config_names_the_chunking():
    fields = {"strategy": "fixed", "size": 9, "overlap": 2}
    assert chunking_of({"chunking": fields}) == Chunking(strategy=Strategy.FIXED, size=9, overlap=2)
    with pytest.raises(CannotAsk) as caught:
        chunking_of({"chunking": {**fields, "strategy": "magic"}})
    assert caught.value.code == "CHUNKING_INVALID"
    assert "'magic', known are section, fixed" in caught.value.what


WORDS = st.lists(st.sampled_from(["a", "b.", "c!", "d\n", "e\n\n", "2.5", "##", "“f.”"]), max_size=40)


@given(WORDS, st.integers(1, 8), st.integers(0, 7), st.sampled_from(Strategy))
def test_no_word_is_lost_and_no_passage_is_too_long(words, size, overlap, strategy):
    overlap = min(overlap, size - 1)
    text = " ".join(words)
    passages = cut(
        "## S\n" + text if strategy is Strategy.SECTION else text, strategy=strategy, size=size, overlap=overlap
    )
    bodies = [text.partition("\n")[2] if strategy is Strategy.SECTION else text for _, text in passages]
    assert all(len(body.split()) <= size for body in bodies)
    assert len({name for name, _ in passages}) == len(passages)
    rebuilt = []
    for body in bodies:
        shared = overlap if rebuilt else 0
        assert rebuilt[len(rebuilt) - shared :] == body.split()[:shared]
        rebuilt += body.split()[shared:]
    if not any(line.startswith("##") for line in text.split("\n")):
        assert rebuilt == text.split()


@given(st.text(alphabet="#`~ ab.\n-", max_size=80))
def test_any_text_is_cut_into_passages_of_unique_ids(text):
    ids = [name for name, _ in cut(text)]
    assert len(set(ids)) == len(ids)
    assert all(name.startswith("page#") for name in ids)
