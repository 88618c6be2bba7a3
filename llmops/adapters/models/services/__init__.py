"""One small class a service: addresses, headers, bodies, and what complaints mean. Nothing here uses a network."""

from __future__ import annotations

from llmops.adapters.models.services.azure import AzureService
from llmops.adapters.models.services.embedded import EmbeddedService
from llmops.adapters.models.services.huggingface import HuggingFaceService
from llmops.adapters.models.services.litellm import LitellmService
from llmops.adapters.models.services.ollama import OllamaService
from llmops.adapters.models.services.openai import OpenAiService
from llmops.adapters.models.services.service import Complaint, Kind, Mend, Service
from llmops.adapters.models.services.vllm import VllmService
from llmops.adapters.models.services.words import holds_error
from llmops.documents.config import ModelConfig

__all__ = ["Complaint", "Kind", "Mend", "Service", "holds_error", "of"]

_SERVICES: dict[str, type[OpenAiService]] = {
    "embedded": EmbeddedService,
    "openai": OpenAiService,
    "azure": AzureService,
    "vllm": VllmService,
    "ollama": OllamaService,
    "litellm": LitellmService,
    "huggingface": HuggingFaceService,
}


def of(config: ModelConfig) -> Service:
    """The service of `config`, bound to it. Raises: CannotAsk MODEL_ADDRESS."""
    return _SERVICES[config.provider](config)
