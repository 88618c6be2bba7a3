"""A mortgage assistant on LangGraph: a graph of two nodes, retrieve and write.

Run it: pip install langgraph langchain-openai, then

    OPENAI_BASE_URL=http://127.0.0.1:8000/v1 PROMPT_VERSION=1.3.1 \\
        python -m examples.applications.langgraph_app "How many days is an appraisal valid?"

Evaluate it: name it as a target in llmops.yaml, address `python:examples.applications.langgraph_app:answer`.

The retriever is LangChain's `BaseRetriever` over the words that question and section share.
"""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Any, TypedDict

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.messages import AIMessage
from langchain_core.retrievers import BaseRetriever
from langchain_openai import ChatOpenAI
from langgraph.graph import END, START, StateGraph

from examples.applications import mortgage


class WordRetriever(BaseRetriever):
    """The documents that share the rarest words with the question."""

    documents: list[Document]
    rarity: dict[str, float]
    k: int = mortgage.TOP_K

    @classmethod
    def over(cls, documents: list[Document]) -> WordRetriever:
        known = Counter(word for each in documents for word in set(mortgage.words(each.page_content)))
        return cls(documents=documents, rarity={word: math.log(len(documents) / n) for word, n in known.items()})

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:  # noqa: ARG002
        asked = set(mortgage.words(query))

        def weight(document: Document) -> float:
            return sum(self.rarity[word] for word in asked & set(mortgage.words(document.page_content)))

        return sorted(self.documents, key=weight, reverse=True)[: self.k]


class State(TypedDict, total=False):
    """What the nodes hand on."""

    question: str
    found: list[Document]
    reply: AIMessage


@cache
def graph() -> Any:
    """The compiled graph; the pages are read once."""
    documents = [Document(id=each.id, page_content=each.text) for each in mortgage.sections()]
    retriever = WordRetriever.over(documents)

    def retrieve(state: State) -> State:
        return {"found": retriever.invoke(state["question"])}

    def write(state: State) -> State:
        prompt = mortgage.prompt()
        contexts = [{"id": each.id, "text": each.page_content} for each in state["found"]]
        model = ChatOpenAI(
            model=prompt.model,
            base_url=mortgage.base_url(),
            api_key=mortgage.api_key(),
            extra_body=prompt.parameters,  # exactly as the release says, under the names it uses
        )
        return {"reply": model.invoke(prompt.render(question=state["question"], contexts=contexts))}

    built = StateGraph(State)
    built.add_node("retrieve", retrieve)
    built.add_node("write", write)
    built.add_edge(START, "retrieve")
    built.add_edge("retrieve", "write")
    built.add_edge("write", END)
    return built.compile()


def answer(question: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to one question, with the sections it was given."""
    end = graph().invoke({"question": question["question"]})
    usage = end["reply"].usage_metadata or {}
    return {
        "answer": end["reply"].text,
        "contexts": [each.page_content for each in end["found"]],
        "context_ids": [each.id for each in end["found"]],
        "input_tokens": usage.get("input_tokens", 0),
        "output_tokens": usage.get("output_tokens", 0),
    }


if __name__ == "__main__":
    print(json.dumps(answer({"question": " ".join(sys.argv[1:])}), indent=2))
