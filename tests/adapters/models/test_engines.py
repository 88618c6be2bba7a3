"""Engines are started once, whoever waits for them beside whom."""

import asyncio

from llmops.adapters.models.embedded.llama import Address
from llmops.adapters.models.engines import Engines
from llmops.adapters.models.spending.ledger import Books
from llmops.adapters.models.spending.purse import Purse
from llmops.documents.config import ModelConfig

EMBEDDED = ModelConfig(name="tiny", provider="embedded", model="tiny")


class Slow:
    """A generator that takes a moment to start."""

    addresses = (Address(base_url="http://127.0.0.1:9/v1", key="k"),)

    def close(self) -> None:
        """Nothing is open."""


async def test_all_who_wait_for_the_embedded_model_share_one_endpoint(tmp_path, monkeypatch):
    engines = Engines(memory=tmp_path / "weights.json", offline=False, environ={}, books=Books(), purse=Purse(None))
    monkeypatch.setattr(engines, "_start_llama", Slow)
    found = await asyncio.gather(*(engines.endpoint(EMBEDDED) for _ in range(8)))
    assert len({id(endpoint) for endpoint in found}) == 1
    await engines.disconnect()
