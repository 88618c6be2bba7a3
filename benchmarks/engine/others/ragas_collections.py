"""ragas' collections: all scores of all cases in one gather; at most CONCURRENCY connections."""

import asyncio
import json
import math
import sys
from pathlib import Path

import httpx
from openai import AsyncOpenAI
from ragas.embeddings import OpenAIEmbeddings
from ragas.llms import llm_factory
from ragas.metrics.collections import AnswerRelevancy, ContextPrecisionWithReference, ContextRecall, Faithfulness


async def main(address, cases, concurrency):
    limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    http = httpx.AsyncClient(limits=limits, timeout=httpx.Timeout(600))
    client = AsyncOpenAI(base_url=address, api_key="none", http_client=http)
    llm = llm_factory("scripted-1", client=client)
    embeddings = OpenAIEmbeddings(client=client, model="scripted-vectors-1")
    metrics = (
        Faithfulness(llm=llm),
        AnswerRelevancy(llm=llm, embeddings=embeddings),
        ContextPrecisionWithReference(llm=llm),
        ContextRecall(llm=llm),
    )

    async def one(case):
        numbered = "\n".join(f"[{at}] {text}" for at, text in enumerate(case["contexts"], 1))
        asked = [{"role": "user", "content": f"{numbered}\nQuestion: {case['question']}"}]
        reply = await client.chat.completions.create(model="scripted-1", messages=asked)
        answer, question, contexts = reply.choices[0].message.content, case["question"], case["contexts"]
        faithfulness, relevancy, precision, recall = metrics
        truth = case["ground_truth"]
        scores = await asyncio.gather(
            faithfulness.ascore(user_input=question, response=answer, retrieved_contexts=contexts),
            relevancy.ascore(user_input=question, response=answer),
            precision.ascore(user_input=question, reference=truth, retrieved_contexts=contexts),
            recall.ascore(user_input=question, reference=truth, retrieved_contexts=contexts),
        )
        return [score.value for score in scores]

    found = await asyncio.gather(*(one(case) for case in cases))
    await http.aclose()
    print(json.dumps({"missing": sum(value is None or math.isnan(value) for row in found for value in row)}))


asyncio.run(main(sys.argv[1], json.loads(Path(sys.argv[2]).read_text()), int(sys.argv[3])))
