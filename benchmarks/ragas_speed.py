"""How long ragas takes through the model door, beside ragas called directly: `python benchmarks/ragas_speed.py`.

A local endpoint in a process of its own replies by script after 200 ms; four metrics, three contexts a case. Ideal is
the larger of two replies in a row and requests × 200 ms / concurrency.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from llmops.adapters.models.door import open_door
from llmops.adapters.ragas.judge import RagasJudge
from llmops.documents.chat import Stage
from llmops.documents.config import JudgeConfig, ModelConfig, Prices

METRICS = ("faithfulness", "answer_relevancy", "context_precision", "context_recall")
LATENCY = 0.2
SIZES = ((8, 64), (64, 32), (64, 64))
ASKED = 7  # unique requests of a case with three contexts


def serve(address: multiprocessing.Queue[str]) -> None:
    from tests.adapters.ragas.endpoint import Endpoint, served

    class Slow(Endpoint):
        async def chat(self, request):
            await asyncio.sleep(LATENCY)
            return await super().chat(request)

    async def run() -> None:
        async with served(kind=Slow) as endpoint:
            address.put(endpoint.url)
            await asyncio.Event().wait()

    asyncio.run(run())


async def ours(url: str, cases: int, concurrency: int) -> tuple[float, float]:
    from tests.adapters.ragas.observations import observed

    models = {
        name: ModelConfig(
            name=name, provider="vllm", model=name, base_url=url, prices=Prices(input=1.0), concurrency=concurrency
        )
        for name in ("judge", "encoder")
    }
    with tempfile.TemporaryDirectory() as folder:
        async with open_door(Path(folder), models, environ={}) as door:
            judge = RagasJudge(JudgeConfig(name="strict", kind="ragas", model="judge", embeddings="encoder"), door)
            await judge.score(observed(cases), METRICS)  # imports and connections are no part of it
            wall, cpu = time.perf_counter(), time.process_time()
            await asyncio.gather(*(judge.score(observed(at), METRICS) for at in range(cases)))
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            assert door.ledger.stages[Stage.JUDGE].sent == ASKED * (cases + 1)
    return wall, cpu / (ASKED * cases)


async def directly(url: str, cases: int, concurrency: int) -> tuple[float, float]:
    from tests.adapters.ragas.endpoint import Endpoint
    from tests.adapters.ragas.observations import observed
    from tests.adapters.ragas.test_equality import direct, fields

    metrics = direct(Endpoint(url=url), temperature=0.0, max_retries=1)
    limit = asyncio.Semaphore(concurrency)

    async def one(name: str, at: int) -> None:
        async with limit:
            await metrics[name].ascore(**fields(name, observed(at)))

    await one("faithfulness", cases)
    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(one(name, at) for at in range(cases) for name in METRICS))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    await metrics["faithfulness"].llm.client.client.close()
    return wall, cpu / ((ASKED + 2) * cases)  # ragas asks the question of answer relevancy three times


def main() -> None:
    address: multiprocessing.Queue[str] = multiprocessing.Queue()
    server = multiprocessing.Process(target=serve, args=(address,), daemon=True)
    server.start()
    url = address.get(timeout=60)
    print("cases  concurrency  ideal s  who     wall s  × ideal  CPU ms a request")
    for cases, concurrency in SIZES:
        ideal = max(2 * LATENCY, ASKED * cases * LATENCY / concurrency)
        for who, run in (("llmops", ours), ("ragas", directly)):
            wall, cpu = asyncio.run(run(url, cases, concurrency))
            row = f"{cases:5}  {concurrency:11}  {ideal:7.2f}  {who:6}  {wall:6.2f}  {wall / ideal:7.2f}"
            print(f"{row}  {1000 * cpu:16.2f}")
    server.terminate()


if __name__ == "__main__":
    main()
