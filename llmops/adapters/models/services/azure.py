"""Azure OpenAI.

Two addresses, by `api_version`:

1. A dated one: `{base}/openai/deployments/{deployment}/chat/completions?api-version=…`. The deployment stands in the
   address; `model` leaves the body, where another name than the deployment's would be a contradiction.
2. None, or `preview`: `{base}/openai/v1/chat/completions`, and `model` in the body is the deployment.

`base_url` is the resource's, with or without `/openai` or `/openai/v1`. A key goes in `api-key`, a token of Entra ID in
`Authorization`. No deployment's name chooses another path on the host that is given the key. The content filter answers
400 with what it found: that is a refusal, not a failure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from llmops.adapters.keys import Secret
from llmops.adapters.models.services.openai import OpenAiService
from llmops.adapters.models.services.verdicts import Advice
from llmops.documents.config import ModelConfig

_NAME = re.compile(r"[^/\\?#%\x00-\x20\x7f-\x9f]+")


def deployment_of(config: ModelConfig) -> str:
    """The name of the deployed model."""
    return config.deployment or config.model


class AzureService(OpenAiService):
    """One deployment (implements `Service`). See the module."""

    default_base_url = ""
    base_url_hint = "write the resource's address: base_url: https://NAME.openai.azure.com"

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        if "/deployments" in self.base_url:
            raise self._wrong("has a base_url with the deployment in it: write that as deployment")
        self.base_url = self.base_url.removesuffix("/v1").removesuffix("/openai")
        self._deployment = deployment_of(config)
        if self._deployment in (".", "..") or not _NAME.fullmatch(self._deployment):
            raise self._wrong("has a deployment (or, without one, a model) whose name would be another address")
        self._is_dated = config.api_version not in ("", "preview")

    @property
    def advice(self) -> Advice:
        variable = self._config.token_env or self._config.key_env
        key = (
            f"check {variable}" if variable else "name the variable with the key in key_env, or a token's in token_env"
        )
        return Advice(
            key=f"{key}: the key of this very resource ({self.base_url}), or a token that has not expired",
            model=f"check that {self.base_url} has a deployment '{self._deployment}' (`deployment` in llmops.yaml)",
            address=f"check base_url ({self.base_url}) and api_version ({self._config.api_version or 'none'})",
        )

    def url(self, path: str) -> str:
        """Where `path` is asked. Raises: CannotAsk MODEL_ADDRESS for an address with a query."""
        base = self._plain_base()
        version = f"?api-version={quote(self._config.api_version, safe='')}" if self._config.api_version else ""
        if self._is_dated:
            return f"{base}/openai/deployments/{quote(self._deployment, safe='')}{path}{version}"
        return f"{base}/openai/v1{path}{version}"

    def adapt(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The body without `model`, or with the deployment's name as `model`."""
        rest = {key: item for key, item in body.items() if key != "model"}
        return rest if self._is_dated else {**rest, "model": self._deployment}

    def _authorization(self, secret: Secret) -> dict[str, str]:
        return super()._authorization(secret) if secret.is_token else {"api-key": secret.value}
