"""ragas' `evaluate()`, with CONCURRENCY workers; the answers are asked for before, all at once."""

import asyncio
import json
import math
import sys
import warnings
from pathlib import Path

from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from openai import AsyncOpenAI
from ragas import EvaluationDataset, RunConfig, evaluate
from ragas.metrics import answer_relevancy, context_precision, context_recall, faithfulness

warnings.simplefilter("ignore")


async def answers(address, cases, concurrency):
    client, lanes = AsyncOpenAI(base_url=address, api_key="none"), asyncio.Semaphore(concurrency)

    async def one(case):
        numbered = "\n".join(f"[{at}] {text}" for at, text in enumerate(case["contexts"], 1))
        asked = [{"role": "user", "content": f"{numbered}\nQuestion: {case['question']}"}]
        async with lanes:
            reply = await client.chat.completions.create(model="scripted-1", messages=asked)
        return reply.choices[0].message.content

    found = await asyncio.gather(*(one(case) for case in cases))
    await client.close()
    return found


def main(address, cases, concurrency):
    model = ChatOpenAI(model="scripted-1", base_url=address, api_key="none")
    embeddings = OpenAIEmbeddings(
        model="scripted-vectors-1", base_url=address, api_key="none", check_embedding_ctx_length=False
    )
    rows = [
        {
            "user_input": case["question"],
            "retrieved_contexts": case["contexts"],
            "response": answer,
            "reference": case["ground_truth"],
        }
        for case, answer in zip(cases, asyncio.run(answers(address, cases, concurrency)), strict=True)
    ]
    found = evaluate(
        EvaluationDataset.from_list(rows),
        metrics=[faithfulness, answer_relevancy, context_precision, context_recall],
        llm=model,
        embeddings=embeddings,
        run_config=RunConfig(max_workers=concurrency),
        show_progress=False,
    )
    values = [float(value) for row in found.scores for value in row.values()]
    print(json.dumps({"missing": 4 * len(cases) - sum(not math.isnan(value) for value in values)}))


main(sys.argv[1], json.loads(Path(sys.argv[2]).read_text()), int(sys.argv[3]))
