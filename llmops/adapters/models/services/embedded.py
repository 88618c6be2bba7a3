"""The embedded model: llama.cpp's own server in this process. Its address and key are made when it starts.

It complains as OpenAI does, with the status repeated as `code`. A prompt that does not fit its window is
`exceed_context_size_error`, or 500 where it grew past it while answering. What it cannot read is 500 as well ("Failed
to parse messages"): the same words would meet the same parser, so it is not asked again.
"""

from __future__ import annotations

from dataclasses import replace

from llmops.adapters.models.services.openai import OpenAiService
from llmops.adapters.models.services.service import Complaint, Kind
from llmops.adapters.models.services.verdicts import Advice, Reply, Rule


def _unreadable(reply: Reply) -> Complaint | None:
    if reply.status != 500 or not reply.words.message.lower().startswith(("failed to parse", "missing '")):
        return None
    return reply.complaint(Kind.INPUT, "mend the messages, tools or schema of this request")


class EmbeddedService(OpenAiService):
    """The model in this process (implements `Service`); `base_url` of its config is where its server listens."""

    default_base_url = ""
    base_url_hint = "the embedded model has no base_url: leave it out of llmops.yaml"
    own_rules: tuple[Rule, ...] = (_unreadable,)

    @property
    def advice(self) -> Advice:
        again = "something else answers in place of the embedded model: run the same command again"
        return replace(super().advice, key=again, address=again)
