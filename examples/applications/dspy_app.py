"""A mortgage assistant on DSPy: a module that retrieves with its Embeddings and predicts with a released prompt.

Run it: pip install dspy, then

    OPENAI_BASE_URL=http://127.0.0.1:8000/v1 PROMPT_VERSION=1.3.1 \\
        python -m examples.applications.dspy_app "How many days is an appraisal valid?"

Evaluate it: name it as a target in llmops.yaml, address `python:examples.applications.dspy_app:answer`.

DSPy writes prompts by itself, from signatures. `ReleasedPrompt` is an adapter that sends the release's messages
instead, so that what is sent is what was reviewed; an optimised prompt goes into prompt.yaml and through the gate.
"""

from __future__ import annotations

import json
import os
import sys
import zlib
from collections.abc import Mapping
from functools import cache
from typing import Any

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # a price list is no reason to use the network

import dspy
import numpy as np

import llmops
from examples.applications import mortgage

DIMENSIONS = 4096


class ReleasedPrompt(dspy.Adapter):
    """Sends the messages of a release, and takes the reply as the answer."""

    def __init__(self, prompt: llmops.Prompt) -> None:
        super().__init__()
        self.prompt = prompt

    def format(
        self, signature: type[dspy.Signature], demos: list[dict[str, Any]], inputs: dict[str, Any]
    ) -> list[dict[str, Any]]:
        if demos:
            raise ValueError(f"examples belong into prompt.yaml as few_shots: {signature.__name__} has {len(demos)}")
        return self.prompt.render(question=inputs["question"], contexts=inputs["contexts"])

    def parse(self, signature: type[dspy.Signature], completion: str) -> dict[str, Any]:  # noqa: ARG002
        return {"answer": completion}


class Assistant(dspy.Module):
    """Retrieve, then predict."""

    def __init__(self) -> None:
        super().__init__()
        self.predict = dspy.Predict("question, contexts: list[dict[str, str]] -> answer")

    def forward(self, question: str) -> dspy.Prediction:
        known = mortgage.sections()
        found = [known[index] for index in retriever()(question).indices]
        contexts = [{"id": each.id, "text": each.text} for each in found]
        return dspy.Prediction(answer=self.predict(question=question, contexts=contexts).answer, contexts=contexts)


def bag_of_words(texts: list[str]) -> np.ndarray:
    """One place for each word, by its check sum: vectors without any download."""
    vectors = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
    for row, text in enumerate(texts):
        for word in set(mortgage.words(text)):
            vectors[row, zlib.crc32(word.encode()) % DIMENSIONS] = 1.0
    return vectors


@cache
def retriever() -> dspy.retrievers.Embeddings:
    """Over the sections; the pages are read once."""
    corpus = [each.text for each in mortgage.sections()]
    embedder = dspy.Embedder(bag_of_words, caching=False)
    return dspy.retrievers.Embeddings(corpus=corpus, embedder=embedder, k=mortgage.TOP_K)


def answer(question: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to one question, with the sections it was given."""
    prompt = mortgage.prompt()
    # llmops keeps answers itself, and must see that a repeated question was asked again.
    model = dspy.LM(
        f"openai/{prompt.model}",
        api_base=mortgage.base_url(),
        api_key=mortgage.api_key(),
        cache=False,
        **prompt.parameters,
    )
    # A context, not `configure`: every question runs in a thread of its own.
    with dspy.context(lm=model, adapter=ReleasedPrompt(prompt)):
        made = Assistant()(question=question["question"])
    usage = model.history[-1]["usage"]
    return {
        "answer": made.answer,
        "contexts": [each["text"] for each in made.contexts],
        "context_ids": [each["id"] for each in made.contexts],
        "input_tokens": usage.get("prompt_tokens", 0),
        "output_tokens": usage.get("completion_tokens", 0),
    }


if __name__ == "__main__":
    print(json.dumps(answer({"question": " ".join(sys.argv[1:])}), indent=2))
