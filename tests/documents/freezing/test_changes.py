"""What changed between two releases."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given

from llmops.documents.freezing import changes
from llmops.documents.freezing.changes import Kind
from tests.documents.prompt_builders import JSON, PROMPTS, RAGS, a_release


def told(old, new):
    return [(change.path, change.kind.value, change.old, change.new) for change in changes.compare(old, new)]


def test_equal_releases_have_no_changes():
    assert changes.compare(a_release(), a_release()) == ()
    assert changes.compare(None, None) == ()


@given(PROMPTS, PROMPTS, RAGS)
def test_there_is_a_change_exactly_where_bytes_differ(one, other, rag):
    old, new = a_release(**one), a_release(rag=rag, **other)
    found = changes.compare(old, new)
    for part in changes.PARTS:
        differs = replace(old, **{part: getattr(new, part)}).data != old.data
        assert differs == any(change.part == part for change in found)


def value_at(release, path):
    """What stands at the path of a change: `.key`, `["quoted key"]` and `[place]` steps."""
    part = path.partition(".")[0].partition("[")[0]
    value = getattr(release, part)
    for key, quoted, place in re.findall(r'\.([\w-]+)|\[("(?:[^"\\]|\\.)*")\]|\[(\d+)\]', path[len(part) :]):
        value = value[int(place)] if place else value[json.loads(quoted) if quoted else key]
    return value


@given(JSON, JSON)
def test_what_was_added_or_changed_stands_at_its_path(one, other):
    old, new = (replace(a_release(), about={"value": value}) for value in (one, other))
    found = changes.compare(old, new)
    for change in found:
        if change.kind is not Kind.REMOVED:
            assert value_at(new, change.path) == change.new
    assert len({(change.path, change.kind) for change in found}) == len(found)
    assert found == changes.compare(old, new)


def test_fields_are_named_with_both_sides():
    old = a_release(temperature=0.1, thresholds={"release": {"a": {"min": 0.8}, "b": {"min": 0.5}}})
    new = a_release(temperature=0.2, version="1.1.0", model="m", thresholds={"release": {"a": {"min": 0.9}}})
    assert told(old, new) == [
        ("behaviour.model", "changed", "gpt-4o", "m"),
        ("behaviour.parameters.temperature", "changed", 0.1, 0.2),
        ("bars.thresholds.a.min", "changed", 0.8, 0.9),
        ("bars.thresholds.b", "removed", old.bars["thresholds"]["b"], None),
        ("about.version", "changed", "1.0.0", "1.1.0"),
    ]


def test_first_release_adds_every_field_whole():
    release = a_release()
    added = changes.compare(None, release)
    assert {change.kind for change in added} == {Kind.ADDED}
    assert {change.path for change in added} >= {"behaviour.messages", "bars.evalset", "about.version"}
    assert {change.kind for change in changes.compare(release, None)} == {Kind.REMOVED}


def test_item_put_in_front_of_a_list_moves_nothing():
    shots = [{"user": name, "assistant": name} for name in "abc"]
    new = {"user": "x", "assistant": "x"}
    assert told(a_release(few_shots=shots), a_release(few_shots=[new, *shots])) == [
        ("behaviour.few_shots[0]", "added", None, new)
    ]
    assert told(a_release(few_shots=shots), a_release(few_shots=shots[:1] + shots[2:])) == [
        ("behaviour.few_shots[1]", "removed", shots[1], None)
    ]


def test_text_of_several_lines_carries_its_hunks():
    old = a_release(template="\n".join([*"abcdefghijklmnop"]))
    new = a_release(template="\n".join([*"aBcdefghijklmnoP"]))
    (change,) = changes.compare(old, new)
    assert change.path == "behaviour.messages[0].content"
    assert change.hunks == ("@@ -1,5 +1,5 @@\n a\n-b\n+B\n c\n d\n e", "@@ -13,4 +13,4 @@\n m\n n\n o\n-p\n+P")


def test_line_that_looks_like_a_hunk_head_stays_a_line():
    (change,) = changes.compare(a_release(template="@@ a\nb"), a_release(template="@@ a\nc"))
    assert change.hunks == ("@@ -1,2 +1,2 @@\n @@ a\n-b\n+c",)


@pytest.mark.parametrize(("old", "new"), [(0, False), (1, True), ("1", 1), (None, ""), ([], {}), (None, False)])
def test_values_of_another_type_are_changes(old, new):
    one, other = (replace(a_release(), about={"value": value}) for value in (old, new))
    assert told(one, other) == [("about.value", "changed", old, new)]


def test_numbers_of_one_value_are_no_change():
    one, other = (replace(a_release(), about={"value": value}) for value in (1, 1.0))
    assert told(one, other) == []


def test_key_that_is_no_word_is_quoted():
    one, other = (replace(a_release(), about={'a"b.c': value}) for value in (1, 2))
    assert told(one, other) == [('about["a\\"b.c"]', "changed", 1, 2)]
