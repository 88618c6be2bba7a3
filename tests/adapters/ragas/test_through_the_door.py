"""ragas through the real model door, to a real HTTP server."""

from __future__ import annotations

import asyncio
from pathlib import Path

from llmops.adapters.models.door import Door, open_door
from llmops.adapters.ragas.judge import RagasJudge
from llmops.documents.chat import Stage
from llmops.documents.config import JudgeConfig, ModelConfig, Prices
from llmops.evaluation.evidence import Score
from tests.adapters.ragas.doors import ENCODER, MODEL
from tests.adapters.ragas.endpoint import served
from tests.adapters.ragas.observations import METRICS, observed

PRICES = Prices(input=1.0, output=2.0)


def a_door(folder: Path, url: str) -> Door:
    judge = ModelConfig(name=MODEL, provider="vllm", model="gpt-test", base_url=url, prices=PRICES)
    encoder = ModelConfig(name=ENCODER, provider="vllm", model="e", base_url=url, prices=PRICES)
    return open_door(folder, {MODEL: judge, ENCODER: encoder}, environ={})


async def judged(door: Door) -> list[dict[str, Score]]:
    judge = RagasJudge(JudgeConfig(name="strict", kind="ragas", model=MODEL, embeddings=ENCODER), door)
    return [dict(scores) for scores in await asyncio.gather(*(judge.score(observed(at), METRICS) for at in range(3)))]


async def test_every_metric_is_scored_booked_and_made_again_from_what_was_kept(tmp_path: Path) -> None:
    async with served() as endpoint:
        async with a_door(tmp_path, endpoint.url) as door:
            first = await judged(door)
            spent = [score.spent for scores in first for score in scores.values() if score.spent]
            booked = door.ledger.stages[Stage.JUDGE]
        sent = len(endpoint.bodies) + len(endpoint.embedded)
        async with a_door(tmp_path, endpoint.url) as door:
            again = await judged(door)
            assert door.calls == 0
    assert all(score.value is not None for scores in first for score in scores.values())
    assert len(endpoint.bodies) == len(set(endpoint.bodies)) == booked.sent
    assert sum(item.calls for item in spent) == booked.sent
    assert sum(item.nano_usd for item in spent) == booked.nano_usd > 0
    assert again == first
    assert len(endpoint.bodies) + len(endpoint.embedded) == sent
