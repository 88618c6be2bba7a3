"""With the embedded models nothing leaves the machine: retrieval, generation and embeddings in a process whose
connections are watched, and in a network namespace that has nothing but the loopback interface."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.embedded

JOURNEY = """
import asyncio, socket, sys
from pathlib import Path

if "loopback" in sys.argv:
    import fcntl, struct
    with socket.socket() as probe:  # a new namespace has its loopback interface down: bring it up (SIOCSIFFLAGS)
        fcntl.ioctl(probe, 0x8914, struct.pack("16sh", b"lo", 0x1))
    if [name for _, name in socket.if_nameindex() if name != "lo"]:
        sys.exit("there is another interface")

connected = []

def watch(event, arguments):
    if event == "socket.connect":
        connected.append(arguments[1])
        if not str(arguments[1][0]).startswith("127."):
            raise AssertionError(f"a connection to {arguments[1]}")
    if event in ("socket.getaddrinfo", "socket.gethostbyname") and arguments[0] not in ("127.0.0.1", None):
        raise AssertionError(f"a look-up of {arguments[0]}")

sys.addaudithook(watch)
from llmops.adapters.models.door import open_door
from llmops.adapters.retrieval.build import build_retriever
from llmops.documents.chat import ChatRequest
from llmops.documents.config import ModelConfig
from llmops.retrieval.passages import Passage

CONFIG = {
    "loader": "markdown", "chunking": {"strategy": "section", "size": 200, "overlap": 0},
    "embedding": {"provider": "embedded", "model": "all-minilm-l6-v2", "dimensions": 384},
    "index": {"backend": "memory"}, "pii": {"action": "warn"}, "context": {"max_tokens": None},
    "retrieval": {"strategy": "hybrid", "top_k": 1, "score_threshold": None, "reranker": None},
}

async def main():
    models = {"small": ModelConfig(name="small", provider="embedded", model="small")}
    passages = [Passage(id="a#1", text="A rate lock lasts 45 days."), Passage(id="b#1", text="Cats sleep a lot.")]
    async with open_door(Path(sys.argv[1]), models, offline=True) as door:
        found = await build_retriever(CONFIG, passages, door).retrieve("How long is a rate locked?")
        question = {"role": "user", "content": f"{found[0].text} How long does a rate lock last?"}
        reply = await door.chat(ChatRequest(model="small", messages=(question,), parameters={"max_tokens": 20}))
        print(found[0].id, bool(reply.text), door.calls, bool(connected))

asyncio.run(main())
"""
EXPECTED = "a#1 True 4 True\n"


def can_unshare():
    done = subprocess.run(["unshare", "--user", "--map-root-user", "--net", "true"], capture_output=True, check=False)
    return done.returncode == 0


def test_a_watched_process_connects_to_nothing_but_itself(tmp_path):
    done = subprocess.run([sys.executable, "-c", JOURNEY, str(tmp_path)], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == (EXPECTED, "")


def test_the_watch_would_have_seen_a_connection_to_elsewhere():
    script = JOURNEY.split("from llmops", maxsplit=1)[0] + "socket.create_connection(('192.0.2.1', 9), timeout=0.1)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "192.0.2.1" in done.stderr


@pytest.mark.skipif(sys.platform != "linux" or not can_unshare(), reason="no network namespaces for this user")
def test_it_all_works_where_there_is_no_network(tmp_path):
    command = ["unshare", "--user", "--map-root-user", "--net", sys.executable, "-c", JOURNEY]
    done = subprocess.run([*command, str(tmp_path), "loopback"], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == (EXPECTED, "")


def test_nothing_is_written_to_the_users_home(tmp_path):
    # onnxruntime 1.32 keeps a database of usage data there, and looks up a host for it, unless it is told not to.
    home = tmp_path / "home"
    home.mkdir()
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(Path(__file__).parents[4])}
    command = [sys.executable, "-c", JOURNEY, str(tmp_path / "cache")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert (done.stdout, done.stderr) == (EXPECTED, "")
    assert sorted(path.name for path in home.rglob("*")) == []
