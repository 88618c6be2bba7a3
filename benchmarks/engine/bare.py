"""The floor: an async client that sends prepared bodies, a semaphore's worth at once, and keeps nothing.

python -m benchmarks.engine.bare ADDRESS PLAN.json CONCURRENCY
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path

HEADERS = {"Content-Type": "application/json"}


async def main(address: str, plan: Path, concurrency: int) -> None:
    import aiohttp

    cases = json.loads(plan.read_text(encoding="utf-8"))
    lanes = asyncio.Semaphore(concurrency)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=2 * concurrency)) as session:

        async def ask(path: str, body: str) -> None:
            async with session.post(f"{address}{path}", data=body.encode(), headers=HEADERS) as reply:
                json.loads(await reply.read())

        async def chat(body: str) -> None:
            async with lanes:
                await ask("/chat/completions", body)

        async def case(number: int, levels: Sequence[Sequence[str]]) -> None:
            for level in levels:
                await asyncio.gather(*(chat(body) for body in level))
                if level is levels[1]:
                    texts = [f"guess {guess} of case {number}" for guess in range(4)]
                    vectors = ask("/embeddings", json.dumps({"model": "scripted-vectors-1", "input": texts}))
                    embedding = asyncio.create_task(vectors)
            await embedding

        await asyncio.gather(*(case(number, levels) for number, levels in enumerate(cases)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
