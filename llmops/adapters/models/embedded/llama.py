"""SmolLM2 in this process: servers of llama.cpp on the loopback interface.

Rules, in order:

1. Each server has one thread and answers one request at a time, and nothing of an earlier request is reused. Then an
   answer depends on its request alone: neither on order, nor on what else runs (with two slots in one server, the
   two share a batch, and answers differ in the last digits, sooner or later in words). Two servers use two cores.
2. Only 127.0.0.1, on a port that is free, with a key that this process made up: nobody else can use it.
3. Silent: the engine writes nothing to our streams.
4. Prompt and answer share a window of 2048 tokens.
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from llmops.documents.config import EMBEDDED_WINDOW
from llmops.errors import CannotAsk

MOST_SERVERS = 2
BATCH = 128  # larger ones were no faster and cost 20 MB
_SILENT = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where requests go: base URL (with `/v1`) and key ("" for none)."""

    base_url: str
    key: str


class Llama:
    """Running servers. `close` stops them, also in the middle of an answer."""

    def __init__(self, servers: list[Any], key: str) -> None:
        self._servers = servers
        self._key = key

    @property
    def addresses(self) -> tuple[Address, ...]:
        return tuple(Address(base_url=f"{server.listening_address}/v1", key=self._key) for server in self._servers)

    def count_tokens(self, text: str) -> int:
        """How many tokens `text` is to the model, without the chat template's own."""
        host = urlsplit(self._servers[0].listening_address).netloc
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._key}"}
        connection = http.client.HTTPConnection(host, timeout=60)
        try:
            connection.request("POST", "/tokenize", json.dumps({"content": text}), headers)
            return len(json.loads(connection.getresponse().read())["tokens"])
        except (OSError, ValueError, LookupError, http.client.HTTPException) as error:
            raise CannotAsk("MODEL_UNAVAILABLE", f"the embedded model counted no tokens: {error}") from error
        finally:
            connection.close()

    def close(self) -> None:
        self._servers.clear()


def start(weights: Path, *, servers: int = 0) -> Llama:
    """Servers over `weights`, as many as `worker_count()` says unless told. Raises: CannotAsk EMBEDDED_MISSING."""
    try:
        import xllamacpp
    except ImportError as error:
        raise CannotAsk(
            "EMBEDDED_MISSING",
            f"the engine of the embedded model is not installed: {error}",
            hint="install llmops with its extra `embedded`, then run `llmops setup embedded`",
        ) from error
    key = secrets.token_urlsafe(24)
    count = servers or worker_count()
    try:
        return Llama([xllamacpp.Server(_parameters(xllamacpp, weights, key)) for _ in range(count)], key)
    except RuntimeError as error:
        raise CannotAsk(
            "MODEL_UNAVAILABLE", f"the embedded model did not start: {error}", where=str(weights)
        ) from error


def worker_count() -> int:
    """A server for each core that this process may use, at most two."""
    return min(MOST_SERVERS, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def _parameters(xllamacpp: Any, weights: Path, key: str) -> Any:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(weights)
    parameters.n_ctx = EMBEDDED_WINDOW
    parameters.n_parallel = 1
    parameters.n_gpu_layers = 0
    parameters.fit_params = False
    parameters.warmup = False
    parameters.n_batch = parameters.n_ubatch = BATCH
    for cpu in (parameters.cpuparams, parameters.cpuparams_batch):
        cpu.n_threads = 1
        cpu.poll = 0
    parameters.cache_prompt = False
    parameters.cache_ram_mib = 0
    parameters.n_ctx_checkpoints = 0
    parameters.verbosity = _SILENT
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.api_keys = [key]
    parameters.ui = False
    parameters.endpoint_slots = False
    parameters.n_threads_http = 2
    return parameters
