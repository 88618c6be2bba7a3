from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from llmops.documents.evalset_changes import ChangeKind, FieldChange, compare
from llmops.documents.evalset_files import LARGE
from llmops.documents.evalsets import Evalset
from tests.evaluation.builders import a_case, an_evalset


def test_equal_cases_are_no_change_whatever_the_description_says():
    before = an_evalset(a_case("a"), a_case("b"))
    after = replace(before, cases=before.cases[::-1], description="Other words.", version="2.0.0")
    assert not compare(before, after)


def test_added_removed_and_changed_cases_are_told_apart():
    before = an_evalset(a_case("gone", must_pass=True), a_case("kept"), a_case("edited"))
    after = an_evalset(a_case("kept"), a_case("edited", ground_truth="7%"), a_case("new"))
    change = compare(before, after)
    assert [(item.case, item.kind) for item in change.cases] == [
        ("edited", ChangeKind.CHANGED),
        ("gone", ChangeKind.REMOVED),
        ("new", ChangeKind.ADDED),
    ]
    assert change.removed[0].is_must_pass
    assert change.changed[0].fields == (FieldChange(name="ground_truth", before="6%", after="7%"),)


def test_a_dropped_must_pass_is_a_change_of_a_case_that_had_to_pass():
    (change,) = compare(an_evalset(a_case(must_pass=True)), an_evalset(a_case())).changed
    assert change.is_must_pass
    assert change.fields == (FieldChange(name="must_pass", before="true", after=""),)


def test_another_id_is_one_case_removed_and_one_added():
    change = compare(an_evalset(a_case("old")), an_evalset(a_case("new")))
    assert ([item.case for item in change.removed], [item.case for item in change.added]) == (["old"], ["new"])


def test_dropped_slices_are_a_change_though_no_case_differs():
    case = a_case(tags=("numeric",))
    change = compare(an_evalset(case, slices=("numeric",)), an_evalset(case, slices=("rates",)))
    assert change
    assert (change.slices_removed, change.slices_added, change.cases) == (("numeric",), ("rates",), ())


def test_packed_cases_are_compared_like_held_ones():
    from llmops.documents.project import load
    from llmops.documents.trees import MemoryTree

    rows = "".join(f'{{"id": "c{number:05}", "question": "How much is {number}?"}}\n' for number in range(LARGE + 1))
    manifest = b"name: big\nversion: 1.0.0\ndescription: Many.\nlicence: CC0-1.0\nsource: cases.jsonl\n"

    def read(text: str) -> Evalset:
        files = {"evalsets/big/evalset.yaml": manifest, "evalsets/big/cases.jsonl": text.encode()}
        folder = load(MemoryTree(files)).evalset("big")
        assert folder is not None
        assert folder.evalset is not None
        return folder.evalset

    (change,) = compare(read(rows), read(rows.replace("is 7?", "is 8?"))).cases
    assert (change.case, change.fields[0].after) == ("c00007", "How much is 8?")


questions = st.dictionaries(st.sampled_from("abcde"), st.sampled_from(["q", "r", "s"]))


@given(questions, questions)
def test_a_change_is_there_exactly_where_the_digests_differ(one, other):
    before, after = (
        an_evalset(*(a_case(name, question=asked) for name, asked in each.items())) for each in (one, other)
    )
    change = compare(before, after)
    assert bool(change) == (before.digest != after.digest)
    assert {item.case for item in change.removed} == one.keys() - other.keys()
    assert {item.case for item in change.added} == other.keys() - one.keys()
