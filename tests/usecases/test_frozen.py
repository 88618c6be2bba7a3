"""Frozen releases: one version is one release, wherever it stands."""

from __future__ import annotations

import pytest

from llmops.documents import releases
from llmops.documents.trees import MemoryTree
from llmops.errors import CannotAsk
from llmops.usecases import frozen
from tests.worlds import PROMPT, a_world


def test_two_different_releases_of_one_version_are_ambiguous() -> None:
    world = a_world().lock()
    path = releases.path_of(PROMPT, "1.0.0")
    other = MemoryTree({path: world.repository.index[path].replace(b"Answer from", b"Reply from")})
    with pytest.raises(CannotAsk) as caught:
        frozen.find_release(world.repository.index_tree(), other, PROMPT, "1.0.0")
    assert (caught.value.code, caught.value.where) == ("RELEASE_AMBIGUOUS", path)
