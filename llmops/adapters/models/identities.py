"""What a model is, beyond its name in llmops.yaml: what names it in evidence and in the cache.

Rules, in order:

1. `provider: embedded` is the model whose weights `llmops setup embedded` puts in place; there is one. As a model of
   embeddings it is the encoder.
2. An identity names what answered: weights for the embedded model; service, address and model for an endpoint, with
   Azure's deployment and api-version. It needs no network, loads nothing and holds no secret.
3. Nothing that changes without changing answers is part of it: no key, no price, no limit, no name in llmops.yaml.
"""

from __future__ import annotations

from importlib import metadata
from urllib.parse import urlsplit

from llmops.adapters.models import services
from llmops.adapters.models.embedded import weights
from llmops.adapters.models.services.azure import deployment_of
from llmops.documents.config import ModelConfig
from llmops.errors import CannotAsk

EMBEDDED_MODEL = "smollm2-135m-instruct"


def is_embedded(config: ModelConfig) -> bool:
    return config.provider == "embedded"


def identity(config: ModelConfig) -> dict[str, str]:
    """What names the model behind `config` in evidence. Raises: CannotAsk MODEL_UNKNOWN, MODEL_ADDRESS."""
    return _embedded_identity(config) if is_embedded(config) else _endpoint_identity(config)


def embedding_identity(config: ModelConfig | None = None) -> dict[str, str]:
    """What names the embedding model: the one of `config`, the embedded encoder where there is none.

    Raises: CannotAsk MODEL_ADDRESS.
    """
    if config is not None and not is_embedded(config):
        return _endpoint_identity(config)
    return {
        "provider": "embedded",
        "model": "all-MiniLM-L6-v2",
        "sha256": weights.ENCODER.sha256,
        "tokenizer": weights.TOKENIZER.sha256,
        "engine": f"onnxruntime {_version_of('onnxruntime')}",
    }


def _endpoint_identity(config: ModelConfig) -> dict[str, str]:
    endpoint = _without_secrets(services.of(config).base_url)
    names = {"provider": config.provider, "model": config.model, "endpoint": endpoint}
    if config.provider != "azure":
        return names
    return {**names, "deployment": deployment_of(config), "api_version": config.api_version}


def _embedded_identity(config: ModelConfig) -> dict[str, str]:
    if config.model not in (config.name, EMBEDDED_MODEL):
        raise CannotAsk(
            "MODEL_UNKNOWN",
            f"model {config.name} asks for the embedded model '{config.model}', there is one: '{EMBEDDED_MODEL}'",
            where="llmops.yaml",
            hint=f"leave `model` out, or write {EMBEDDED_MODEL}",
        )
    return {
        "provider": "embedded",
        "model": weights.GENERATOR.file,
        "sha256": weights.GENERATOR.sha256,
        "engine": f"xllamacpp {_version_of('xllamacpp')}",
    }


def _without_secrets(address: str) -> str:
    """The address without user, password and query: people put keys there."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"


def _version_of(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
