"""Semantic versions."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.documents import versions
from llmops.errors import CannotAsk

NUMBERS = st.integers(0, 10**6)
PRERELEASES = st.lists(st.sampled_from(["alpha", "beta", "rc-1", "0", "7", "11", "0a", "-"]), max_size=3).map(tuple)
BUILDS = st.lists(st.sampled_from(["001", "exp", "5114f85"]), max_size=2).map(tuple)
VERSIONS = st.builds(
    versions.Version, major=NUMBERS, minor=NUMBERS, patch=NUMBERS, prerelease=PRERELEASES, build=BUILDS
)


@pytest.mark.parametrize(
    "text",
    [
        *("", "1", "1.2", "1.2.3.4", "v1.2.3", "01.2.3", "1.2.03", "-1.2.3", "1.2.x"),
        *("1.2.3-", "1.2.3-01", "1.2.3-a..b", "1.2.3+", "1.2.3+a+b", "1.2.3-ä", "１.2.3", " 1.2.3", "1.2.3\n"),
        "1.2.3-" + "a" * 64,
    ],
)
def test_what_is_no_semantic_version_is_refused(text):
    assert not versions.is_valid(text)
    with pytest.raises(CannotAsk) as caught:
        versions.parse(text)
    assert caught.value.code == "VERSION_INVALID"


def test_precedence_is_that_of_the_specification():
    # The example of semver 2.0.0, section 11.4, and 11.2.
    prereleases = [f"1.0.0-{part}" for part in ("alpha", "alpha.1", "alpha.beta", "beta", "beta.2", "beta.11", "rc.1")]
    for lower, higher in itertools.combinations([*prereleases, "1.0.0", "2.0.0", "2.1.0", "2.1.1"], 2):
        assert versions.is_above(higher, lower)
        assert not versions.is_above(lower, higher)


def test_build_part_does_not_count_in_precedence():
    assert not versions.is_above("1.0.0+b", "1.0.0+a")
    assert versions.parse("1.0.0+b") != versions.parse("1.0.0+a")


@given(VERSIONS)
def test_spelling_and_version_are_the_same_thing(version):
    text = str(version)
    assert versions.is_valid(text) == (len(text) <= versions.LONGEST)
    if versions.is_valid(text):
        assert versions.parse(text) == version


@given(VERSIONS)
def test_the_next_version_is_above(version):
    assert version.next_patch().precedence > version.precedence
    assert not version.next_patch().prerelease


@pytest.mark.parametrize(
    ("text", "following"), [("1.2.3", "1.2.4"), ("1.2.3-rc.1+x", "1.2.3"), ("2.0.0-rc.1", "2.0.0")]
)
def test_the_next_version_of_a_prerelease_is_its_release(text, following):
    assert str(versions.parse(text).next_patch()) == following


def test_newest_goes_by_precedence_not_by_spelling():
    assert versions.newest(["1.9.0", "1.10.0", "1.10.0-rc.1"]) == "1.10.0"
    assert versions.newest([]) is None
