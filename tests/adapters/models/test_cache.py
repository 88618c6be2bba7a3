import sqlite3
import subprocess
import sys

import pytest

from llmops.adapters.models.cache import FILE_NAME, Cache
from llmops.errors import CannotAsk


@pytest.fixture
def said():
    return []


@pytest.fixture
def cache(tmp_path, said):
    cache = Cache(tmp_path / "cache", say=said.append)
    yield cache
    cache.close()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CannotAsk) as caught:
        Cache(tmp_path / "file" / "cache", say=print).get("a")
    assert caught.value.code == "CACHE_UNWRITABLE"
    assert str(tmp_path / "file" / "cache" / FILE_NAME) in caught.value.where


FILL = """
import resource, sys
from pathlib import Path
from llmops.adapters.models.cache import Cache
from llmops.errors import CannotAsk
cache = Cache(Path(sys.argv[1]), say=print)
cache.put("before", b"kept")
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    for number in range(100):
        cache.put(str(number), b"x" * 10_000)
except CannotAsk as error:
    print(error.code, error.where, error.hint)
"""


def test_a_full_disk_ends_with_the_path_and_loses_nothing(tmp_path, cache, said):
    folder = tmp_path / "cache"
    done = subprocess.run([sys.executable, "-c", FILL, str(folder)], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("CACHE_UNWRITABLE")
    assert str(folder / FILE_NAME) in done.stdout
    assert cache.get("before") == b"kept"
    assert cache.get("0") == b"x" * 10_000
    assert cache.put("after", b"there is room again") == b"there is room again"
    assert said == []


def test_what_was_never_put_is_none(cache):
    assert cache.get("nothing") is None


def test_an_entry_outlives_the_process(tmp_path, cache, said):
    cache.put("a", b"1")
    cache.close()
    assert Cache(tmp_path / "cache", say=said.append).get("a") == b"1"


def test_the_first_value_stays(cache):
    assert cache.put("a", b"first") == b"first"
    assert cache.put("a", b"second") == b"first"
    assert cache.get("a") == b"first"


def test_a_file_that_is_no_database_is_set_aside(tmp_path, cache, said):
    cache.path.parent.mkdir()
    cache.path.write_bytes(b"this is not a database" * 100)
    assert cache.get("a") is None
    cache.put("a", b"1")
    assert cache.get("a") == b"1"
    assert len(said) == 1
    assert "models.sqlite.broken-1" in said[0]
    assert (tmp_path / "cache" / "models.sqlite.broken-1").read_bytes().startswith(b"this is not")


def test_a_second_broken_file_does_not_overwrite_the_first(tmp_path, said):
    for content in (b"first" * 500, b"second" * 500):
        cache = Cache(tmp_path, say=said.append)
        cache.path.write_bytes(content)
        assert cache.get("a") is None
        cache.close()
    assert (tmp_path / "models.sqlite.broken-1").read_bytes().startswith(b"first")
    assert (tmp_path / "models.sqlite.broken-2").read_bytes().startswith(b"second")


def test_an_entry_whose_bytes_changed_is_never_handed_out(cache, said):
    cache.put("a", b"pay 100")
    with sqlite3.connect(cache.path) as connection:
        connection.execute("UPDATE entries SET value = ?", (b"pay 900",))
    connection.close()
    assert cache.get("a") is None
    assert "check sum" in said[0]


WRITE = """
import sys
from pathlib import Path
from llmops.adapters.models.cache import Cache
cache = Cache(Path(sys.argv[1]), say=print)
for number in range(200):
    kept = cache.put(f"shared-{number}", sys.argv[2].encode())
    assert cache.get(f"shared-{number}") == kept
    cache.put(f"{sys.argv[2]}-{number}", b"own")
"""


def test_two_processes_write_at_once_and_agree(tmp_path, cache, said):
    folder = str(tmp_path / "cache")
    running = [subprocess.Popen([sys.executable, "-c", WRITE, folder, name]) for name in ("one", "two")]
    assert [process.wait() for process in running] == [0, 0]
    assert all(cache.get(f"shared-{number}") in (b"one", b"two") for number in range(200))
    assert all(cache.get(f"{name}-{number}") == b"own" for name in ("one", "two") for number in range(200))
    assert said == []
