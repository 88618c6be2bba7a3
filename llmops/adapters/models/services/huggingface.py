"""Hugging Face: the router of inference providers, Inference Endpoints, and text-generation-inference (TGI) anywhere.

`base_url` left out is the router's. An endpoint that sleeps answers 503, with `estimated_time` while it loads: again.
Older TGI knows a schema only as `response_format.value`; that is learned from its complaint (422).
"""

from __future__ import annotations

from dataclasses import replace

from llmops.adapters.models.services.openai import OpenAiService
from llmops.adapters.models.services.service import Complaint, Kind, Mend
from llmops.adapters.models.services.verdicts import Advice, Reply, Rule


def _older_format(reply: Reply) -> Complaint | None:
    is_format = "response_format" in reply.words.message or "json_schema" in reply.words.message
    is_shape = "missing field `value`" in reply.words.message or "unknown variant" in reply.words.message
    if reply.status in (400, 422) and is_format and is_shape:
        return reply.complaint(Kind.MEND, mend=Mend.FORMAT_BY_VALUE)
    return None


def _overloaded(reply: Reply) -> Complaint | None:
    """TGI's 429 "Model is overloaded" is its queue, not the account's limit."""
    if "overloaded" in reply.words.names:
        return reply.complaint(Kind.AGAIN, seconds=reply.seconds)
    return None


class HuggingFaceService(OpenAiService):
    """One model at Hugging Face (implements `Service`). See the module."""

    default_base_url = "https://router.huggingface.co/v1"
    base_url_hint = "write the endpoint's address: base_url: https://NAME.REGION.CLOUD.endpoints.huggingface.cloud/v1"
    own_rules: tuple[Rule, ...] = (_older_format, _overloaded)

    @property
    def advice(self) -> Advice:
        variable = self._config.key_env or self._config.token_env
        key = f"check the token in {variable}" if variable else "name the variable with the token: key_env: HF_TOKEN"
        return replace(
            super().advice,
            key=f"{key}: it needs the right to call Inference Providers, or this endpoint",
            model=f"'{self._config.model}' is not served here: write ORGANISATION/MODEL, or `tgi` for TGI's endpoint",
        )
