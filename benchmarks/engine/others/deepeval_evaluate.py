"""DeepEval's `evaluate()`, asynchronous, CONCURRENCY cases at once; the answers are asked for before, all at once."""

import asyncio
import json
import os
import sys
from pathlib import Path

os.environ.update(DEEPEVAL_TELEMETRY_OPT_OUT="YES", OPENAI_API_KEY="none", DEEPEVAL_UPDATE_WARNING_OPT_OUT="YES")

from deepeval import evaluate
from deepeval.evaluate.configs import AsyncConfig, CacheConfig, DisplayConfig, ErrorConfig
from deepeval.metrics import (
    AnswerRelevancyMetric,
    ContextualPrecisionMetric,
    ContextualRecallMetric,
    FaithfulnessMetric,
)
from deepeval.models import OpenAIModel
from deepeval.test_case import LLMTestCase
from openai import AsyncOpenAI


async def answers(address, cases, concurrency):
    client, lanes = AsyncOpenAI(base_url=address, api_key="none"), asyncio.Semaphore(concurrency)

    async def one(case):
        numbered = "\n".join(f"[{at}] {text}" for at, text in enumerate(case["contexts"], 1))
        asked = [{"role": "user", "content": f"{numbered}\nQuestion: {case['question']}"}]
        async with lanes:
            reply = await client.chat.completions.create(model="gpt-4o", messages=asked)
        return reply.choices[0].message.content

    found = await asyncio.gather(*(one(case) for case in cases))
    await client.close()
    return found


def main(address, cases, concurrency):
    model = OpenAIModel(model="gpt-4o", base_url=address, api_key="none")
    kinds = (FaithfulnessMetric, AnswerRelevancyMetric, ContextualPrecisionMetric, ContextualRecallMetric)
    found = evaluate(
        [
            LLMTestCase(
                input=case["question"],
                actual_output=answer,
                expected_output=case["ground_truth"],
                retrieval_context=case["contexts"],
            )
            for case, answer in zip(cases, asyncio.run(answers(address, cases, concurrency)), strict=True)
        ],
        metrics=[kind(model=model) for kind in kinds],
        async_config=AsyncConfig(max_concurrent=concurrency),
        cache_config=CacheConfig(write_cache=False),
        display_config=DisplayConfig(show_indicator=False, print_results=False, inspect_after_run=False),
        error_config=ErrorConfig(ignore_errors=True),
    )
    data = [metric for test in found.test_results for metric in test.metrics_data or []]
    print()
    print(json.dumps({"missing": 4 * len(cases) - sum(metric.score is not None for metric in data)}))


main(sys.argv[1], json.loads(Path(sys.argv[2]).read_text()), int(sys.argv[3]))
