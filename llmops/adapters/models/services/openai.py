"""OpenAI, and whatever speaks as it does: the ground that the other services stand on.

`base_url` left out is OpenAI's own. OpenAI's reasoning models refuse `max_tokens` and want `max_completion_tokens`;
that is learned from their complaint, not from their names, which change every month.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from llmops.adapters.keys import Secret, check_address
from llmops.adapters.models.services import words
from llmops.adapters.models.services.service import Complaint
from llmops.adapters.models.services.verdicts import Advice, Reply, Rule, verdict
from llmops.documents.config import ModelConfig
from llmops.errors import CannotAsk


class OpenAiService:
    """One model at OpenAI's API, or at any that follows it (implements `Service`). See the module."""

    default_base_url = "https://api.openai.com/v1"
    base_url_hint = "write base_url: https://HOST/v1"
    own_rules: tuple[Rule, ...] = ()

    def __init__(self, config: ModelConfig) -> None:
        """Raises: CannotAsk MODEL_ADDRESS."""
        self._config = config
        self.base_url = self._checked(config.base_url or self.default_base_url)

    @property
    def advice(self) -> Advice:
        variable = self._config.key_env or self._config.token_env
        key = f"check the key in {variable}" if variable else "name the variable with the key: key_env: OPENAI_API_KEY"
        return Advice(
            key=f"{key}, and that it may use this model",
            model=f"check the name '{self._config.model}': `model` in llmops.yaml is the name that the service knows",
            address=f"check base_url ({self.base_url}): it usually ends in /v1",
        )

    def url(self, path: str) -> str:
        """Where `path` is asked. Raises: CannotAsk MODEL_ADDRESS for an address with a query."""
        return f"{self._plain_base()}{path}"

    def headers(self, secret: Secret | None) -> dict[str, str]:
        """The key, where there is one. Raises: CannotAsk INSECURE_ADDRESS."""
        if secret is None:
            return {}
        check_address(f"model '{self._config.name}'", self.base_url)
        return self._authorization(secret)

    def adapt(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The body as this service wants it written."""
        return dict(body)

    def read_error(
        self, status: int, body: bytes, headers: Mapping[str, str] | None = None, *, now: float = 0.0
    ) -> Complaint:
        """What a reply means that is no completion."""
        said = words.read(body)
        small = {name.lower(): value for name, value in (headers or {}).items()}
        # A complaint within a stream, or of a server that always says 200, carries its status inside.
        counts = said.status if status == 200 and said.status else status
        return verdict(Reply(status=counts, words=said, headers=small, advice=self.advice, now=now), self.own_rules)

    def _authorization(self, secret: Secret) -> dict[str, str]:
        return {"Authorization": f"Bearer {secret.value}"}

    def _plain_base(self) -> str:
        if "?" in self.base_url or "#" in self.base_url:
            raise self._wrong("has a base_url with a query; a key stands in no address, it is sent in a header")
        return self.base_url

    def _checked(self, address: str) -> str:
        if not address:
            raise self._wrong("has no base_url, and the service no address of its own")
        try:
            parts = urlsplit(address)
            parts.port  # noqa: B018 - reading it checks it
        except ValueError as error:
            raise self._wrong(f"has a base_url that is no address: {error}") from error
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise self._wrong("has a base_url that is no http or https address")
        return address.rstrip("/")

    def _wrong(self, what: str) -> CannotAsk:
        message = f"model '{self._config.name}' (provider {self._config.provider}) {what}"
        return CannotAsk("MODEL_ADDRESS", message, where="llmops.yaml", hint=self.base_url_hint)
