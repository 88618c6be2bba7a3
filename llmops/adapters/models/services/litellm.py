"""A LiteLLM proxy: one door to many services, with keys and budgets of its own.

It passes on the complaints of what stands behind it as text ("litellm.RateLimitError: AzureException - …"), often with
its own 400 or 500: what the text says counts. A budget that is spent is no rate limit, also where it comes as 429.
"""

from __future__ import annotations

import re
from dataclasses import replace

from llmops.adapters.models.services.openai import OpenAiService
from llmops.adapters.models.services.service import Complaint, Kind
from llmops.adapters.models.services.verdicts import Advice, Reply, Rule

_LIMITED = re.compile(r"litellm\.RateLimitError|No deployments available for selected model")
_AGAIN = re.compile(
    r"litellm\.(?:Timeout|ServiceUnavailableError|InternalServerError|APIConnectionError|BadGatewayError)"
)


def _passed_on(reply: Reply) -> Complaint | None:
    """A failure behind the proxy that the proxy calls 400 or 500."""
    if reply.status in (401, 403, 404):
        return None
    if _LIMITED.search(reply.words.message):
        return reply.complaint(Kind.LIMITED, seconds=reply.seconds)
    if _AGAIN.search(reply.words.message):
        return reply.complaint(Kind.AGAIN, seconds=reply.seconds)
    return None


def _spent(reply: Reply) -> Complaint | None:
    """Before `_passed_on`: a spent budget may be quoted within a failure of something behind."""
    is_spent = "budget_exceeded" in reply.words.names or "crossed budget" in reply.words.message
    return reply.complaint(Kind.REFUSED, reply.advice.spent) if is_spent else None


class LitellmService(OpenAiService):
    """One model name of a LiteLLM proxy (implements `Service`). See the module."""

    default_base_url = ""
    base_url_hint = "write the proxy's address: base_url: http://127.0.0.1:4000/v1"
    own_rules: tuple[Rule, ...] = (_spent, _passed_on)

    @property
    def advice(self) -> Advice:
        variable = self._config.key_env
        key = f"check {variable}" if variable else "name the variable with the proxy's key in key_env"
        return replace(
            super().advice,
            key=f"{key}: a key of the proxy, not of the service behind it",
            model=f"the proxy has no '{self._config.model}' for this key: GET {self.base_url}/models lists what it has",
            spent="the proxy's budget for this key, user or team is spent: ask whoever runs the proxy",
        )
