"""A mortgage assistant on LlamaIndex: its BM25 retriever and an OpenAI-compatible chat model.

Run it: pip install llama-index-core llama-index-llms-openai-like llama-index-retrievers-bm25, then

    OPENAI_BASE_URL=http://127.0.0.1:8000/v1 PROMPT_VERSION=1.3.1 \\
        python -m examples.applications.llamaindex_app "How many days is an appraisal valid?"

Evaluate it: name it as a target in llmops.yaml, address `python:examples.applications.llamaindex_app:answer`.

The function is a coroutine: it is awaited on the event loop, beside the other cases.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

from llama_index.core.llms import ChatMessage
from llama_index.core.schema import TextNode
from llama_index.llms.openai_like import OpenAILike
from llama_index.retrievers.bm25 import BM25Retriever

from examples.applications import mortgage


@cache
def retriever() -> BM25Retriever:
    """BM25 over the sections; the pages are read once."""
    nodes = [TextNode(id_=each.id, text=each.text) for each in mortgage.sections()]
    return BM25Retriever.from_defaults(nodes=nodes, similarity_top_k=mortgage.TOP_K)


async def answer(question: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to one question, with the sections it was given."""
    found = [each.node for each in await retriever().aretrieve(question["question"])]
    prompt = mortgage.prompt()
    messages = prompt.render(
        question=question["question"], contexts=[{"id": each.node_id, "text": each.text} for each in found]
    )
    model = OpenAILike(
        model=prompt.model,
        api_base=mortgage.base_url(),
        api_key=mortgage.api_key(),
        is_chat_model=True,
        additional_kwargs=prompt.parameters,
    )
    reply = await model.achat([ChatMessage(role=each["role"], content=each["content"]) for each in messages])
    return {
        "answer": reply.message.content or "",
        "contexts": [each.text for each in found],
        "context_ids": [each.node_id for each in found],
        "input_tokens": reply.additional_kwargs.get("prompt_tokens", 0),
        "output_tokens": reply.additional_kwargs.get("completion_tokens", 0),
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(answer({"question": " ".join(sys.argv[1:])})), indent=2))
