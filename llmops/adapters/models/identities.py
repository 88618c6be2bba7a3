"""What a model is, beyond its name in llmops.yaml: where it is asked, what names it in evidence, what it costs.

Rules, in order:

1. `provider: embedded` is the model whose weights `llmops setup embedded` puts in place; there is one.
2. An identity names what answered: weights for the embedded model, address and model for an endpoint. It needs no
   network, loads nothing and holds no secret (a query string may carry one, so it is left out).
3. Money is an integer: nano-USD. A dollar per million tokens is a thousand nano-USD per token.
"""

from __future__ import annotations

from importlib import metadata
from urllib.parse import urlsplit

from llmops.adapters.models.embedded import weights
from llmops.documents.config import ModelConfig, Prices
from llmops.errors import CannotAsk

EMBEDDED_MODEL = "smollm2-135m-instruct"
OPENAI_ADDRESS = "https://api.openai.com/v1"
NANO_USD_PER_TOKEN = 1000  # of one dollar per million tokens


def is_embedded(config: ModelConfig) -> bool:
    return config.provider == "embedded"


def address_of(config: ModelConfig) -> str:
    """The base URL that requests go to. Raises: CannotAsk MODEL_ADDRESS."""
    address = config.base_url or OPENAI_ADDRESS
    try:
        urlsplit(address).port  # noqa: B018 - reading it checks it
    except ValueError as error:
        hint = "write https://HOST/v1"
        raise CannotAsk("MODEL_ADDRESS", f"base_url is no address: {error}", where=config.name, hint=hint) from error
    return address


def identity(config: ModelConfig) -> dict[str, str]:
    """What names the model behind `config` in evidence. Raises: CannotAsk MODEL_UNKNOWN."""
    if not is_embedded(config):
        return {"provider": config.provider, "model": config.model, "endpoint": _without_secrets(address_of(config))}
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


def embedding_identity() -> dict[str, str]:
    """What names the embedding model."""
    return {
        "provider": "embedded",
        "model": "all-MiniLM-L6-v2",
        "sha256": weights.ENCODER.sha256,
        "tokenizer": weights.TOKENIZER.sha256,
        "engine": f"onnxruntime {_version_of('onnxruntime')}",
    }


def _without_secrets(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"


def _version_of(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def nano_usd(config: ModelConfig, *, input_tokens: int, output_tokens: int) -> int:
    """What a call costs, rounded to a whole nano-USD."""
    prices = config.prices or Prices()
    dollars = input_tokens * prices.input + output_tokens * prices.output
    return round(dollars * NANO_USD_PER_TOKEN)
