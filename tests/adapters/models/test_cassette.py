import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.adapters.models import cassette
from llmops.adapters.models.door import open_door
from llmops.documents.chat import ChatRequest
from llmops.documents.config import ModelConfig
from llmops.errors import CannotAsk
from tests.adapters.models.load_server import loading

KEY = "sk-very-secret-key"


def a_request(text="Hello", **changes):
    return ChatRequest(**{"model": "big", "messages": ({"role": "user", "content": text},), **changes})


def a_door(folder, address="http://127.0.0.1:9/v1", **options):
    config = ModelConfig(name="big", provider="openai", model="big-1", base_url=address, key_env="BIG_KEY")
    return open_door(folder, {"big": config}, environ={"BIG_KEY": KEY}, **options)


@pytest.fixture
def recorded(tmp_path):
    """A cassette with two replies and two vectors, and the address that it speaks of."""
    path = tmp_path / "run.cassette"
    return path, record(tmp_path / "cache", path)


def record(folder, path, address=None):
    import asyncio

    async def run(load):
        async with a_door(folder, address or load.address, record=path) as door:
            await asyncio.gather(door.chat(a_request("one")), door.chat(a_request("two ü\u2028")))
            await door.embed(["one", "two"], "big")

    with loading(latency=0.01) as load:
        asyncio.run(run(load))
        return load.address


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (lambda _: [], 1),
        (lambda lines: lines[1:], 1),
        (lambda lines: lines[:-1], 5),
        (lambda lines: [*lines[:-1], lines[-1][:-20]], 5),
        (lambda lines: [*lines[:-1], lines[-1].rstrip()], 5),
        (lambda lines: [lines[0], lines[1].replace(b"echo", b"ECHO"), *lines[2:]], 2),
        (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], 3),
        (lambda lines: [*lines, lines[-1]], 6),
        (lambda lines: [*lines[:2], b"{}\n", *lines[3:]], 3),
        (lambda lines: [*lines[:2], b"\xff\n", *lines[3:]], 3),
        (lambda lines: [lines[0].replace(b":1", b":2"), *lines[1:]], 1),
    ],
    ids=["empty", "no first", "no last", "cut", "no end", "edited", "order", "twice", "other", "noise", "format"],
)
def test_a_cassette_that_was_edited_or_cut_off_is_refused_at_its_line(recorded, damage, line):
    path, _ = recorded
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(damage(lines)))
    with pytest.raises(CannotAsk) as caught:
        cassette.read(path)
    assert caught.value.code == "CASSETTE_INVALID"
    assert caught.value.where == f"{path}:{line}"


@given(data=st.data())
def test_no_flipped_byte_passes(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("flipped") / "run.cassette"
    cassette.write(path, {"chat/a": b'{"text": "yes"}', "vector/b": b"\x00\x01\x02\x03"})
    whole = bytearray(path.read_bytes())
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(whole)
    with pytest.raises(CannotAsk):
        cassette.read(path)


@given(
    entries=st.dictionaries(
        st.sampled_from(["chat", "tokens", "identity"]).flatmap(
            lambda kind: st.text("abc", min_size=1).map(f"{kind}/".__add__)
        ),
        st.text(st.characters(codec="utf-8")).map(str.encode),
    ),
    vector=st.binary(),
)
def test_what_is_written_is_read(tmp_path_factory, entries, vector):
    path = tmp_path_factory.mktemp("written") / "run.cassette"
    cassette.write(path, {**entries, "vector/x": vector})
    assert cassette.read(path) == {**entries, "vector/x": vector}


def test_a_missing_cassette_is_named(tmp_path):
    with pytest.raises(CannotAsk) as caught:
        a_door(tmp_path, replay=tmp_path / "nowhere.cassette")
    assert caught.value.code == "CASSETTE_MISSING"


async def test_what_is_not_in_it_is_asked_nowhere(tmp_path, recorded):
    path, address = recorded
    async with a_door(tmp_path / "other", address, replay=path) as door:
        for ask in (lambda: door.chat(a_request("three")), lambda: door.embed(["one", "three"], "big")):
            with pytest.raises(CannotAsk) as caught:
                await ask()
            assert caught.value.code == "CASSETTE_MISS"
            assert "'big'" in caught.value.what
        assert door.calls == 0


async def test_a_second_machine_gets_the_same_replies_and_latencies_without_cache_key_or_network(tmp_path, recorded):
    path, address = recorded
    async with a_door(tmp_path / "cache", address) as door:
        first = [await door.chat(a_request(text)) for text in ("one", "two ü\u2028")]
        vectors = await door.embed(["two", "one"], "big")
    config = ModelConfig(name="big", provider="openai", model="big-1", base_url=address, key_env="BIG_KEY")
    async with open_door(tmp_path / "other", {"big": config}, environ={}, replay=path, offline=True) as door:
        assert door.is_kept(a_request("one"))
        assert [await door.chat(a_request(text)) for text in ("one", "two ü\u2028")] == first
        assert np.array_equal(await door.embed(["two", "one"], "big"), vectors)
    assert not (tmp_path / "other").exists()


def test_the_same_run_writes_the_same_bytes_and_no_key(tmp_path, recorded):
    path, address = recorded
    again = tmp_path / "again.cassette"
    record(tmp_path / "cache", again, address)  # all of it from the cache
    assert again.read_bytes() == path.read_bytes()
    assert KEY.encode() not in path.read_bytes()
    assert b"Authorization" not in path.read_bytes()
    assert [len(json.loads(line)) for line in path.read_bytes().splitlines()] == [2, 3, 3, 3, 3]


async def test_a_run_that_failed_replaces_no_good_cassette(tmp_path, recorded):
    path, address = recorded
    before = path.read_bytes()

    async def run_that_fails():
        async with a_door(tmp_path / "cache", address, record=path) as door:
            await door.chat(a_request("one"))
            raise RuntimeError("the run failed")

    with pytest.raises(RuntimeError, match="the run failed"):
        await run_that_fails()
    assert path.read_bytes() == before


async def test_a_cassette_that_cannot_be_written_says_so_and_leaves_nothing(tmp_path, recorded):
    _, address = recorded
    (tmp_path / "taken").mkdir()
    with pytest.raises(CannotAsk) as caught:
        async with a_door(tmp_path / "cache", address, record=tmp_path / "taken") as door:
            await door.chat(a_request("one"))
    assert caught.value.code == "CASSETTE_UNWRITABLE"
    assert [path.name for path in tmp_path.iterdir() if ".part" in path.name] == []


async def test_an_engine_of_another_version_replays_what_was_recorded(tmp_path, monkeypatch):
    from llmops.adapters.models import identities

    models = {"small": ModelConfig(name="small", provider="embedded", model="small")}
    path = tmp_path / "run.cassette"
    async with open_door(tmp_path / "cache", models, record=path) as door:
        identity = door.identity("small")
    monkeypatch.setattr(identities, "_version_of", lambda _: "another version")
    async with open_door(tmp_path / "other", models, replay=path) as door:
        assert door.identity("small") == identity
    async with open_door(tmp_path / "cache", models) as door:
        assert door.identity("small") != identity
