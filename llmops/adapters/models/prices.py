"""What a model costs.

Rules, in order:

1. What llmops.yaml says counts. The embedded model costs nothing.
2. Else the published price, from the table that the package `genai-prices` carries: never fetched, so it is as old as
   the installed package. A `priced_as` names the model to look for ("gpt-4o-mini", "anthropic/claude-sonnet-4-5");
   without one, models of vLLM and Ollama have no published price, and a model at an address that the table does not
   know has none either: a name does not make it the same model.
3. Of a price in steps (more for very long prompts) the first step counts; a price for input without one for output is
   an embedding model's.
4. Nobody knows: None, never 0.
5. Money is an integer: nano-USD. A dollar per million tokens is a thousand nano-USD per token.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from llmops.documents.config import ModelConfig, Prices

if TYPE_CHECKING:
    from collections.abc import Callable

    Lookup = Callable[[str, str | None, str | None], Any]

NANO_USD_PER_TOKEN = 1000  # of one dollar per million tokens
_UNPUBLISHED = ("vllm", "ollama")
_ROUTER = "router.huggingface.co"


def of(config: ModelConfig) -> Prices | None:
    """The prices of `config`, None where nobody knows."""
    if config.prices is not None:
        return config.prices
    if config.provider == "embedded":
        return Prices()
    place = _place(config)
    return _published(*place) if place else None


def nano_usd(prices: Prices, *, input_tokens: int, output_tokens: int, cached_tokens: int = 0) -> int:
    """What a call costs, rounded to a whole nano-USD. `cached_tokens` are part of `input_tokens`."""
    cached = min(cached_tokens, input_tokens)
    cached_price = prices.input if prices.cached_input is None else prices.cached_input
    dollars = (input_tokens - cached) * prices.input + cached * cached_price + output_tokens * prices.output
    return round(dollars * NANO_USD_PER_TOKEN)


def _place(config: ModelConfig) -> tuple[str, str | None, str | None] | None:
    """Model, provider and address to look for; None where there is nothing to look for."""
    if config.priced_as:
        vendor, slash, model = config.priced_as.partition("/")
        return (model, vendor, None) if slash else (config.priced_as, None, None)
    if config.provider in _UNPUBLISHED:
        return None
    if config.provider in ("azure", "litellm"):
        return config.model, config.provider, None
    if config.provider == "huggingface":
        return _of_router(config)
    return (config.model, None, config.base_url) if config.base_url else (config.model, "openai", None)


def _of_router(config: ModelConfig) -> tuple[str, str | None, str | None] | None:
    """The router's price is that of the provider behind it, which the model's name may choose (`MODEL:together`)."""
    model, colon, provider = config.model.partition(":")
    is_router = not config.base_url or _ROUTER in config.base_url
    return (model, f"huggingface_{provider}", None) if colon and is_router else None


@cache
def _published(model: str, provider: str | None, address: str | None) -> Prices | None:
    """The published prices, from the package's own table."""
    try:
        # 0.13 s of CPU on first use: it brings an HTTP client for updates, which are never asked for.
        from genai_prices.data_snapshot import get_snapshot
    except ImportError:
        return None
    from datetime import UTC, datetime

    try:
        _, found = get_snapshot().find_provider_model(model, None, provider, address)
    except LookupError:
        return None
    price = found.get_prices(datetime.now(UTC))
    if price.input_mtok is None:
        return None
    cached = price.cache_read_mtok
    return Prices(
        input=_first_step(price.input_mtok),
        output=_first_step(price.output_mtok or 0),
        cached_input=None if cached is None else _first_step(cached),
    )


def _first_step(price: Any) -> float:
    return float(getattr(price, "base", price))
