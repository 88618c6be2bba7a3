"""vLLM: one's own server. It has no address of its own, and asks for a key only when started with `--api-key`."""

from __future__ import annotations

from dataclasses import replace

from llmops.adapters.models.services.openai import OpenAiService
from llmops.adapters.models.services.verdicts import Advice


class VllmService(OpenAiService):
    """One model of a vLLM server (implements `Service`)."""

    default_base_url = ""
    base_url_hint = "write the server's address: base_url: http://127.0.0.1:8000/v1"

    @property
    def advice(self) -> Advice:
        variable = self._config.key_env
        return replace(
            super().advice,
            key=f"check {variable}: it holds what the server was started with as --api-key"
            if variable
            else "the server was started with --api-key: name the variable that holds it in key_env",
            model=f"the server serves another model than '{self._config.model}': GET {self.base_url}/models names it",
        )
