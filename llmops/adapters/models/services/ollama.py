"""Ollama: models on this machine. An unknown model has to be pulled first; there is no key.

Ollama cuts a prompt that is longer than its window without a word: the window is its own setting
(`OLLAMA_CONTEXT_LENGTH`, or `num_ctx` in a Modelfile), not part of a request.
"""

from __future__ import annotations

from dataclasses import replace

from llmops.adapters.models.services.openai import OpenAiService
from llmops.adapters.models.services.service import Complaint, Kind
from llmops.adapters.models.services.verdicts import Advice, Reply, Rule


def _does_not_do(reply: Reply) -> Complaint | None:
    """Tools or images for a model that has none: every such request meets it."""
    if reply.status != 400 or "does not support" not in reply.words.message:
        return None
    return reply.complaint(Kind.REFUSED, "use a model that can do this, or leave it out of the prompt")


class OllamaService(OpenAiService):
    """One model of an Ollama server (implements `Service`). See the module."""

    default_base_url = "http://127.0.0.1:11434/v1"
    base_url_hint = "write base_url: http://127.0.0.1:11434/v1"
    own_rules: tuple[Rule, ...] = (_does_not_do,)

    @property
    def advice(self) -> Advice:
        return replace(
            super().advice,
            model=f"run `ollama pull {self._config.model}` on the machine at {self.base_url}, or mend `model`",
        )
