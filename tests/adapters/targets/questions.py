"""Questions as an evaluation asks them. They say what differs."""

from __future__ import annotations

from llmops.documents.chat import ChatRequest
from llmops.documents.config import TargetConfig
from llmops.documents.targets import Question


def a_question(case: str = "bulb", **fields: object) -> Question:
    request = ChatRequest(model="fake", messages=({"role": "user", "content": "Which bulb?"},))
    said = {
        "case": case,
        "repeat": 0,
        "text": "Which bulb?",
        "prompt": "support",
        "version": "1.0.0",
        "behaviour": "b" * 64,
        "request": request,
        "contexts": ("The lamp takes 40 watts.",),
    }
    return Question(**{**said, **fields})


def a_config(address: str, **fields: object) -> TargetConfig:
    return TargetConfig(**{"name": "app", "address": address, **fields})
