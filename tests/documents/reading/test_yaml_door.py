from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops.documents.reading import json_door, yaml_door
from llmops.documents.reading.yaml_door import Parsed

PATH = "prompts/support/prompt.yaml"


def parse(text: str | bytes) -> Parsed:
    return yaml_door.parse(text.encode() if isinstance(text, str) else text, PATH)


def rules(parsed: Parsed) -> list[str]:
    return [finding.rule for finding in parsed.findings]


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "rule", "place"),
    [
        ("a: 1\nb: 2\na: 3\n", "yaml-duplicate-key", (3, 1)),
        ("a: {b: 1, b: 2}\n", "yaml-duplicate-key", (1, 11)),
        ("<<: {a: 1}\n", "yaml-merge-key", (1, 1)),
        ("a: !!int 3\n", "yaml-tag", (1, 4)),
        ("a: !x [1]\n", "yaml-tag", (1, 4)),
        ("a: ! b\n", "yaml-tag", (1, 4)),
        ("a: 1\n---\nb: 2\n", "yaml-several-documents", (2, 1)),
        ("a: 1\n...\n---\nb: 2\n", "yaml-several-documents", (3, 1)),
        ("a: \x00\n", "document-control-character", (1, 4)),
        ("a: b\x1b[31m\n", "document-control-character", (1, 5)),
        ('a: "\\x1b"\n', "document-control-character", (1, 4)),
        (b"a: caf\xe9\n", "document-not-utf8", (1, 7)),
        ("a: b\n".encode("utf-16"), "document-not-utf8", (1, 1)),
        ("[" * 65 + "]" * 65, "yaml-too-deep", (1, 65)),
        ("- " * 70 + "a", "yaml-too-deep", (1, 129)),
        (BOMB, "yaml-alias-bomb", (4, 8)),
        ("a: &a [*a]\n", "yaml-alias-cycle", (1, 8)),
        ("a: &a {b: {c: *a}}\n", "yaml-alias-cycle", (1, 15)),
        ("a: *b\n", "yaml-unknown-alias", (1, 4)),
        ("1: a\n", "yaml-key-not-text", (1, 1)),
        ("true: a\n", "yaml-key-not-text", (1, 1)),
        ("? [a]\n: b\n", "yaml-key-not-text", (1, 3)),
        ("a: &x b\n*x : c\n", "yaml-key-not-text", (2, 1)),
        ("a: .nan\n", "yaml-number", (1, 4)),
        ("a: -.inf\n", "yaml-number", (1, 4)),
        ("a: 1e999\n", "yaml-number", (1, 4)),
        ("a: 9007199254740993\n", "yaml-number", (1, 4)),
        ("a: " + "9" * 5000 + "\n", "yaml-number", (1, 4)),
        ("a: b: c\n", "yaml-syntax", (1, 5)),
        ("a:\n\t- b\n", "yaml-syntax", (2, 1)),
        ("a: 'b\n", "yaml-syntax", (2, 1)),
        ("@a\n", "yaml-syntax", (1, 1)),
    ],
)
def test_hostile_and_broken_yaml_is_refused_with_its_place(
    text: str | bytes, rule: str, place: tuple[int, int]
) -> None:
    parsed = parse(text)

    assert parsed.value is None
    assert not parsed.is_readable
    assert rules(parsed) == [rule]
    assert (parsed.findings[0].location.line, parsed.findings[0].location.column) == place
    assert parsed.findings[0].fix


def test_a_file_that_is_too_large_is_not_parsed() -> None:
    assert rules(yaml_door.parse(b"a: b\n" * 10, PATH, largest=20)) == ["document-too-large"]
    assert yaml_door.parse(b"a: b\n", PATH, largest=5).is_readable


def test_all_problems_of_a_file_are_told_at_once() -> None:
    parsed = parse("a: 1\na: 2\n<<: {}\nb: !t c\n1: d\ne: .inf\n")

    assert rules(parsed) == ["yaml-duplicate-key", "yaml-merge-key", "yaml-tag", "yaml-key-not-text", "yaml-number"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"), ("yes", "yes"), ("on", "on"), ("Off", "Off"), ("y", "y"), ("2024-05-01", "2024-05-01"),
        ("12:30", "12:30"), ("1_000", "1_000"), ("0b11", "0b11"), ("0777", 777), ("0o17", 15), ("0x1F", 31),
        ("true", True), ("False", False), ("tRue", "tRue"), ("null", None), ("~", None), ("", None), ("nuLL", "nuLL"),
        ("1.10", 1.1), ("-3", -3), ("+3", 3), (".5", 0.5), ("1.", 1.0), ("1e3", 1000.0), ("1e", "1e"), ("-", [None]),
        ('"1"', "1"), ("'true'", "true"), ("|-\n  1", "1"), ("1.2.3", "1.2.3"), ("=", "="), ("nan", "nan"),
    ],
)  # fmt: skip
def test_scalars_follow_the_core_schema_of_yaml_1_2(text: str, value: object) -> None:
    parsed = parse(f"a: {text}\n" if text != "-" else "a:\n-\n")

    assert parsed.findings == ()
    assert parsed.value == {"a": value}
    assert type(parsed.value["a"]) is type(value)


def test_a_number_keeps_its_source_text() -> None:
    assert parse("a: {b: [1.10, x, 0x10]}\n").texts == {("a", "b", 0): "1.10", ("a", "b", 2): "0x10"}


def test_every_key_and_value_has_its_place() -> None:
    parsed = parse('a: 1\nb:\n  - x\n  - {c: "d"}\n')

    assert (parsed.at_key(("b",)).line, parsed.at_key(("b",)).column) == (2, 1)
    assert (parsed.at(("b", 0)).line, parsed.at(("b", 0)).column) == (3, 5)
    assert (parsed.at(("b", 1, "c")).line, parsed.at(("b", 1, "c")).column) == (4, 9)


def test_a_place_that_is_not_there_is_the_nearest_around_it() -> None:
    parsed = parse("a:\n  b: 1\n")

    assert str(parsed.at(("a", "b", "c", 0))) == f"{PATH}:2:6"
    assert str(parsed.at_key(("a", "x"))) == f"{PATH}:2:3"


@pytest.mark.parametrize(
    ("text", "line", "column", "place"),
    [
        ("a: |\n  first\n  second\n", 2, 3, (3, 5)),
        ("a: |\n\n    first\n", 2, 1, (3, 5)),
        ('a: "plain"\n', 1, 3, (1, 7)),
        ("a: plain\n", 1, 3, (1, 6)),
        ("a: >\n  folded\n", 1, 3, (1, 4)),
        ('a: "x\\ny"\n', 2, 1, (1, 4)),
    ],
)
def test_a_place_inside_a_text_is_found_in_the_file(text: str, line: int, column: int, place: tuple[int, int]) -> None:
    location = parse(text).inside(("a",), line, column)

    assert (location.line, location.column) == place


def test_aliases_share_their_value_up_to_the_limit() -> None:
    assert parse("a: &x {b: 1}\nc: *x\nd: [*x, *x]\n").value["d"] == [{"b": 1}, {"b": 1}]
    assert parse("a: &x b\n" + "c:\n" + "- *x\n" * 1000).is_readable
    assert rules(parse("a: &x b\n" + "c:\n" + "- *x\n" * 1001)) == ["yaml-alias-bomb"]


def test_sixty_four_levels_are_allowed() -> None:
    assert parse("[" * 64 + "]" * 64).is_readable


@pytest.mark.parametrize("data", [b"", b"# only a comment\n", b"---\n", b"\xef\xbb\xbf"])
def test_an_empty_document_is_nothing_and_no_finding(data: bytes) -> None:
    assert parse(data).value is None
    assert parse(data).findings == ()


def test_a_byte_order_mark_and_windows_line_ends_are_fine() -> None:
    assert parse(b"\xef\xbb\xbfa: b\r\nc: d\r\n").value == {"a": "b", "c": "d"}


yaml_like = st.text(st.sampled_from("ab1.:-?[]{}&*!<>|'\"#%@`,~ \n\t\\x0"), max_size=80)


@settings(max_examples=400, deadline=None)
@given(
    st.binary(max_size=200)
    | yaml_like.map(str.encode)
    | st.text(max_size=80).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
def test_the_door_never_raises_and_always_says_where(data: bytes) -> None:
    parsed = yaml_door.parse(data, PATH)

    assert parsed.is_readable or parsed.value is None
    assert all(finding.location.path == PATH and finding.message and finding.fix for finding in parsed.findings)
    for pointer in parsed.values:
        assert parsed.inside(pointer, 3, 2).path == PATH


plain = st.text("abcxyz :#-'\"\n{}[]é", max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | plain,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(plain, inner, max_size=4),
    max_leaves=15,
)


@settings(max_examples=200, deadline=None)
@given(values)
def test_what_yaml_writes_reads_back_the_same(value: object) -> None:
    text = yaml.safe_dump(value, allow_unicode=True)

    assert parse(text).findings == ()
    assert parse(text).value == value


@settings(max_examples=200, deadline=None)
@given(values, st.booleans())
def test_json_is_read_alike_by_both_doors(value: object, is_wide: bool) -> None:
    import json

    data = json.dumps(value, indent=2 if is_wide else None).encode()
    line = json.dumps(value).encode()

    assert [parse(data).value] == json_door.parse_jsonl(line, PATH).value == [value]


@pytest.mark.parametrize(
    "data",
    [b"[" * 100_000, b"{" * 100_000, b"- " * 100_000, b"? " * 100_000, b"a: &a\n" * 20_000, b"*a " * 50_000,
     b"!" * 100_000, b"[" + b"a," * 200_000, b"a: '" + b"''" * 200_000, b"%" * 100_000,
     b"&a " * 50_000, b"{a: " * 30_000],
)  # fmt: skip
def test_long_hostile_input_ends(data: bytes) -> None:
    assert yaml_door.parse(data, PATH).findings != ()
