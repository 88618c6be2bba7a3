"""A mortgage assistant on Haystack: a pipeline of its BM25 retriever, a prompt from git, and its chat generator.

Run it: pip install haystack-ai, then

    OPENAI_BASE_URL=http://127.0.0.1:8000/v1 PROMPT_VERSION=1.3.1 \\
        python -m examples.applications.haystack_app "How many days is an appraisal valid?"

Evaluate it: name it as a target in llmops.yaml, address `python:examples.applications.haystack_app:answer`.

`ReleasedPrompt` stands where Haystack's ChatPromptBuilder would: the template is a release, not a text in the code.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

os.environ.setdefault("HAYSTACK_TELEMETRY_ENABLED", "False")  # read when haystack is imported

from haystack import Document, Pipeline, component
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.components.retrievers.in_memory import InMemoryBM25Retriever
from haystack.dataclasses import ChatMessage
from haystack.document_stores.in_memory import InMemoryDocumentStore
from haystack.utils import Secret

from examples.applications import mortgage

_ROLES = {
    "system": ChatMessage.from_system,
    "user": ChatMessage.from_user,
    "assistant": ChatMessage.from_assistant,
}


@component
class ReleasedPrompt:
    """Documents and a question become the messages of the release, and its sampling parameters."""

    @component.output_types(messages=list[ChatMessage], parameters=dict[str, Any])
    def run(self, question: str, documents: list[Document]) -> dict[str, Any]:
        prompt = mortgage.prompt()
        contexts = [{"id": each.id, "text": each.content} for each in documents]
        rendered = prompt.render(question=question, contexts=contexts)
        return {
            "messages": [_ROLES[each["role"]](each["content"]) for each in rendered],
            "parameters": {"model": prompt.model, **prompt.parameters},
        }


@cache
def store() -> InMemoryDocumentStore:
    """The sections; the pages are read once."""
    filled = InMemoryDocumentStore()
    filled.write_documents([Document(id=each.id, content=each.text) for each in mortgage.sections()])
    return filled


def pipeline() -> Pipeline:
    """Retrieve, render, write."""
    built = Pipeline()
    built.add_component("retriever", InMemoryBM25Retriever(store(), top_k=mortgage.TOP_K))
    built.add_component("prompt", ReleasedPrompt())
    key = Secret.from_token(mortgage.api_key())
    built.add_component("model", OpenAIChatGenerator(api_key=key, api_base_url=mortgage.base_url()))
    built.connect("retriever.documents", "prompt.documents")
    built.connect("prompt.messages", "model.messages")
    built.connect("prompt.parameters", "model.generation_kwargs")
    return built


def answer(question: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to one question, with the sections it was given."""
    asked = question["question"]
    ended = pipeline().run(
        {"retriever": {"query": asked}, "prompt": {"question": asked}}, include_outputs_from={"retriever"}
    )
    reply, found = ended["model"]["replies"][0], ended["retriever"]["documents"]
    usage = reply.meta.get("usage", {})
    return {
        "answer": reply.text or "",
        "contexts": [each.content for each in found],
        "context_ids": [each.id for each in found],
        "input_tokens": usage.get("prompt_tokens", 0),
        "output_tokens": usage.get("completion_tokens", 0),
    }


if __name__ == "__main__":
    print(json.dumps(answer({"question": " ".join(sys.argv[1:])}), indent=2))
