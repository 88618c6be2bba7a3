"""Datasets of the hub, against a real local HTTP server that answers as the hub does."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from llmops.adapters.evalsets.sources import load_cases
from llmops.errors import CannotAsk

ROOT = Path(__file__).parents[3]
COMMIT = hashlib.sha1(b"first").hexdigest()
OTHER = hashlib.sha1(b"second").hexdigest()
ROWS = [{"question": f"q{at}", "contexts": ["c"], "answer": "a", "ground_truth": "t"} for at in range(600)]

READ = """
import sys
from llmops.adapters.evalsets.sources import load_cases
from llmops.errors import CannotAsk
name, revision, split = sys.argv[1:]
try:
    rows = list(load_cases(name, revision=revision, split=split))
    print(len(rows), rows[-1].location, rows[-1].value["question"], len({row.value["question"] for row in rows}))
except CannotAsk as refused:
    print(refused.code, refused)
"""


@dataclass
class Hub:
    url: str = ""
    home: Path = Path()
    asked: list[str] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(f"{request.method} {request.path}")
        data = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
        entry = {"type": "file", "oid": "0" * 40, "size": len(data), "path": "cases.jsonl"}
        if request.path.startswith(f"/api/datasets/acme/mortgage/tree/{COMMIT}"):
            return web.json_response([entry])
        if request.path == f"/api/datasets/acme/mortgage/revision/{COMMIT}":
            known = {"_id": "1", "id": "acme/mortgage", "sha": COMMIT, "private": False, "tags": [], "gated": False}
            counts = {"disabled": False, "downloads": 0, "likes": 0}
            return web.json_response({**known, **counts, "siblings": [{"rfilename": "cases.jsonl"}]})
        if request.path == f"/datasets/acme/mortgage/resolve/{COMMIT}/cases.jsonl":
            head = {"ETag": '"1"', "X-Repo-Commit": COMMIT, "Content-Length": str(len(data))}
            return web.Response(body=b"" if request.method == "HEAD" else data, headers=head)
        code = {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT}
        return web.json_response({"error": "not found"}, status=404, headers=code)

    async def read(self, name: str, revision: str = COMMIT, split: str = "train", *, offline: bool = False) -> str:
        """What a process of its own prints: `datasets` reads the environment once, on import."""
        environ = {"HF_ENDPOINT": self.url, "HF_HOME": str(self.home), "HOME": str(self.home), "PATH": "/usr/bin:/bin"}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", READ, name, revision, split),
            env={**environ, "HF_DATASETS_OFFLINE": str(int(offline)), "HF_HUB_DISABLE_TELEMETRY": "1"},
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode == 0, err.decode()
        return out.decode().strip()


@contextlib.asynccontextmanager
async def a_hub(home: Path) -> AsyncIterator[Hub]:
    hub = Hub(home=home)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", hub.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        hub.url = f"http://{host}:{port}"
        yield hub
    finally:
        await runner.cleanup()


async def test_a_dataset_is_read_kept_and_read_again_without_the_network(tmp_path: Path) -> None:
    async with a_hub(tmp_path) as hub:
        assert await hub.read("acme/mortgage", offline=True) == (
            f"DATASET_UNAVAILABLE acme/mortgage at {COMMIT[:12]} cannot be read: ConnectionError: "
            "Couldn't reach 'acme/mortgage' on the Hub (OfflineModeIsEnabled)"
        )
        assert hub.asked == []
        assert await hub.read("acme/mortgage") == "600 acme/mortgage:600 q599 600"
        asked = len(hub.asked)
        assert asked > 0
        assert await hub.read("acme/mortgage", offline=True) == "600 acme/mortgage:600 q599 600"
        refused = await hub.read("acme/mortgage", OTHER, offline=True)
        assert refused.startswith("DATASET_UNAVAILABLE")
        assert f"what was kept is another revision: {COMMIT}" in refused
        assert len(hub.asked) == asked


async def test_a_dataset_or_a_split_that_is_not_there_is_named(tmp_path: Path) -> None:
    async with a_hub(tmp_path) as hub:
        assert (await hub.read("acme/none")).startswith("DATASET_UNAVAILABLE acme/none at")
        missing = await hub.read("acme/mortgage", split="test")
        assert missing.startswith("DATASET_UNAVAILABLE")
        assert "train" in missing


@pytest.mark.parametrize("name", ["../etc/passwd", "a/b/c", "", "-x", "a b", "/tmp", "https://example.invalid/x"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(CannotAsk) as caught:
        list(load_cases(name, revision=COMMIT))
    assert caught.value.code == "DATASET_NAME"


def test_a_folder_of_the_same_name_is_not_what_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "acme" / "mortgage").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CannotAsk) as caught:
        list(load_cases("acme/mortgage", revision=COMMIT))
    assert caught.value.code == "DATASET_NAME"


@pytest.mark.parametrize("revision", ["", "main", "v1.0", COMMIT[:12]])
def test_a_revision_that_may_move_is_refused(revision: str) -> None:
    with pytest.raises(CannotAsk) as caught:
        list(load_cases("acme/mortgage", revision=revision))
    assert caught.value.code == "DATASET_REVISION"
